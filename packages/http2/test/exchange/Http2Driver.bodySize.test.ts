import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import * as Effect from "effect/Effect"
import { echo, last, piece, readBody, recorded, start } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"

const post = { method: "POST", more: true } as const

describe("maxBodySize", () => {
  const options = { maxBodySize: 5 } as const

  it.effect("a content-length beyond it → 413, and the application is not run", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(echo)
      const harness = yield* makeHarness(application, { options })
      const peer = harness.connect()
      const id = peer.request({ ...post, fields: [["content-length", "6"]] })
      const fits = peer.request({ ...post, fields: [["content-length", "5"]] })
      peer.end(id, "123456")
      peer.end(fits, "12345")
      yield* turn
      assert.strictEqual(peer.response(id).status, 413)
      assert.isTrue(peer.response(id).isComplete)
      assert.strictEqual(peer.response(fits).body, "POST / 12345")
      assert.strictEqual(scopes.length, 1)
      yield* finish(harness, peer)
    })
  )

  it.effect("content beyond it without a length → 413, and the application is told body_too_large", () =>
    Effect.gen(function* () {
      const reasons: Array<DisconnectReason> = []
      const { application } = recorded<unknown>((scope, receive) =>
        Effect.andThen(
          Effect.sync(() => scope.connection.onDisconnect((reason) => reasons.push(reason))),
          readBody(receive)
        )
      )
      const harness = yield* makeHarness(application, { options })
      const peer = harness.connect()
      const id = peer.request(post)
      peer.data(id, "123")
      peer.data(id, "456")
      peer.end(id, "789")
      yield* turn
      assert.strictEqual(peer.response(id).status, 413)
      assert.isTrue(peer.response(id).isComplete)
      assert.strictEqual(peer.response(id).reset, undefined)
      assert.deepStrictEqual(reasons, ["body_too_large"])
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, peer)
    })
  )

  it.effect("content beyond it behind a response that has begun → the stream is reset", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(piece("part"))
          yield* readBody(receive)
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(application, { options })
      const peer = harness.connect()
      const id = peer.request(post)
      yield* turn
      peer.data(id, "123456")
      yield* turn
      assert.isDefined(peer.response(id).reset)
      assert.isFalse(peer.response(id).isComplete)
      assert.strictEqual(scopes[0]?.connection.disconnectReason, "body_too_large")
      yield* finish(harness, peer)
    })
  )
})
