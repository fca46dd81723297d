import { assert, describe, it } from "@effect/vitest"
import type { ExchangeRecord } from "@pagi/core/Observer"
import { merge, RecentRecorder } from "../../src/admin/RecentRecorder.ts"

const record = (duration: number, more: Partial<ExchangeRecord> = {}, target = "/path?secret=1"): ExchangeRecord => ({
  client: undefined,
  server: undefined,
  secure: false,
  request: { method: "GET", target, httpVersion: "1.1", headers: [] },
  kind: "http",
  status: 200,
  responseHeaders: undefined,
  bytes: 0,
  startedAt: 1_000_000,
  duration,
  firstByte: undefined,
  queueTime: undefined,
  outcome: "complete",
  requestId: undefined,
  traceId: undefined,
  ...more
})

describe("RecentRecorder", () => {
  it("keeps the slowest, without what is private in their targets", () => {
    const recorder = new RecentRecorder()
    for (let index = 0; index < 500; index++) recorder.exchangeEnded(record(((index * 37) % 500) + 1))
    const { failed, slowest } = recorder.take(1_000_500)
    assert.deepStrictEqual(
      slowest.map(({ duration }) => duration),
      Array.from({ length: 20 }, (_, index) => 500 - index)
    )
    assert.deepStrictEqual(failed, [])
    assert.deepStrictEqual(slowest[0], {
      method: "GET",
      path: "/path",
      status: 200,
      endedAt: 1_000_500,
      duration: 500,
      httpVersion: "1.1",
      kind: "http"
    })
  })

  it("keeps those that have failed, the latest first, and not what clients have broken off", () => {
    const recorder = new RecentRecorder()
    for (let index = 0; index < 60; index++) recorder.exchangeEnded(record(1, { status: 500 }, `/${index}`))
    recorder.exchangeEnded(record(1, { outcome: "server_error" }, "/broken"))
    recorder.exchangeEnded(record(1, { outcome: "client_closed" }, "/left"))
    recorder.exchangeEnded(record(1, { outcome: "server_shutdown", kind: "sse" }, "/stream"))
    recorder.exchangeEnded(record(1, { status: 404 }, "/missing"))
    const paths = recorder.take(1_000_001).failed.map(({ path }) => path)
    assert.deepStrictEqual([paths.length, paths[0], paths[1], paths.at(-1)], [50, "/broken", "/59", "/11"])
  })

  it("keeps the beginning of a method and of a path that are very long", () => {
    const recorder = new RecentRecorder()
    const request = {
      method: "M".repeat(7000),
      target: `/${"p".repeat(7000)}`,
      httpVersion: "1.1",
      headers: []
    } as const
    recorder.exchangeEnded(record(1, { status: 500, request }))
    for (const { method, path } of Object.values(recorder.take(1_000_001)).flat()) {
      assert.deepStrictEqual([method, path.length], ["M".repeat(20), 200])
    }
  })

  it("makes room for others when the clock of the machine is set back", () => {
    const recorder = new RecentRecorder()
    for (let index = 0; index < 20; index++) recorder.exchangeEnded(record(1000, { status: 503 }))
    const earlier = 400_000
    assert.deepStrictEqual(recorder.take(earlier), { slowest: [], failed: [] })
    recorder.exchangeEnded(record(2, { startedAt: earlier }))
    assert.deepStrictEqual(
      recorder.take(earlier + 2).slowest.map(({ duration }) => duration),
      [2]
    )
  })

  it("forgets what is older than five minutes, and has room for others then", () => {
    const recorder = new RecentRecorder()
    for (let index = 0; index < 20; index++) recorder.exchangeEnded(record(1000, { status: 503 }))
    const later = { startedAt: 1_000_000 + 301_001 }
    recorder.exchangeEnded(record(2, later))
    recorder.exchangeEnded(record(3, later))
    const { failed, slowest } = recorder.take(later.startedAt + 3)
    assert.deepStrictEqual([slowest.length, failed.length], [1, 0])
    assert.strictEqual(slowest[0]?.duration, 3)
  })

  it("tells the id of a request that has one", () => {
    const recorder = new RecentRecorder()
    recorder.exchangeEnded(record(1, { requestId: "id-1" }))
    assert.strictEqual(recorder.take(1_000_001).slowest[0]?.requestId, "id-1")
  })

  it("says whether there is something new, and nothing of what lasts", () => {
    const recorder = new RecentRecorder()
    recorder.exchangeEnded(record(60_000, { kind: "websocket" }))
    assert.isFalse(recorder.isChanged)
    recorder.exchangeEnded(record(5))
    assert.isTrue(recorder.isChanged)
    recorder.take(1_000_005)
    assert.isFalse(recorder.isChanged)
  })

  it("merges those of several workers", () => {
    const [one, two] = [new RecentRecorder(), new RecentRecorder()]
    one.exchangeEnded(record(5))
    two.exchangeEnded(record(9, { status: 500 }))
    const merged = merge(
      [
        [1, one.take(1_000_010)],
        [2, two.take(1_000_010)]
      ],
      1_000_010
    )
    assert.deepStrictEqual(
      merged.slowest.map(({ duration, worker }) => [duration, worker]),
      [
        [9, 2],
        [5, 1]
      ]
    )
    assert.deepStrictEqual(
      merged.failed.map(({ worker }) => worker),
      [2]
    )
  })
})
