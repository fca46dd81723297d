import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { readBody, recorded, respond } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"

const post = { method: "POST", more: true } as const

/** Answers the length of the body when it has come. */
const counting = recorded<unknown>((_, receive, send) =>
  Effect.flatMap(readBody(receive), (body) => respond(send, String(body?.length)))
)

const onServer = (application = counting.application) => makeHarness(application, { options: { timeout: 0 } })

describe("a request body that stalls", () => {
  it.effect("is answered with 408 after 30 s by default, and the rest of it is not waited for", () =>
    Effect.gen(function* () {
      const harness = yield* onServer()
      const peer = harness.connect()
      const silent = peer.request(post)
      const begun = peer.request(post)
      yield* TestClock.adjust("1 second")
      peer.data(begun, "abc")
      yield* TestClock.adjust("28900 millis")
      assert.isUndefined(peer.response(silent).status)
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(peer.response(silent).status, 408)
      assert.isTrue(peer.response(silent).isComplete)
      assert.isUndefined(peer.response(begun).status)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(peer.response(begun).status, 408)
      yield* TestClock.adjust("31 seconds")
      assert.deepStrictEqual([peer.response(silent).reset, peer.response(begun).reset], ["NO_ERROR", "NO_ERROR"])
      assert.strictEqual(peer.transport.ending, "open")
      yield* finish(harness, peer)
    })
  )

  it.effect(
    "is no matter of the peer's while others of its connection, which are not read, have used up the windows",
    () =>
      Effect.gen(function* () {
        const mayRead = Latch.makeUnsafe()
        const { application } = recorded<unknown>((scope, receive, send) =>
          Effect.gen(function* () {
            if (scope.path === "/later") yield* mayRead.await
            yield* respond(send, String((yield* readBody(receive))?.length))
          })
        )
        const harness = yield* onServer(application)
        const peer = harness.connect()
        const waiting = Array.from({ length: 16 }, () => peer.request({ ...post, path: "/later" }))
        const id = peer.request(post)
        for (const other of waiting) {
          for (let left = 65_535; left > 0; left -= 16_384) peer.data(other, "x".repeat(Math.min(left, 16_384)))
        }
        yield* TestClock.adjust("2 minutes")
        assert.isUndefined(peer.response(id).status)
        mayRead.openUnsafe()
        yield* turn
        for (const other of [...waiting, id]) peer.data(other, "x", true)
        yield* turn
        assert.strictEqual(peer.response(id).body, "1")
        yield* finish(harness, peer)
      })
  )
})
