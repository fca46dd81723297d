import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { contentType, format, negotiate } from "../../src/metrics/Exposition.ts"
import { type MetricRow, prometheusName, table } from "../../src/metrics/MetricTable.ts"
import { processTable } from "../../src/metrics/ProcessTable.ts"
import { topicTable } from "../../src/metrics/TopicTable.ts"
import { SeriesRegistry } from "../../src/metrics/Series.ts"
import { ServerCounters } from "../../src/metrics/ServerCounters.ts"
import { record } from "../observe/accessLog/Record.ts"

const served = (): Metric.MetricRegistry => {
  const registry: Metric.MetricRegistry = new Map()
  const counters = new ServerCounters(new SeriesRegistry(registry))
  counters.connectionOpened("http/1.1")
  counters.bytesSent(1_500_000)
  counters.exchangeStarted()
  counters.exchangeEnded({ ...record, duration: 30 })
  return registry
}

/** A registry with metrics of an application. */
const applied = (): Metric.MetricRegistry => {
  const registry: Metric.MetricRegistry = new Map()
  const context = Context.make(Metric.MetricRegistry, registry)
  const description = 'Back\\slash, "quote"\nand line'
  const attributes = { "my.label": 'a"b\\c\nd' }
  Metric.counter("app.jobs_total", { description, attributes, incremental: true }).updateUnsafe(2, context)
  Metric.counter("7 up-and-down").updateUnsafe(-3, context)
  Metric.gauge("app.ratio").updateUnsafe(Number.POSITIVE_INFINITY, context)
  Metric.frequency("app.words").updateUnsafe("x", context)
  const summary = Metric.summary("app.size", { maxAge: "1 minute", maxSize: 10, quantiles: [0.5, 1] })
  summary.updateUnsafe(4, context)
  return registry
}

const linesWith = (text: string, part: string): ReadonlyArray<string> =>
  text.split("\n").filter((line) => line.includes(part))

describe("the text of Prometheus", () => {
  it("has the names and units of its conventions", () => {
    const text = format(served(), "prometheus")
    assert.deepStrictEqual(linesWith(text, "pagi_server_connections_opened"), [
      "# HELP pagi_server_connections_opened_total Connections that were accepted",
      "# TYPE pagi_server_connections_opened_total counter",
      "pagi_server_connections_opened_total 1"
    ])
    assert.include(text, '\npagi_server_network_io_bytes_total{network_io_direction="transmit"} 1500000\n')
    const labels =
      'http_request_method="GET",http_response_status_code="200",network_protocol_version="1.1",url_scheme="http"'
    assert.include(text, `\nhttp_server_request_duration_seconds_bucket{${labels},le="0.025"} 0\n`)
    assert.include(text, `\nhttp_server_request_duration_seconds_bucket{${labels},le="0.05"} 1\n`)
    assert.include(text, `\nhttp_server_request_duration_seconds_bucket{${labels},le="+Inf"} 1\n`)
    assert.include(text, `\nhttp_server_request_duration_seconds_sum{${labels}} 0.03\n`)
    assert.notInclude(text, "unit=")
  })

  it("has what the application measures, under its names", () => {
    const text = format(applied(), "prometheus")
    assert.include(text, "\napp_jobs_total{")
    assert.include(text, "\n_7_up_and_down -3\n")
  })
})

describe("OpenMetrics", () => {
  it("has families of counters without the suffix of their samples, units, and an end", () => {
    const text = format(served(), "openmetrics")
    assert.deepStrictEqual(linesWith(text, "pagi_server_connections_opened"), [
      "# TYPE pagi_server_connections_opened counter",
      "# HELP pagi_server_connections_opened Connections that were accepted",
      "pagi_server_connections_opened_total 1"
    ])
    assert.deepStrictEqual(linesWith(text, "pagi_server_network_io_bytes").slice(0, 2), [
      "# TYPE pagi_server_network_io_bytes counter",
      "# UNIT pagi_server_network_io_bytes bytes"
    ])
    assert.deepStrictEqual(linesWith(text, "# UNIT http"), ["# UNIT http_server_request_duration_seconds seconds"])
    assert.include(text, 'le="1.0"} 1\n')
    assert.match(text, /\n# EOF\n$/)
  })

  it("says each family once, with all its samples behind its head", () => {
    const registry = served()
    const families = format(registry, "openmetrics")
      .split("\n")
      .filter((line) => line.startsWith("# TYPE"))
    assert.strictEqual(new Set(families).size, families.length)
    let family = ""
    for (const line of format(registry, "openmetrics").split("\n").slice(0, -2)) {
      if (line.startsWith("# TYPE")) family = line.split(" ")[2] ?? ""
      assert.isTrue(line.replace(/^# [A-Z]+ /, "").startsWith(family), line)
    }
  })

  it("has what the application measures: any text, numbers and types", () => {
    const text = format(applied(), "openmetrics")
    assert.deepStrictEqual(text.split("\n"), [
      "# TYPE app_jobs counter",
      String.raw`# HELP app_jobs Back\\slash, \"quote\"\nand line`,
      String.raw`app_jobs_total{my_label="a\"b\\c\nd"} 2`,
      "# TYPE _7_up_and_down gauge",
      "_7_up_and_down -3",
      "# TYPE app_ratio gauge",
      "app_ratio +Inf",
      "# TYPE app_words counter",
      'app_words_total{key="x"} 1',
      "# TYPE app_size summary",
      'app_size{quantile="0.5"} 4',
      'app_size{quantile="1.0"} 4',
      "app_size_sum 4",
      "app_size_count 1",
      "# EOF",
      ""
    ])
  })

  it("of nothing is the end", () => {
    assert.strictEqual(format(new Map(), "openmetrics"), "# EOF\n")
    assert.strictEqual(format(new Map(), "prometheus"), "")
  })
})

describe("the format of a scrape", () => {
  const prometheus3 =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
  for (const [accept, expected] of [
    [undefined, "prometheus"],
    ["*/*", "prometheus"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "prometheus"],
    [prometheus3, "openmetrics"],
    ["Application/OpenMetrics-Text", "openmetrics"],
    ["application/openmetrics-text; version=0.0.1", "prometheus"],
    ["application/openmetrics-text; version=1.0.0; q=0.5, text/plain", "prometheus"],
    ["application/openmetrics-text; q=0", "prometheus"],
    ["application/openmetrics-text; q=often", "prometheus"]
  ] as const) {
    it(`for ${accept} is ${expected}`, () => assert.strictEqual(negotiate(accept), expected))
  }

  it("has its media type", () => {
    assert.match(contentType[negotiate(prometheus3)], /^application\/openmetrics-text; version=1\.0\.0;/)
    assert.match(contentType[negotiate("*/*")], /^text\/plain; version=0\.0\.4;/)
  })
})

it("no two metrics have the same name", () => {
  const rows: ReadonlyArray<MetricRow> = [table, processTable, topicTable].flatMap((one) =>
    Object.values<MetricRow>(one)
  )
  assert.strictEqual(new Set(rows.map(({ name }) => name)).size, rows.length)
  assert.strictEqual(new Set(rows.map(prometheusName)).size, rows.length)
})
