import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { ExchangeRecorder } from "../../src/observe/ExchangeRecorder.ts"
import type { ExchangeRecord, ObservedRequest, Observer } from "../../src/observe/Observer.ts"

const request: ObservedRequest = { method: "GET", target: "/a?b=c", httpVersion: "1.1", headers: [["host", "a"]] }

const connection = { client: ["192.0.2.7", 50_000], server: ["192.0.2.1", 80], secure: false } as const

const startedAt = Date.UTC(2026, 10, 22, 8, 0, 5, 999)

/** A recorder, and what it has told its observer. */
const makeRecorder = (uses: Observer = {}) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(startedAt)
    const records: Array<ExchangeRecord> = []
    const observer: Observer = { exchangeEnded: (record) => records.push({ ...record }), ...uses }
    return { records, recorder: new ExchangeRecorder(yield* Clock.Clock, observer) }
  })

describe("ExchangeEntry", () => {
  it.effect("reports the exchange with its times, status and length", () =>
    Effect.gen(function* () {
      const { recorder, records } = yield* makeRecorder()
      yield* TestClock.adjust("1 hour")
      const entry = recorder.begin(connection, request)
      yield* TestClock.adjust("1 second")
      entry.started(204, [["x", "y"]])
      entry.sent(10)
      entry.sent(5)
      yield* TestClock.adjust("500 millis")
      entry.end("complete")
      assert.deepStrictEqual(records, [
        {
          ...connection,
          request,
          kind: "http",
          requestId: undefined,
          traceId: undefined,
          status: 204,
          responseHeaders: undefined,
          bytes: 15,
          startedAt: startedAt + 3_600_000,
          duration: 1500,
          firstByte: undefined,
          queueTime: undefined,
          outcome: "complete"
        }
      ])
    })
  )

  it.effect("notes the response's fields and its first byte for an observer that uses them", () =>
    Effect.gen(function* () {
      const { recorder, records } = yield* makeRecorder({ usesFirstByte: true, usesResponseHeaders: true })
      const entry = recorder.begin(connection, request)
      yield* TestClock.adjust("20 millis")
      entry.started(200, [["x", "y"]])
      entry.end("complete")
      assert.strictEqual(records[0]?.firstByte, 20)
      assert.deepStrictEqual(records[0]?.responseHeaders, [["x", "y"]])
    })
  )

  it.effect(
    "takes a response for sent with its head, its first piece, or its end, and for complete with its last piece",
    () =>
      Effect.gen(function* () {
        const { recorder, records } = yield* makeRecorder({ usesFirstByte: true })
        const entries = Array.from({ length: 4 }, () => recorder.begin(connection, request))
        const [flushed, whole, pieces, empty] = entries
        for (const entry of entries) entry.started(200, [])
        yield* TestClock.adjust("10 millis")
        flushed?.headSent()
        whole?.sent(5, true)
        pieces?.sent(5)
        yield* TestClock.adjust("10 millis")
        flushed?.sent(5)
        pieces?.sent(5, true)
        yield* TestClock.adjust("10 millis")
        flushed?.headSent()
        for (const entry of entries) entry.end("complete")
        empty?.headSent()
        assert.deepStrictEqual(
          records.map(({ duration, firstByte }) => [firstByte, duration]),
          [
            [10, 30],
            [10, 10],
            [10, 20],
            [30, 30]
          ]
        )
      })
  )

  it.effect("knows how long a request has waited since it came", () =>
    Effect.gen(function* () {
      const { recorder, records } = yield* makeRecorder()
      yield* TestClock.adjust("1 second")
      const first = recorder.begin(connection, request)
      const arrivedAt = first.arrived(undefined)
      yield* TestClock.adjust("20 millis")
      const second = recorder.begin(connection, request)
      assert.strictEqual(second.arrived(arrivedAt), arrivedAt)
      for (const entry of [first, second, recorder.begin(connection, undefined)]) entry.end("complete")
      assert.deepStrictEqual(
        records.map(({ queueTime }) => queueTime),
        [0, 20, undefined]
      )
    })
  )

  it.effect("reports 499 when no status was sent", () =>
    Effect.gen(function* () {
      const { recorder, records } = yield* makeRecorder({ usesFirstByte: true, usesResponseHeaders: true })
      recorder.begin(connection, request).end("client_closed")
      const revoked = recorder.begin(connection, request)
      revoked.started(200, [["x", "y"]])
      revoked.revoke()
      revoked.end("client_closed")
      for (const { firstByte, outcome, responseHeaders, status } of records) {
        assert.deepStrictEqual(
          [status, outcome, firstByte, responseHeaders],
          [499, "client_closed", undefined, undefined]
        )
      }
      assert.strictEqual(records.length, 2)
    })
  )

  it.effect("knows what the exchange was", () =>
    Effect.gen(function* () {
      const { recorder, records } = yield* makeRecorder()
      const stream = [["Content-Type", "text/event-stream"]] as const
      const entries = Array.from({ length: 5 }, () => recorder.begin(connection, request))
      const head = recorder.begin(connection, { ...request, method: "HEAD" })
      const [streaming, accepted, empty, revoked, text] = entries
      streaming?.started(200, stream)
      accepted?.accepted(200, [])
      empty?.started(204, stream)
      revoked?.started(200, stream)
      revoked?.revoke()
      text?.started(200, [["content-type", "text/plain"]])
      head.started(200, stream)
      for (const entry of [...entries, head]) entry.end("complete")
      assert.deepStrictEqual(
        records.map(({ kind }) => kind),
        ["sse", "websocket", "http", "http", "http", "http"]
      )
    })
  )

  it.effect("reports once", () =>
    Effect.gen(function* () {
      const { recorder, records } = yield* makeRecorder()
      const entry = recorder.begin(connection, undefined)
      entry.answered(400, 12, "protocol_error")
      entry.end("client_closed")
      assert.deepStrictEqual(
        records.map(({ bytes, outcome, request, status }) => ({ bytes, outcome, request, status })),
        [{ bytes: 12, outcome: "protocol_error", request: undefined, status: 400 }]
      )
    })
  )

  it.effect("tells of the beginning, with the request and the connection themselves", () =>
    Effect.gen(function* () {
      const begun: Array<ReadonlyArray<unknown>> = []
      const { recorder, records } = yield* makeRecorder({ exchangeStarted: (...parts) => begun.push(parts) })
      const entry = recorder.begin(connection, request)
      recorder.begin(connection, undefined)
      assert.deepStrictEqual(begun, [
        [request, connection],
        [undefined, connection]
      ])
      assert.strictEqual(begun[0]?.[0], request)
      entry.end("complete")
      assert.strictEqual(records[0]?.request, request)
    })
  )

  it.effect("is there when somebody listens to exchanges", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const nothing = (): void => {}
      assert.isUndefined(ExchangeRecorder.make(clock, undefined))
      assert.isUndefined(ExchangeRecorder.make(clock, { usesFirstByte: true }))
      assert.isDefined(ExchangeRecorder.make(clock, { exchangeStarted: nothing }))
      assert.isDefined(ExchangeRecorder.make(clock, { exchangeEnded: nothing }))
    })
  )

  it.effect("follows a wall clock that was set, within a second or so", () =>
    Effect.gen(function* () {
      let millis = 1_000_000
      let nanos = 5_000_000_000n
      const clock: Clock.Clock = {
        ...(yield* Clock.Clock),
        currentTimeMillisUnsafe: () => millis,
        monotonicTimeNanosUnsafe: () => nanos
      }
      const times: Array<number> = []
      const exchangeEnded = (record: ExchangeRecord): void => void times.push(record.startedAt)
      const recorder = new ExchangeRecorder(clock, { exchangeEnded })
      const next = (wall: number, seconds: bigint): void => {
        millis += wall
        nanos += seconds * 1_000_000_000n
        recorder.begin(connection, request).end("complete")
      }
      next(0, 0n)
      next(1000, 1n)
      next(-500_000, 1n)
      assert.deepStrictEqual(times, [1_000_000, 1_001_000, 501_000])
    })
  )
})
