import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { CANCEL, NO_ERROR } from "../../src/protocol/wire/ErrorCode.ts"
import { echo, hello, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { assertNothingLeft, finish, makeHarness, turn } from "./support/DriverHarness.ts"

const post = { method: "POST", more: true } as const

/** Notes why its exchanges end. */
const watching = () => {
  const notes: Array<string> = []
  const app = recorded<unknown>(({ connection }, receive, send) =>
    Effect.gen(function* () {
      connection.onDisconnect((reason) => notes.push(`${reason} ${connection.isConnected}`))
      yield* send(start())
      yield* readBody(receive)
    })
  )
  return { ...app, notes }
}

describe("a peer that leaves", () => {
  it.effect("by breaking a rule on the connection ends its exchanges with protocol_error", () =>
    Effect.gen(function* () {
      const { application, notes } = watching()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      peer.request(post)
      peer.request(post)
      yield* turn
      peer.frame(0, 0, 0)
      yield* turn
      assert.deepStrictEqual(notes, ["protocol_error false", "protocol_error false"])
      assert.deepStrictEqual(peer.goAways, ["PROTOCOL_ERROR"])
      assert.deepStrictEqual(harness.errors, [])
      assert.deepStrictEqual(
        harness.log.map(({ outcome, status }) => [status, outcome]),
        [
          [200, "protocol_error"],
          [200, "protocol_error"]
        ]
      )
      yield* finish(harness, peer)
    })
  )

  it.effect("a stream leaves the others as they are", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application, scopes } = recorded<unknown>((_, __, send) =>
        Effect.andThen(mayAnswer.await, respond(send, "ok"))
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const ids = [peer.request(), peer.request(), peer.request()]
      peer.reset(ids[1] ?? 0, CANCEL)
      mayAnswer.openUnsafe()
      yield* turn
      assert.deepStrictEqual(
        ids.map((id) => peer.response(id).body),
        ["ok", "", "ok"]
      )
      assert.deepStrictEqual(
        scopes.map(({ connection }) => connection.disconnectReason),
        [undefined, "client_closed", undefined]
      )
      yield* finish(harness, peer)
    })
  )

  it.effect("GOAWAY of the peer ends nothing that has begun", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const peer = harness.connect()
      const id = peer.request(post)
      peer.frame(7, 0, 0, "\0".repeat(8))
      peer.end(id, "x")
      yield* turn
      assert.strictEqual(peer.response(id).body, "POST / x")
      yield* finish(harness, peer)
    })
  )
})

describe("a response that is complete before the request", () => {
  it.effect("is delivered; up to 64 KiB more are skipped, then the stream is reset with NO_ERROR", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect()
      const id = peer.request(post)
      yield* turn
      assert.isTrue(peer.response(id).isComplete)
      for (let sent = 0; sent < 4; sent++) peer.data(id, "x".repeat(16_384))
      yield* turn
      assert.strictEqual(peer.response(id).reset, undefined)
      peer.data(id, "x")
      yield* turn
      assert.strictEqual(peer.response(id).reset, "NO_ERROR")
      peer.data(id, "still under way")
      peer.end(id)
      const next = peer.request()
      yield* turn
      assert.strictEqual(peer.response(next).body, "hello /")
      yield* finish(harness, peer)
    })
  )

  it.effect("is reset with NO_ERROR also when the rest does not come within headersTimeout", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { headersTimeout: "3 seconds" } })
      const peer = harness.connect()
      const id = peer.request(post)
      yield* TestClock.adjust("2900 millis")
      assert.strictEqual(peer.response(id).reset, undefined)
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(peer.response(id).reset, "NO_ERROR")
      assert.strictEqual(harness.log[0]?.outcome, "complete")
      yield* finish(harness, peer)
    })
  )

  it.effect("closes the stream in order when the rest comes", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { headersTimeout: "3 seconds" } })
      const peer = harness.connect()
      const id = peer.request(post)
      yield* turn
      peer.data(id, "abc")
      peer.headers(id, [["x", "y"]], true)
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(peer.response(id).reset, undefined)
      yield* finish(harness, peer)
    })
  )

  it.effect("does not hold up the close of a peer that has closed its side", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect()
      const id = peer.request(post)
      yield* turn
      assert.isTrue(peer.response(id).isComplete)
      yield* finish(harness, peer)
    })
  )

  it.effect("and reset by the peer with NO_ERROR is complete all the same", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect()
      const id = peer.request(post)
      yield* turn
      peer.reset(id, NO_ERROR)
      yield* turn
      assert.strictEqual(harness.log[0]?.outcome, "complete")
      yield* finish(harness, peer)
    })
  )
})

describe("the server", () => {
  it.effect("tells the peer of an abort by GOAWAY, without an error", () =>
    Effect.gen(function* () {
      const { application, notes } = watching()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      peer.request(post)
      yield* turn
      harness.server.registry.abort("server_shutdown")
      yield* turn
      assert.deepStrictEqual(notes, ["server_shutdown false"])
      assert.deepStrictEqual(peer.goAways, ["NO_ERROR"])
      assert.strictEqual(peer.transport.ending, "destroyed")
      assertNothingLeft(harness)
    })
  )
})
