import { assert, describe, it } from "@effect/vitest"
import type { MetricSample } from "@pagi/core/metrics/MetricSamples"
import { table } from "@pagi/core/metrics/MetricTable"
import { History, type Moment } from "../../src/admin/History.ts"
import type { HistoryPoint } from "../../src/admin/HistoryPoint.ts"
import { emptyAt, read } from "../../src/admin/Reading.ts"
import type { ServerStatus } from "../../src/admin/ServerStatus.ts"

const status: ServerStatus = {
  version: "0.1.0",
  node: "24.0.0",
  options: {},
  mode: "workers",
  pid: 1,
  phase: "serving",
  age: 1,
  target: 1,
  isReloading: false,
  listeners: [],
  workers: [
    {
      pid: 2,
      workerNum: 1,
      phase: "serving",
      age: 1,
      requests: 1,
      connections: 3,
      lag: 0.5,
      memory: 9,
      lastHeartbeat: 1
    },
    {
      pid: 3,
      workerNum: 2,
      phase: "booting",
      age: 1,
      requests: 0,
      connections: 0,
      lag: 0,
      memory: 0,
      lastHeartbeat: null
    }
  ]
}

const counter = (
  row: { readonly name: string },
  count: number,
  attributes: Record<string, string> = {}
): MetricSample => ({
  type: "Counter",
  id: row.name,
  attributes,
  count,
  incremental: true
})

const gauge = (
  row: { readonly name: string },
  value: number,
  attributes: Record<string, string> = {}
): MetricSample => ({ type: "Gauge", id: row.name, attributes, value })

const durations = (
  ...buckets: ReadonlyArray<readonly [number, number]>
): Extract<MetricSample, { readonly type: "Histogram" }> => ({
  type: "Histogram",
  id: table.requestDuration.name,
  attributes: {},
  buckets,
  count: (buckets.at(-1)?.[1] ?? 0) + 1,
  sum: 0,
  min: 0,
  max: 0
})

const moment = (time: number, processes: Moment["processes"], marks: Moment["marks"] = []): Moment => ({
  at: 1_000_000 + time,
  time,
  processes,
  status,
  marks
})

/** The point of a second in which the metrics become these. */
const pointOf = (before: ReadonlyArray<MetricSample>, after: ReadonlyArray<MetricSample>) => {
  const history = new History()
  const [first, last] = [read(1000, before), read(2000, after)]
  assert.deepStrictEqual(history.add(moment(1000, new Map([["a", { before: first, now: first }]]))), [])
  const points = history.add(
    moment(2000, new Map([["a", { before: first, now: last }]]), [{ at: 1500, what: "reload" }])
  )
  assert.strictEqual(points.length, 1)
  return pointIn(points[0])
}

const pointIn = (text: string | undefined): HistoryPoint => JSON.parse(text ?? assert.fail())

/** A process that has answered so many requests at each of these times. */
const process = (...counts: ReadonlyArray<readonly [time: number, requests: number]>) => {
  const readings = counts.map(([time, count]) => read(time, [counter(table.requests, count, { status_class: "2xx" })]))
  const [before, now] = [readings.at(-2), readings.at(-1)]
  return { before: before ?? now ?? assert.fail(), now: now ?? assert.fail() }
}

const answered = (points: ReadonlyArray<string>) => points.map((point) => pointIn(point).statuses["2xx"])

describe("History", () => {
  it("tells what has been added in a second, and what there is at its end", () => {
    const series = (n: number): ReadonlyArray<MetricSample> => [
      counter(table.requests, n, { status_class: "2xx", kind: "http" }),
      counter(table.requests, n, { status_class: "2xx", kind: "sse" }),
      counter(table.requests, 2, { status_class: "4xx", kind: "http" }),
      counter(table.bytes, 100 * n, { "network.io.direction": "receive" }),
      counter(table.bytes, 10 * n, { "network.io.direction": "transmit" }),
      counter(table.connectionsClosed, n, { "network.protocol.name": "h2", reason: "complete" }),
      counter(table.limits, n, { limit: "maxBodySize" }),
      counter(table.protocolErrors, n, { reason: "missing-host" }),
      gauge(table.connections, n, { "network.protocol.name": "http/1.1" }),
      gauge(table.connections, n, { "network.protocol.name": "h2" }),
      gauge(table.connections, 0, { "network.protocol.name": "websocket" }),
      gauge(table.activeRequests, n)
    ]
    assert.deepStrictEqual(pointOf(series(1), series(4)), {
      at: 1_002_000,
      statuses: { "1xx": 0, "2xx": 6, "3xx": 0, "4xx": 0, "5xx": 0 },
      latency: null,
      received: 300,
      sent: 30,
      connections: 8,
      open: { "http/1.1": 4, h2: 4 },
      activeRequests: 4,
      closed: { h2: 3 },
      refused: { maxBodySize: 3, "missing-host": 3 },
      processes: [{ worker: 1, lag: 0.5, memory: 9, connections: 3 }],
      marks: [{ at: 1500, what: "reload" }]
    })
  })

  it("estimates latencies from the buckets of this second alone", () => {
    const { latency } = pointOf([durations([0.1, 10], [0.2, 10])], [durations([0.1, 60], [0.2, 100])])
    assert.deepStrictEqual(latency, { p50: 90, p90: 177.5, p99: 197.75 })
  })

  it("takes what is beyond the last bucket for its bound", () => {
    const { latency } = pointOf([durations([0.1, 0])], [{ ...durations([0.1, 10]), count: 101 }] as const)
    assert.deepStrictEqual(latency, { p50: 100, p90: 100, p99: 100 })
  })

  it("takes a counter that has begun anew for nothing", () => {
    const point = pointOf(
      [counter(table.requests, 9, { status_class: "2xx" })],
      [counter(table.requests, 1, { status_class: "2xx" })]
    )
    assert.strictEqual(point.statuses["2xx"], 0)
  })

  it("tells what each process had counted when the second was over, whenever it has told it", () => {
    const history = new History()
    history.add(
      moment(
        1000,
        new Map([
          ["a", process([1000, 100])],
          ["b", process([1000, 0])]
        ])
      )
    )
    // One is asked late and the other has been early: both have answered ten requests in each tenth of a second.
    const next = new Map([
      ["a", process([1000, 100], [2400, 240])],
      ["b", process([1000, 0], [1900, 90])]
    ])
    assert.deepStrictEqual(answered(history.add(moment(2000, next))), [190])
    const last = new Map([
      ["a", process([2400, 240], [3000, 300])],
      ["b", process([1900, 90], [3100, 210])]
    ])
    assert.deepStrictEqual(answered(history.add(moment(3000, last))), [210])
  })

  it("takes all that a process has counted that has begun since, and nothing of one that is only known since", () => {
    const history = new History()
    history.add(moment(1000, new Map()))
    const begun = { before: emptyAt(1100), now: process([1900, 80]).now }
    const told = new Map([
      ["begun", begun],
      ["known", process([1500, 5000])]
    ])
    assert.deepStrictEqual(answered(history.add(moment(2000, told))), [80])
    const ended = new Map([["begun", process([1900, 80], [2500, 90])]])
    assert.deepStrictEqual(answered(history.add(moment(3000, ended))), [10])
  })

  it("tells seconds that were missed as such, and of a long time only the last ones", () => {
    const history = new History()
    history.add(moment(1000, new Map([["a", process([1000, 0])]])))
    const missed = history.add(
      moment(4000, new Map([["a", process([1000, 0], [4000, 300])]]), [{ at: 1, what: "reload" }])
    )
    assert.deepStrictEqual(answered(missed), [100, 100, 100])
    assert.deepStrictEqual(
      missed.map((point) => [pointIn(point).at, pointIn(point).marks.length]),
      [
        [1_002_000, 0],
        [1_003_000, 0],
        [1_004_000, 1]
      ]
    )
    assert.deepStrictEqual(history.add(moment(4000, new Map(), [{ at: 2, what: "reloaded" }])), [])
    const slept = history.add(moment(104_000, new Map([["a", process([4000, 300], [104_000, 10_300])]])))
    assert.deepStrictEqual(answered(slept), [100, 100, 100, 100, 100])
    assert.deepStrictEqual(pointIn(slept.at(-1)).marks, [{ at: 2, what: "reloaded" }])
  })

  it("keeps ten minutes", () => {
    const history = new History()
    for (let second = 0; second < 700; second++) history.add(moment(second * 1000, new Map()))
    const points = JSON.parse(history.json)
    assert.deepStrictEqual([points.length, points[0].at, points.at(-1).at], [600, 1_100_000, 1_699_000])
  })
})
