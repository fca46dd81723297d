import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as OtlpSettings from "../../src/otlp/OtlpSettings.ts"

const read = (environment: Readonly<Record<string, string>>, option = "on") => OtlpSettings.read(option, environment)

const settingsOf = (environment: Readonly<Record<string, string>>, option?: string) =>
  Effect.map(read(environment, option), (settings) => {
    assert.isDefined(settings)
    return settings
  })

describe("OtlpSettings", () => {
  it.effect("are those of a collector on this machine unless somebody says otherwise", () =>
    Effect.gen(function* () {
      const common = { headers: {}, protocol: "http/json", compression: "none", timeout: 10_000 } as const
      assert.deepStrictEqual(yield* read({}), {
        traces: { ...common, url: "http://localhost:4318/v1/traces", interval: 5000, maxBatchSize: 1000 },
        metrics: {
          ...common,
          url: "http://localhost:4318/v1/metrics",
          interval: 10_000,
          maxBatchSize: 1,
          temporality: "cumulative"
        },
        logs: { ...common, url: "http://localhost:4318/v1/logs", interval: 1000, maxBatchSize: 1000 },
        sampler: { name: "parentbased_always_on", ratio: 1 },
        serviceName: "pagi-server",
        attributes: {},
        ignored: []
      })
    })
  )

  it.effect("have the URL of the option in place of the common one, and below those of the signals", () =>
    Effect.gen(function* () {
      const urlsOf = (environment: Readonly<Record<string, string>>, option?: string) =>
        Effect.map(settingsOf(environment, option), ({ logs, metrics, traces }) => [
          traces?.url,
          metrics?.url,
          logs?.url
        ])
      const environment = {
        OTEL_EXPORTER_OTLP_ENDPOINT: "https://all:1/otlp/",
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://logs:2/here"
      }
      const [traces, metrics] = ["https://all:1/otlp/v1/traces", "https://all:1/otlp/v1/metrics"]
      assert.deepStrictEqual(yield* urlsOf(environment), [traces, metrics, "http://logs:2/here"])
      assert.deepStrictEqual(yield* urlsOf(environment, "http://flag:3/"), [
        "http://flag:3/v1/traces",
        "http://flag:3/v1/metrics",
        "http://logs:2/here"
      ])
    })
  )

  it.effect("take what is said about one signal before what is said about all", () =>
    Effect.gen(function* () {
      const { logs, metrics, traces } = yield* settingsOf({
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a, x-b = c ,",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-d=e=f",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: " HTTP/JSON ",
        OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
        OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: "none",
        OTEL_EXPORTER_OTLP_TIMEOUT: "5000",
        OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "6000",
        OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "",
        OTEL_BSP_SCHEDULE_DELAY: "100",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
        OTEL_BLRP_SCHEDULE_DELAY: "200",
        OTEL_METRIC_EXPORT_INTERVAL: "300",
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "Delta"
      })
      const common = { authorization: "Bearer a", "x-b": "c" }
      assert.deepInclude(traces, { headers: { "x-d": "e=f" }, protocol: "http/protobuf", compression: "gzip" })
      assert.deepInclude(traces, { timeout: 5000, interval: 100, maxBatchSize: 10 })
      assert.deepInclude(metrics, { headers: common, protocol: "http/json", compression: "gzip", timeout: 5000 })
      assert.deepInclude(metrics, { interval: 300, temporality: "delta" })
      assert.deepInclude(logs, { headers: common, protocol: "http/protobuf", compression: "none", timeout: 6000 })
      assert.deepInclude(logs, { interval: 200, maxBatchSize: 1000 })
    })
  )

  it.effect("leave out what is not to be exported", () =>
    Effect.gen(function* () {
      const settings = yield* settingsOf({ OTEL_TRACES_EXPORTER: "none", OTEL_LOGS_EXPORTER: "otlp" })
      assert.isUndefined(settings.traces)
      assert.isDefined(settings.metrics)
      assert.isDefined(settings.logs)
      assert.isUndefined(yield* read({ OTEL_SDK_DISABLED: "TRUE" }))
      assert.isDefined(yield* read({ OTEL_SDK_DISABLED: "1" }))
      const none = { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" }
      assert.isUndefined(yield* read(none))
    })
  )

  it.effect("say which service it is, and which traces are kept", () =>
    Effect.gen(function* () {
      const settings = yield* settingsOf({
        OTEL_RESOURCE_ATTRIBUTES: "service.name=other,deployment.environment.name=a%2Cb",
        OTEL_TRACES_SAMPLER: "traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "0.25"
      })
      assert.deepInclude(settings, { serviceName: "other", sampler: { name: "traceidratio", ratio: 0.25 } })
      assert.deepStrictEqual(settings.attributes, { "deployment.environment.name": "a,b" })
      const named = yield* settingsOf({ OTEL_SERVICE_NAME: "shop", OTEL_RESOURCE_ATTRIBUTES: "service.name=other" })
      assert.strictEqual(named.serviceName, "shop")
    })
  )

  it.effect("name variables that do nothing", () =>
    Effect.gen(function* () {
      const { ignored } = yield* settingsOf({
        OTEL_EXPORTER_OTLP_CERTIFICATE: "/etc/ca.pem",
        OTEL_EXPORTER_OTLP_INSECURE: "",
        OTEL_EXPORTER_OTLP_TRACE_ENDPOINT: "http://a",
        OTEL_LOG_LEVEL: "debug"
      })
      assert.deepStrictEqual(ignored, ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACE_ENDPOINT"])
    })
  )

  const refused: ReadonlyArray<readonly [name: string, value: string, expected: string, shown?: string]> = [
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "one of http/json, http/protobuf"],
    ["OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "zstd", "one of gzip, none"],
    ["OTEL_TRACES_EXPORTER", "console", "one of otlp, none"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "a URL of http or https"],
    ["OTEL_EXPORTER_OTLP_TIMEOUT", "0", "a whole number from 1 to 999999999"],
    ["OTEL_METRIC_EXPORT_INTERVAL", "1.5", "a whole number from 1 to 999999999"],
    ["OTEL_TRACES_SAMPLER_ARG", "2", "a number from 0 to 1"],
    ["OTEL_TRACES_SAMPLER", "jaeger_remote", "one of always_on, always_off, traceidratio"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "secret", "pairs such as name=value", "(not shown)"],
    ["OTEL_RESOURCE_ATTRIBUTES", "a=%zz", "pairs such as name=value", "(not shown)"]
  ]
  for (const [name, value, expected, shown = value] of refused) {
    it.effect(`refuse ${name}=${value}`, () =>
      Effect.gen(function* () {
        const { message } = yield* Effect.flip(read({ [name]: value }))
        assert.include(message, `option ${name}: `)
        assert.include(message, shown)
        assert.include(message, expected)
        if (shown !== value) assert.notInclude(message, value)
      })
    )
  }
})
