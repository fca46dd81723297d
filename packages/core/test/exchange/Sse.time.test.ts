import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { events, sendAll, text, timed, written } from "../support/SseSteps.ts"

describe("keepalive", () => {
  it.effect("comments every interval in which nothing else is sent", () =>
    Effect.gen(function* () {
      const { host } = yield* timed()
      yield* host.exchange.send(events.start)
      yield* host.exchange.send({ type: "sse.keepalive", interval: 5, comment: "still here" })
      yield* TestClock.adjust("4900 millis")
      assert.strictEqual(written(host), "")
      yield* host.exchange.send({ type: "sse.comment", comment: "x" })
      yield* TestClock.adjust("4900 millis")
      assert.strictEqual(written(host), ":x\n\n")
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(written(host), ":x\n\n:still here\n\n")
      yield* TestClock.adjust("5200 millis")
      assert.strictEqual(written(host), ":x\n\n:still here\n\n:still here\n\n")
    })
  )

  it.effect("the last one wins, 0 stops, and the end of the stream stops it", () =>
    Effect.gen(function* () {
      const { deadlines, host } = yield* timed()
      const keepalive = (interval: number, comment: string) =>
        host.exchange.send({ type: "sse.keepalive", interval, comment })
      yield* host.exchange.send(events.start)
      yield* keepalive(10, "slow")
      yield* keepalive(1, "fast")
      yield* TestClock.adjust("1200 millis")
      assert.strictEqual(written(host), ":fast\n\n")
      yield* keepalive(0, "never")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(written(host), ":fast\n\n")
      yield* host.exchange.send(events.send)
      yield* TestClock.adjust("1 minute")
      const before = host.calls.length
      yield* keepalive(1, "again")
      yield* host.exchange.send(events.close)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(host.calls.length, before + 1)
      assert.strictEqual(deadlines.size, 0)
    })
  )

  it.effect("a fraction of a second is one", () =>
    Effect.gen(function* () {
      const { host } = yield* timed()
      yield* host.exchange.send(events.start)
      yield* host.exchange.send({ type: "sse.keepalive", interval: 0.5 })
      yield* TestClock.adjust("1300 millis")
      assert.strictEqual(written(host), ":\n\n:\n\n")
    })
  )

  it.effect("adds nothing to what a peer that is behind has to read", () =>
    Effect.gen(function* () {
      const { host } = yield* timed({ highWaterMark: 10, lowWaterMark: 0 })
      yield* sendAll(host.exchange, ["start", "keepalive"])
      yield* Effect.forkChild(host.exchange.send(events.send), { startImmediately: true })
      const before = written(host)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(written(host), before)
      host.drainTo(0)
      yield* TestClock.adjust("5200 millis")
      assert.strictEqual(written(host), `${before}:\n\n`)
    })
  )

  it.effect("counts for the high mark", () =>
    Effect.gen(function* () {
      const { host } = yield* timed({ highWaterMark: 2 })
      const marks: Array<number> = []
      host.exchange.writeBuffer.onHighWater(() => marks.push(host.bufferedAmount))
      yield* sendAll(host.exchange, ["start", "keepalive"])
      yield* TestClock.adjust("5200 millis")
      assert.deepStrictEqual(marks, [3])
    })
  )
})

describe("sseIdleTimeout", () => {
  it.effect("ends a stream without events, from the start and from the last one on", () =>
    Effect.gen(function* () {
      const { deadlines, host } = yield* timed({ sseIdleTicks: 20 })
      yield* host.exchange.send(events.start)
      for (const step of ["send", "comment"] as const) {
        yield* TestClock.adjust("1900 millis")
        yield* host.exchange.send(events[step])
      }
      yield* TestClock.adjust("1900 millis")
      const before = host.calls.length
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(host.calls.slice(before), [["endResponse", "idle_timeout"]])
      assert.strictEqual(text(yield* host.exchange.receive), "sse.disconnect idle_timeout")
      assert.strictEqual(deadlines.size, 0)
    })
  )

  it.effect("does not run before the start, in an ordinary response, or after a close", () =>
    Effect.gen(function* () {
      for (const path of [[], ["responseStart", "body"], ["start", "close"]] as const) {
        const { host } = yield* timed({ sseIdleTicks: 20 })
        yield* sendAll(host.exchange, path)
        yield* TestClock.adjust("1 minute")
        assert.isUndefined(host.exchange.state.disconnectReason)
      }
    })
  )

  it.effect("does not count while a peer that is behind keeps the application from sending", () =>
    Effect.gen(function* () {
      const { host } = yield* timed({ sseIdleTicks: 20, highWaterMark: 10, lowWaterMark: 0 })
      yield* host.exchange.send(events.start)
      yield* Effect.forkChild(host.exchange.send(events.send), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(host.exchange.state.disconnectReason)
      host.drainTo(0)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(host.exchange.state.disconnectReason, "idle_timeout")
    })
  )

  it.effect("keepalives hold a stream open", () =>
    Effect.gen(function* () {
      const { host } = yield* timed({ sseIdleTicks: 20, highWaterMark: 10_000 })
      yield* host.exchange.send(events.start)
      yield* host.exchange.send({ type: "sse.keepalive", interval: 1 })
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(host.exchange.state.disconnectReason)
    })
  )
})

describe("drain", () => {
  it.effect("ends the stream a tick later, so that the application can say goodbye", () =>
    Effect.gen(function* () {
      const { deadlines, host } = yield* timed()
      yield* host.exchange.send(events.start)
      host.exchange.drain()
      yield* host.exchange.send(events.send)
      assert.isUndefined(host.exchange.state.disconnectReason)
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(host.calls.at(-1), ["endResponse", "server_shutdown"])
      assert.strictEqual(text(yield* host.exchange.receive), "sse.disconnect server_shutdown")
      assert.strictEqual(deadlines.size, 0)
    })
  )

  it.effect("ends one that starts later, too, but leaves an ordinary response alone", () =>
    Effect.gen(function* () {
      const { host } = yield* timed()
      host.exchange.drain()
      yield* TestClock.adjust("1 minute")
      yield* host.exchange.send(events.start)
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(host.calls.at(-1), ["endResponse", "server_shutdown"])
      const declining = (yield* timed()).host
      yield* sendAll(declining.exchange, ["responseStart", "body"])
      declining.exchange.drain()
      yield* TestClock.adjust("1 minute")
      yield* declining.exchange.send(events.lastBody)
      assert.deepStrictEqual(declining.calls.at(-1), ["body", "end", true])
    })
  )

  it.effect("a stream that the application closes by then is complete", () =>
    Effect.gen(function* () {
      const { host } = yield* timed()
      yield* host.exchange.send(events.start)
      host.exchange.drain()
      yield* host.exchange.send(events.close)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(host.calls.at(-1), ["body", "", true])
      assert.isTrue(host.exchange.state.responseComplete)
    })
  )
})
