import { assert, describe, it } from "@effect/vitest"
import type { MetricSample } from "@pagi/core/metrics/MetricSamples"
import { table } from "@pagi/core/metrics/MetricTable"
import { History } from "../../src/admin/History.ts"
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

const gauge = (row: { readonly name: string }, value: number, worker: string): MetricSample => ({
  type: "Gauge",
  id: row.name,
  attributes: { worker },
  value
})

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

/** The point of a second in which the metrics become these. */
const pointOf = (before: ReadonlyArray<MetricSample>, after: ReadonlyArray<MetricSample>) => {
  const history = new History()
  assert.isUndefined(history.add(1000, before, status, []))
  return JSON.parse(history.add(2000, after, status, [{ at: 1500, what: "reload" }]) ?? assert.fail())
}

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
      gauge(table.connections, n, "1"),
      gauge(table.connections, n, "2"),
      gauge(table.activeRequests, n, "1")
    ]
    assert.deepStrictEqual(pointOf(series(1), series(4)), {
      at: 2000,
      statuses: { "1xx": 0, "2xx": 6, "3xx": 0, "4xx": 0, "5xx": 0 },
      latency: null,
      received: 300,
      sent: 30,
      connections: 8,
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

  it("keeps ten minutes", () => {
    const history = new History()
    for (let second = 0; second < 700; second++) history.add(second, [], status, [])
    const points = JSON.parse(history.json)
    assert.deepStrictEqual([points.length, points[0].at, points.at(-1).at], [600, 100, 699])
  })
})
