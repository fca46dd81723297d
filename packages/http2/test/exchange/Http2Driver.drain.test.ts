import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { echo, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Peer } from "./support/Peer.ts"

const everyStream = 2 ** 31 - 1
const pingPayload = "\0".repeat(8)
const post = { method: "POST", more: true } as const

/** Answers when allowed to. */
const gated = () => {
  const mayAnswer = Latch.makeUnsafe()
  const app = recorded<unknown>((scope, receive, send) =>
    Effect.andThen(readBody(receive), Effect.andThen(mayAnswer.await, respond(send, `late ${scope.path}`)))
  )
  return { ...app, mayAnswer }
}

const lastIds = (peer: Peer): Array<number> => peer.all("GOAWAY").map(({ last }) => last)

/** As long as streams are served behind the answer to the PING. */
const moment = TestClock.adjust("300 millis")

describe("a drain", () => {
  it.effect("is not put off by answers beyond the first", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const peer = harness.connect()
      harness.server.registry.drain()
      for (let count = 0; count < 6; count++) {
        peer.ping(pingPayload, true)
        yield* TestClock.adjust("50 millis")
      }
      assert.deepStrictEqual(lastIds(peer), [everyStream, 0])
      assert.strictEqual(peer.transport.ending, "ended")
      yield* finish(harness, peer)
    })
  )

  it.effect("announces the end first, and closes an idle connection once the peer has seen that", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const peer = harness.connect()
      yield* turn
      peer.read()
      harness.server.registry.drain()
      yield* turn
      assert.deepStrictEqual(peer.read(), [
        { type: "GOAWAY", last: everyStream, code: "NO_ERROR", message: "" },
        { type: "PING", isAck: false, payload: pingPayload }
      ])
      assert.strictEqual(peer.transport.ending, "open")
      peer.ping(pingPayload, true)
      yield* moment
      assert.deepStrictEqual(lastIds(peer), [everyStream, 0])
      assert.strictEqual(peer.transport.ending, "ended")
      yield* finish(harness, peer)
    })
  )

  it.effect("waits a second for that at most", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const peer = harness.connect()
      harness.server.registry.drain()
      yield* TestClock.adjust("900 millis")
      assert.deepStrictEqual(lastIds(peer), [everyStream])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(lastIds(peer), [everyStream, 0])
      assert.strictEqual(peer.transport.ending, "ended")
      yield* finish(harness, peer)
    })
  )

  it.effect("serves what is open, and what the peer opens before it has seen the first GOAWAY; nothing beyond", () =>
    Effect.gen(function* () {
      const { application, mayAnswer, scopes } = gated()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const open = peer.request({ ...post, path: "/open" })
      harness.server.registry.drain()
      yield* turn
      const between = peer.request({ path: "/between" })
      peer.ping(pingPayload, true)
      yield* turn
      // Another thread of the client was about to send it.
      const behind = peer.request({ path: "/behind" })
      assert.deepStrictEqual(lastIds(peer), [everyStream])
      yield* moment
      assert.deepStrictEqual(lastIds(peer), [everyStream, behind])
      const beyond = peer.request({ ...post, path: "/beyond" })
      peer.data(beyond, "ignored")
      peer.open(beyond, 10)
      peer.headers(beyond, [["x", "ignored"]], true)
      peer.end(open, "more")
      assert.strictEqual(peer.transport.ending, "open")
      mayAnswer.openUnsafe()
      yield* turn
      assert.strictEqual(peer.response(open).body, "late /open")
      assert.strictEqual(peer.response(between).body, "late /between")
      assert.strictEqual(peer.response(behind).body, "late /behind")
      assert.deepStrictEqual(peer.response(beyond), {
        status: undefined,
        headers: [],
        body: "",
        trailers: undefined,
        informational: [],
        isComplete: false,
        reset: undefined
      })
      assert.strictEqual(scopes.length, 3)
      assert.strictEqual(peer.transport.ending, "ended")
      yield* finish(harness, peer)
    })
  )

  it.effect("keeps the windows of the connection open for uploads that go on, whatever comes beyond", () =>
    Effect.gen(function* () {
      const { application, mayAnswer } = gated()
      mayAnswer.openUnsafe()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const open = peer.request({ ...post, path: "/open" })
      harness.server.registry.drain()
      peer.ping(pingPayload, true)
      yield* moment
      for (let streams = 0; streams < 40; streams++) {
        const beyond = peer.request(post)
        for (let frames = 0; frames < 4; frames++) peer.data(beyond, "x".repeat(16_000))
      }
      peer.end(open, "x".repeat(16_000))
      yield* turn
      assert.strictEqual(peer.response(open).body, "late /open")
      assert.deepStrictEqual(peer.goAways, ["NO_ERROR", "NO_ERROR"])
      yield* finish(harness, peer)
    })
  )

  for (const [name, end] of [
    ["reset by the peer", (peer: Peer, id: number) => Effect.sync(() => peer.reset(id, 8))],
    ["an upload that is given up", () => TestClock.adjust("4 seconds")],
    ["a window that stays shut", () => TestClock.adjust("14 seconds")],
    ["its application fails", () => TestClock.adjust("2 seconds")],
    ["its response is complete but the application runs on", () => TestClock.adjust("2 seconds")]
  ] as const) {
    it.effect(`closes when the last stream has ended: ${name}`, () =>
      Effect.gen(function* () {
        const { application } = recorded<unknown>((_, __, send) => {
          switch (name) {
            case "an upload that is given up":
              return respond(send, "ok")
            case "a window that stays shut":
              return respond(send, "x".repeat(100_000))
            case "its application fails":
              return Effect.andThen(Effect.sleep("1500 millis"), Effect.fail("broken"))
            case "its response is complete but the application runs on":
              return Effect.gen(function* () {
                yield* Effect.sleep("1500 millis")
                yield* respond(send, "ok")
                yield* Effect.never
              })
            default:
              return Effect.andThen(send(start()), Effect.never)
          }
        })
        const harness = yield* makeHarness(application, {
          options: { headersTimeout: "3 seconds", writeTimeout: "13 seconds", disconnectGrace: "1 second" }
        })
        const peer = harness.connect()
        const id = peer.request(name === "an upload that is given up" ? post : {})
        harness.server.registry.drain()
        peer.ping(pingPayload, true)
        yield* moment
        assert.strictEqual(peer.transport.ending, "open")
        yield* end(peer, id)
        yield* turn
        peer.read()
        yield* turn
        assert.notStrictEqual(peer.transport.ending, "open")
        peer.transport.pushEnd()
        yield* TestClock.adjust("2 seconds")
        yield* turn
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("ends a connection that has not begun", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const peer = harness.accept()
      harness.server.registry.drain()
      yield* TestClock.adjust("1200 millis")
      assert.strictEqual(peer.transport.ending, "ended")
      yield* finish(harness, peer)
    })
  )
})
