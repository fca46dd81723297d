import { assert, describe, it } from "@effect/vitest"
import type * as Metric from "effect/Metric"
import { type MetricSample, take } from "../../src/metrics/MetricSamples.ts"
import { table } from "../../src/metrics/MetricTable.ts"
import { SeriesRegistry } from "../../src/metrics/Series.ts"
import { ServerCounters } from "../../src/metrics/ServerCounters.ts"
import type { ExchangeRecord } from "../../src/observe/Observer.ts"
import { record, request, withoutRequest } from "../observe/accessLog/Record.ts"

const makeCounters = () => {
  const registry: Metric.MetricRegistry = new Map()
  const series = new SeriesRegistry(registry)
  return { counters: new ServerCounters(series), registry, series }
}

/** What is counted so far, by the metric and the values of its labels: a count, or of a distribution `count/sum`. */
const values = (registry: Metric.MetricRegistry): Readonly<Record<string, number | string>> =>
  Object.fromEntries(
    take(registry).map((sample) => {
      const { unit: _, ...labels } = sample.attributes
      return [[sample.id, ...Object.values(labels)].join(" "), valueOf(sample)]
    })
  )

const valueOf = (sample: MetricSample): number | string => {
  if (sample.type === "Histogram") return `${sample.count}/${sample.sum}`
  return sample.type === "Counter" ? sample.count : sample.type === "Gauge" ? sample.value : ""
}

const exchange = (counters: ServerCounters, record: ExchangeRecord): void => {
  counters.exchangeStarted()
  counters.exchangeEnded(record)
}

describe("counters of servers", () => {
  it("are there before anything happens, where they have no labels of their own", () => {
    assert.deepStrictEqual(values(makeCounters().registry), {
      "pagi.server.connections unknown": 0,
      "pagi.server.connections http/1.1": 0,
      "pagi.server.connections h2": 0,
      "pagi.server.connections websocket": 0,
      "http.server.active_requests": 0,
      "pagi.server.requests.waiting": 0,
      "pagi.server.connections.opened": 0,
      "pagi.server.network.io receive": 0,
      "pagi.server.network.io transmit": 0,
      "pagi.server.sends.suspended": 0,
      "pagi.server.websocket.messages receive": 0,
      "pagi.server.websocket.messages transmit": 0
    })
  })

  it("count what happens to connections", () => {
    const { counters, registry } = makeCounters()
    for (let count = 0; count < 5; count++) counters.connectionOpened("unknown")
    for (let count = 0; count < 3; count++) counters.protocolChanged("h2", "unknown")
    counters.protocolChanged("http/1.1", "unknown")
    counters.protocolChanged("websocket", "http/1.1")
    counters.connectionClosed("h2", "idle_timeout")
    counters.connectionClosed("h2", "idle_timeout")
    counters.bytesReceived(10)
    counters.bytesReceived(5)
    counters.bytesSent(100)
    counters.sendSuspended()
    counters.streamReset("client")
    counters.tlsHandshakeEnded("resumed", "1.3")
    counters.tlsHandshakeEnded("failed", "")
    counters.webSocketMessage("receive")
    counters.webSocketMessage("transmit")
    counters.webSocketMessage("transmit")
    counters.protocolError("missing-host")
    counters.limitHit("maxBodySize")
    counters.waitBegan()
    counters.waitBegan()
    counters.waitEnded(500)
    assert.deepStrictEqual(values(registry), {
      "pagi.server.connections unknown": 1,
      "pagi.server.connections http/1.1": 0,
      "pagi.server.connections h2": 1,
      "pagi.server.connections websocket": 1,
      "http.server.active_requests": 0,
      "pagi.server.connections.opened": 5,
      "pagi.server.connections.closed h2 idle_timeout": 2,
      "pagi.server.network.io receive": 15,
      "pagi.server.network.io transmit": 100,
      "pagi.server.requests.waiting": 1,
      "pagi.server.wait.duration": "1/0.5",
      "pagi.server.sends.suspended": 1,
      "pagi.server.stream.resets client": 1,
      "pagi.server.tls.handshakes 1.3 resumed": 1,
      "pagi.server.tls.handshakes  failed": 1,
      "pagi.server.websocket.messages receive": 1,
      "pagi.server.websocket.messages transmit": 2,
      "pagi.server.protocol.errors missing-host": 1,
      "pagi.server.limits.hit maxBodySize": 1
    })
  })

  const counted = (...records: ReadonlyArray<ExchangeRecord>) => {
    const { counters, registry } = makeCounters()
    for (const one of records) exchange(counters, one)
    const entries = Object.entries(values(registry))
    return Object.fromEntries(entries.filter(([name, value]) => /request|duration/.test(name) && value !== 0))
  }

  it("count exchanges, with their times in seconds", () => {
    const timed = { ...record, duration: 2000, firstByte: 500, queueTime: 250 }
    assert.deepStrictEqual(counted(timed, timed, { ...timed, secure: true, status: 404 }), {
      "http.server.request.duration GET 200 1.1 http": "2/4",
      "http.server.request.duration GET 404 1.1 https": "1/2",
      "pagi.server.requests GET 1.1 2xx http": 2,
      "pagi.server.requests GET 1.1 4xx http": 1,
      "pagi.server.first_byte.duration 1.1": "3/1.5",
      "pagi.server.queue.duration 1.1": "3/0.75"
    })
  })

  it("know some methods, and count all that clients make up as one", () => {
    const made = (method: string): ExchangeRecord => ({
      ...record,
      duration: 0,
      firstByte: undefined,
      request: { ...request, method, httpVersion: "2" }
    })
    assert.deepStrictEqual(
      counted(made("PROPFIND"), made("get"), made("QUERY"), { ...withoutRequest, firstByte: undefined }),
      {
        "http.server.request.duration _OTHER 200 2 http": "2/0",
        "http.server.request.duration QUERY 200 2 http": "1/0",
        "http.server.request.duration _OTHER 400  http": "1/0",
        "pagi.server.requests _OTHER 2 2xx http": 2,
        "pagi.server.requests QUERY 2 2xx http": 1,
        "pagi.server.requests _OTHER  4xx http": 1
      }
    )
  })

  it("tell how long streams and sessions have lasted", () => {
    const lasting = (kind: ExchangeRecord["kind"], status: number): ExchangeRecord => ({
      ...record,
      duration: 60_000,
      firstByte: undefined,
      kind,
      status
    })
    assert.deepStrictEqual(counted(lasting("sse", 200), lasting("websocket", 101), lasting("http", 403)), {
      "pagi.server.session.duration sse": "1/60",
      "pagi.server.session.duration websocket": "1/60",
      "http.server.request.duration GET 403 1.1 http": "1/60",
      "pagi.server.requests GET 1.1 2xx sse": 1,
      "pagi.server.requests GET 1.1 1xx websocket": 1,
      "pagi.server.requests GET 1.1 4xx http": 1
    })
  })

  it("know how many exchanges go on", () => {
    const { counters, registry } = makeCounters()
    counters.exchangeStarted()
    counters.exchangeStarted()
    counters.exchangeEnded(record)
    assert.strictEqual(values(registry)["http.server.active_requests"], 1)
  })

  it("leave the registry when they are removed", () => {
    const { counters, registry, series } = makeCounters()
    exchange(counters, record)
    assert.isAbove(registry.size, 8)
    series.remove()
    assert.strictEqual(registry.size, 0)
  })

  it("have the values of labels in the order of the table", () => {
    const { counters, registry } = makeCounters()
    exchange(counters, record)
    const names = new Map(Object.values(table).map((row) => [row.name as string, Object.keys(row.labels)]))
    for (const { attributes, id } of take(registry)) {
      assert.deepStrictEqual(Object.keys(attributes), ["unit", ...(names.get(id) ?? assert.fail(id))])
    }
  })
})
