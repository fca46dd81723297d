import { assert, describe, it } from "@effect/vitest"
import type * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { converse, finish, makeHarness, turn } from "./support/DriverHarness.ts"
import {
  close,
  disconnected,
  event,
  getStream,
  getStream10,
  readStream,
  start,
  streaming,
  watching
} from "./support/EventStreams.ts"
import { post } from "./support/Machine.ts"

const lastChunk = "\r\n0\r\n\r\n"

describe("backpressure", () => {
  it.effect("send waits for a peer that is behind, and the stream stays bounded and whole", () =>
    Effect.gen(function* () {
      let sent = 0
      let maximum = 0
      const application = streaming(({ transport }, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          for (; sent < 200; sent++) {
            yield* send(event(`${sent} ${"x".repeat(100)}`))
            maximum = Math.max(maximum, transport.bufferedAmount)
          }
        })
      )
      const harness = yield* makeHarness(application, { options: { writeHighWatermark: 1000, writeLowWatermark: 100 } })
      const transport = harness.connect({ capacity: 300 })
      transport.push(getStream())
      yield* turn
      assert.isBelow(sent, 20)
      let text = ""
      for (let reads = 0; reads < 500 && !text.endsWith(lastChunk); reads++) {
        text += transport.read()
        yield* turn
      }
      const [{ body }] = readStream(text)
      const expected = Array.from({ length: 200 }, (_, index) => `data: ${index} ${"x".repeat(100)}\n\n`)
      assert.strictEqual(body, expected.join(""))
      assert.isAtMost(maximum, 1200)
      yield* finish(harness, transport)
    })
  )

  it.effect("a peer that reads nothing is dropped after writeTimeout, keepalive or not", () =>
    Effect.gen(function* () {
      const { application, notes } = watching({ type: "sse.keepalive", interval: 1 }, event("x".repeat(1000)))
      const harness = yield* makeHarness(application, { options: { writeTimeout: "10 seconds" } })
      const transport = harness.connect({ capacity: 500 })
      transport.push(getStream())
      yield* TestClock.adjust("9900 millis")
      assert.deepStrictEqual(notes, [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["write_timeout"])
      assert.strictEqual(transport.ending, "reset")
      yield* finish(harness)
    })
  )
})

describe("time", () => {
  it.effect("keepalive comments reach the peer, and stop with the stream", () =>
    Effect.gen(function* () {
      const mayClose = Latch.makeUnsafe()
      const application = streaming((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* send({ type: "sse.keepalive", interval: 15, comment: "still here" })
          yield* mayClose.await
          yield* send(close)
        })
      )
      const harness = yield* makeHarness(application, { options: { timeout: 0 } })
      const transport = yield* converse(harness, getStream())
      yield* TestClock.adjust("14900 millis")
      assert.notInclude(transport.text, "still here")
      yield* TestClock.adjust("300 millis")
      assert.isTrue(transport.text.endsWith("\r\n\r\nd\r\n:still here\n\n\r\n"))
      yield* TestClock.adjust("15 seconds")
      mayClose.openUnsafe()
      yield* turn
      const before = transport.text
      assert.strictEqual(readStream(before)[0].body, ":still here\n\n:still here\n\n")
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(transport.text, before)
      yield* finish(harness, transport)
    })
  )

  it.effect("sseIdleTimeout ends a silent stream as if it were complete, and then the connection", () =>
    Effect.gen(function* () {
      const { application, notes } = watching(event("a"))
      const harness = yield* makeHarness(application, { options: { sseIdleTimeout: "20 seconds" } })
      const transport = yield* converse(harness, getStream())
      yield* TestClock.adjust("19900 millis")
      assert.deepStrictEqual(notes, [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["idle_timeout"])
      assert.isTrue(transport.text.endsWith(lastChunk))
      assert.strictEqual(transport.ending, "ended")
      assert.deepStrictEqual(harness.errors, [])
      assert.deepStrictEqual(
        harness.log.map((record) => [record.status, record.outcome]),
        [[200, "idle_timeout"]]
      )
      yield* finish(harness, transport)
    })
  )

  it.effect("sseIdleTimeout closes an HTTP/1.0 connection in order", () =>
    Effect.gen(function* () {
      const { application } = watching(event("a"))
      const harness = yield* makeHarness(application, { options: { sseIdleTimeout: "20 seconds" } })
      const transport = yield* converse(harness, getStream10())
      yield* TestClock.adjust("21 seconds")
      assert.isTrue(transport.text.endsWith("data: a\n\n"))
      assert.include(["ended", "closed"], transport.ending)
      yield* finish(harness, transport)
    })
  )

  it.effect("requestTimeout does not limit a stream, but what precedes it and what replaces it", () =>
    Effect.gen(function* () {
      const options = { requestTimeout: "10 seconds" } as const
      const { application, notes } = watching(event("a"))
      const stream = yield* makeHarness(application, { options })
      const open = yield* converse(stream, getStream())
      yield* TestClock.adjust("10 minutes")
      open.push("bytes of a request that follows")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual([open.ending, notes], ["open", []])
      yield* finish(stream, open)

      const handlers: ReadonlyArray<PagiApp.SseHandler<unknown>> = [
        (_scope, receive) => disconnected(receive),
        (_scope, receive, send) =>
          Effect.andThen(send({ type: "sse.http.response.start", status: 200 }), disconnected(receive))
      ]
      for (const handler of handlers) {
        const harness = yield* makeHarness(streaming(handler), { options })
        const transport = yield* converse(harness, post("Accept: text/event-stream", "Content-Length: 100"))
        transport.push("slow")
        yield* TestClock.adjust("9900 millis")
        assert.strictEqual(transport.ending, "open")
        yield* TestClock.adjust("300 millis")
        assert.strictEqual(transport.ending, "destroyed")
        assert.strictEqual(harness.log[0]?.outcome, "client_timeout")
        yield* finish(harness)
      }
    })
  )
})

describe("the server stops", () => {
  it.effect("drain: the application can say goodbye, then the stream ends as if it were complete", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const application = streaming(({ shuttingDown }, receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* shuttingDown
          yield* send(event("goodbye"))
          notes.push(yield* disconnected(receive))
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream())
      harness.server.registry.drain()
      yield* harness.server.beginShutdown
      yield* turn
      assert.isTrue(transport.text.endsWith("data: goodbye\n\n\r\n"))
      assert.strictEqual(transport.ending, "open")
      yield* TestClock.adjust("200 millis")
      assert.isTrue(transport.text.endsWith(`data: goodbye\n\n${lastChunk}`))
      assert.strictEqual(transport.ending, "ended")
      assert.deepStrictEqual(notes, ["server_shutdown"])
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, transport)
    })
  )

  it.effect(
    "drain: a stream that starts meanwhile is told to end, too; an application that runs on is interrupted",
    () =>
      Effect.gen(function* () {
        const mayStart = Latch.makeUnsafe()
        const notes: Array<string> = []
        const application = streaming((_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* mayStart.await
            yield* send(start)
            yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => notes.push("interrupted")))
          })
        )
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, getStream())
        harness.server.registry.drain()
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(transport.text, "")
        mayStart.openUnsafe()
        yield* turn
        yield* TestClock.adjust("200 millis")
        assert.match(transport.text, /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*\r\n\r\n0\r\n\r\n$/)
        assert.strictEqual(transport.ending, "ended")
        transport.pushEnd()
        yield* TestClock.adjust("6 seconds")
        assert.deepStrictEqual(notes, ["interrupted"])
        yield* finish(harness)
      })
  )

  it.effect("abort: truncated", () =>
    Effect.gen(function* () {
      const { application, notes } = watching(event("a"))
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream())
      harness.server.registry.abort("server_shutdown")
      yield* turn
      assert.deepStrictEqual(notes, ["server_shutdown"])
      assert.notInclude(transport.text, lastChunk)
      assert.strictEqual(transport.ending, "destroyed")
      yield* finish(harness)
    })
  )
})
