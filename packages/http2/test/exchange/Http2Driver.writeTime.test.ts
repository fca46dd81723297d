import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { piece, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { distinctLimits } from "@pagi/core/test/drivers/support/Times"
import { finish, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Peer } from "./support/Peer.ts"

/** The connection breaks; then nothing of it may be left. */
const breakOff = (harness: Harness, peer: Peer): Effect.Effect<void> =>
  Effect.gen(function* () {
    peer.transport.fail()
    yield* TestClock.adjust("2 seconds")
    yield* turn
    yield* finish(harness)
  })

const big = recorded<unknown>((_, __, send) => respond(send, "x".repeat(100_000)))

/** Sends without end. */
const endless = () =>
  recorded<unknown>(({ connection }, _, send) =>
    Effect.gen(function* () {
      yield* send(start())
      while (connection.isConnected) yield* send(piece("x".repeat(1000)))
    })
  )

describe("a window that stays shut", () => {
  it.effect("resets its stream after writeTimeout with write_timeout; others go on", () =>
    Effect.gen(function* () {
      const { application, scopes } = endless()
      const harness = yield* makeHarness(application, { options: { ...distinctLimits, requestTimeout: 0 } })
      const peer = harness.connect()
      const id = peer.request()
      peer.open(0, 1_000_000)
      yield* TestClock.adjust("12900 millis")
      assert.strictEqual(peer.response(id).reset, undefined)
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(peer.response(id).reset, "CANCEL")
      assert.strictEqual(scopes[0]?.connection.disconnectReason, "write_timeout")
      assert.deepStrictEqual(peer.goAways, [])
      const other = peer.request()
      yield* turn
      assert.strictEqual(peer.response(other).status, 200)
      yield* breakOff(harness, peer)
    })
  )

  it.effect("does so also when the response is complete", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(big.application, { options: distinctLimits })
      const peer = harness.connect()
      const id = peer.request()
      yield* TestClock.adjust("12900 millis")
      assert.strictEqual(peer.response(id).reset, undefined)
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(peer.response(id).reset, "CANCEL")
      yield* breakOff(harness, peer)
    })
  )

  it.effect("does not while the peer opens it now and then, whatever other limits there are", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(endless().application, { options: distinctLimits })
      const peer = harness.connect()
      const id = peer.request()
      for (let updates = 0; updates < 100; updates++) {
        yield* TestClock.adjust("5 seconds")
        peer.open(0, 10)
        peer.open(id, 10)
        assert.strictEqual(peer.response(id).reset, undefined, `after ${updates * 5} s`)
      }
      assert.strictEqual(peer.response(id).body.length, 65_535 + 1000)
      yield* breakOff(harness, peer)
    })
  )

  it.effect("does so also when the peer goes on to upload", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(endless().application, { options: distinctLimits })
      const peer = harness.connect()
      const id = peer.request({ method: "POST", more: true })
      for (let sent = 0; sent < 27 && peer.response(id).reset === undefined; sent++) {
        yield* TestClock.adjust("1 second")
        peer.data(id, "x")
      }
      assert.strictEqual(peer.response(id).reset, "CANCEL")
      yield* breakOff(harness, peer)
    })
  )

  it.effect("of the connection resets all that wait for it", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(big.application, { options: distinctLimits })
      const peer = harness.connect()
      const ids = [peer.request(), peer.request(), peer.request()]
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(
        ids.map((id) => peer.response(id).reset),
        ["CANCEL", "CANCEL", "CANCEL"]
      )
      yield* breakOff(harness, peer)
    })
  )

  it.effect("is not one that waits for its turn: a slow peer of many streams gets them all", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(20_000)))
      const harness = yield* makeHarness(application, { options: { ...distinctLimits, requestTimeout: 0 } })
      const peer = harness.connectWide({ capacity: 8000 })
      const ids = peer.together(() => Array.from({ length: 40 }, () => peer.request()))
      for (let reads = 0; reads < 130; reads++) {
        yield* TestClock.adjust("5 seconds")
        peer.read()
      }
      assert.deepStrictEqual(
        ids.filter((id) => peer.response(id).reset !== undefined),
        []
      )
      assert.strictEqual(
        ids.reduce((sum, id) => sum + peer.response(id).body.length, 0),
        800_000
      )
      yield* breakOff(harness, peer)
    })
  )
})

describe("a transport that takes nothing more", () => {
  it.effect("does so also when all responses are complete, and while our side lingers", () =>
    Effect.gen(function* () {
      for (const lingers of [false, true]) {
        const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))
        const harness = yield* makeHarness(application, { options: { ...distinctLimits, timeout: 0 } })
        const peer = harness.connect({ capacity: 300 })
        peer.request()
        if (lingers) peer.frame(0, 0, 0)
        yield* TestClock.adjust("12900 millis")
        assert.strictEqual(peer.transport.ending, "open")
        yield* TestClock.adjust("300 millis")
        assert.strictEqual(peer.transport.ending, "reset")
        yield* turn
        yield* finish(harness)
      }
    })
  )
})

describe("without limits", () => {
  it.effect("0 means that windows may stay shut, and the rest of a request away, without end", () =>
    Effect.gen(function* () {
      const noLimits: Input = { timeout: 0, headersTimeout: 0, requestTimeout: 0, writeTimeout: 0 }
      const harness = yield* makeHarness(big.application, { options: noLimits })
      const shut = harness.connect()
      const stuck = shut.request()
      const answered = harness.connectWide()
      const unfinished = answered.request({ method: "POST", more: true })
      yield* TestClock.adjust("3 hours")
      for (const { transport } of [shut, answered]) assert.strictEqual(transport.ending, "open")
      assert.strictEqual(shut.response(stuck).reset, undefined)
      assert.isTrue(answered.response(unfinished).isComplete)
      assert.strictEqual(answered.response(unfinished).reset, undefined)
      for (const { transport } of [shut, answered]) transport.fail()
      yield* TestClock.adjust("10 seconds")
      yield* turn
      yield* finish(harness)
    })
  )
})
