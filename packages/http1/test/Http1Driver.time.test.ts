import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { hello, readBody, recorded, respond } from "@pagi/core/test/drivers/support/Applications"
import { distinctLimits, endsAfter } from "@pagi/core/test/drivers/support/Times"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { chunked, get, post } from "./support/Machine.ts"

/** Answers with a response after which the connection closes. */
const closing = recorded<unknown>((_, __, send) => respond(send, "bye", [["connection", "close"]]))

/** Sends something every second, for so many seconds. */
const trickle = (transport: MemoryTransport, text: string, seconds: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let sent = 0; sent < seconds; sent++) {
      yield* TestClock.adjust("1 second")
      transport.push(text)
    }
  })

/** Notes why exchanges end; answers when allowed to. */
const waiting = () => {
  const reasons: Array<DisconnectReason> = []
  const mayAnswer = Latch.makeUnsafe()
  const app = recorded<unknown>((scope, receive, send) =>
    Effect.gen(function* () {
      scope.connection.onDisconnect((reason) => reasons.push(reason))
      yield* readBody(receive)
      yield* mayAnswer.await
      yield* respond(send, "ok")
    })
  )
  return { ...app, reasons, mayAnswer }
}

describe("the head", () => {
  it.effect("a connection that sends nothing is closed after headersTimeout, without an answer", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: distinctLimits })
      const transport = harness.connect()
      yield* endsAfter({ transport }, "3 seconds")
      assert.strictEqual(transport.text, "")
      yield* finish(harness, transport)
    })
  )

  it.effect("a first head has headersTimeout from the accept on, however it trickles in → 408", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: distinctLimits })
      const transport = harness.connect()
      yield* trickle(transport, "G", 2)
      yield* endsAfter({ transport }, "1 second")
      assert.deepStrictEqual(statuses(transport.text), [408])
      assert.include(transport.text, "connection: close")
      transport.push(get())
      assert.deepStrictEqual(statuses(transport.text), [408])
      yield* finish(harness, transport)
    })
  )

  it.effect("a later head has headersTimeout from its first byte on, however it trickles in → 408", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: distinctLimits })
      const transport = yield* converse(harness, get())
      yield* TestClock.adjust("5 seconds")
      transport.push("G")
      yield* trickle(transport, "G", 2)
      yield* endsAfter({ transport }, "1 second")
      assert.deepStrictEqual(statuses(transport.text), [200, 408])
      yield* finish(harness, transport)
    })
  )
})

describe("idle", () => {
  it.effect("empty lines do not keep it open", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: distinctLimits })
      const transport = yield* converse(harness, get())
      yield* trickle(transport, "\r\n", 5)
      yield* endsAfter({ transport }, "2 seconds")
      yield* finish(harness)
    })
  )

  it.effect("the time runs from when the peer has read its response", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(200)))
      const harness = yield* makeHarness(application, { options: distinctLimits })
      const transport = harness.connect({ capacity: 200 })
      transport.push(get())
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual(transport.ending, "open")
      transport.read()
      yield* endsAfter({ transport }, "7 seconds")
      yield* finish(harness)
    })
  )
})

describe("a request that stalls", () => {
  it.effect("is dropped after requestTimeout with client_timeout", () =>
    Effect.gen(function* () {
      const { application, reasons } = waiting()
      const harness = yield* makeHarness(application, { options: distinctLimits })
      const transport = yield* converse(harness, post("Content-Length: 100"))
      yield* trickle(transport, "x", 20)
      yield* endsAfter({ transport }, "11 seconds")
      assert.deepStrictEqual(reasons, ["client_timeout"])
      assert.strictEqual(transport.text, "")
      yield* TestClock.adjust("2 seconds")
      yield* finish(harness)
    })
  )
})

describe("a peer that does not read", () => {
  const big = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))

  it.effect("is dropped also while our side lingers", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(big.application, { options: distinctLimits })
      const transport = harness.connect({ capacity: 100 })
      transport.push(get("Connection: close"))
      yield* endsAfter({ transport }, "13 seconds")
      assert.strictEqual(transport.ending, "reset")
      yield* finish(harness)
    })
  )
})

describe("a chunked body that stalls", () => {
  for (const [name, request] of [
    ["in the middle of a chunk", chunked("5\r\nabc")],
    ["in its trailers", chunked("3\r\nabc\r\n0\r\na: b\r\n")]
  ] as const) {
    it.effect(`${name} is answered with 408 after 30 s by default, and the connection closes`, () =>
      Effect.gen(function* () {
        const { application, mayAnswer, reasons } = waiting()
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, request)
        yield* endsAfter({ transport }, "30 seconds")
        mayAnswer.openUnsafe()
        yield* turn
        assert.strictEqual(statuses(transport.text).at(-1), 408)
        assert.include(transport.text, "connection: close")
        assert.strictEqual(transport.ending, "ended")
        assert.deepStrictEqual(reasons, ["client_timeout"])
        yield* finish(harness, transport)
      })
    )
  }
})

describe("after the response", () => {
  for (const [name, request] of [
    ["of a known length", post("Content-Length: 100")],
    ["in chunks", chunked("50\r\n")]
  ] as const) {
    it.effect(`the rest of an unwanted body ${name} may stall for 5 s; then the close lingers`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(recorded(hello).application, { options: distinctLimits })
        const transport = yield* converse(harness, request)
        yield* trickle(transport, "x", 10)
        yield* endsAfter({ transport }, "5 seconds")
        assert.strictEqual(transport.ending, "ended")
        yield* finish(harness, transport)
      })
    )

    it.effect(`the rest of an unwanted body ${name} may go on for 30 s; then the connection ends`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(recorded(hello).application, { options: distinctLimits })
        const transport = yield* converse(harness, request)
        yield* trickle(transport, "x", 29)
        yield* endsAfter({ transport }, "1 second")
        yield* TestClock.adjust("200 millis")
        assert.strictEqual(transport.ending, "destroyed")
        yield* finish(harness)
      })
    )
  }

  it.effect("nothing of that limits the requests that follow", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { timeout: "60 seconds" } })
      const transport = yield* converse(harness, post("Content-Length: 30"))
      yield* trickle(transport, "x", 29)
      transport.push("x")
      for (let requests = 0; requests < 3; requests++) {
        yield* TestClock.adjust("50 seconds")
        transport.push(get())
      }
      assert.deepStrictEqual(statuses(transport.text), [200, 200, 200, 200])
      yield* finish(harness, transport)
    })
  )

  it.effect("the peer has five seconds to close its side, and while it sends thirty altogether", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(closing.application, { options: distinctLimits })
      const silent = yield* converse(harness, get())
      const sending = yield* converse(harness, get())
      for (let second = 1; second <= 31; second++) {
        assert.strictEqual(silent.ending, second <= 5 ? "ended" : "destroyed", `${second} s`)
        assert.strictEqual(sending.ending, second <= 30 ? "ended" : "destroyed", `${second} s`)
        yield* TestClock.adjust(second === 5 || second === 30 ? "1200 millis" : "1 second")
        sending.push("x")
      }
      yield* finish(harness)
    })
  )

  it.effect("a connection that drains lingers for a second", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(closing.application, { options: distinctLimits })
      const before = yield* converse(harness, get())
      const skipping = yield* converse(harness, post("Content-Length: 100"))
      harness.server.registry.drain()
      yield* TestClock.adjust("900 millis")
      assert.deepStrictEqual([before.ending, skipping.ending], ["ended", "ended"])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual([before.ending, skipping.ending], ["destroyed", "destroyed"])
      yield* finish(harness)
    })
  )

  it.effect("a peer that is still reading its last response gets all of it", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))
      const harness = yield* makeHarness(application, { options: distinctLimits })
      const transport = harness.connect({ capacity: 100 })
      transport.push(get("Connection: close"))
      let text = ""
      for (let reads = 0; reads < 15; reads++) {
        yield* TestClock.adjust("5 seconds")
        text += transport.read()
      }
      assert.isTrue(text.endsWith("x".repeat(1000)))
      yield* finish(harness)
    })
  )
})
