/** What is exported, where to and how: by the option `otlp`, and by OpenTelemetry's variables. */
import type { InvalidOption } from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import { type Environment, OtlpVariables } from "./OtlpVariables.ts"

/** How one signal is exported. Times are in milliseconds. */
export interface SignalSettings {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly protocol: "http/json" | "http/protobuf"
  readonly compression: "gzip" | "none"
  /** How long an answer may take. */
  readonly timeout: number
  /** Between two exports. */
  readonly interval: number
  /** After so many items there is an export at once. */
  readonly maxBatchSize: number
}

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio"
] as const

/** Which traces are kept. */
export interface SamplerSettings {
  readonly name: (typeof samplers)[number]
  readonly ratio: number
}

/** A signal that is not exported is absent. */
export interface OtlpSettings {
  readonly traces: SignalSettings | undefined
  readonly metrics: (SignalSettings & { readonly temporality: "cumulative" | "delta" }) | undefined
  readonly logs: SignalSettings | undefined
  readonly sampler: SamplerSettings
  readonly serviceName: string
  readonly attributes: Readonly<Record<string, string>>
  /** Variables that are set and do nothing. */
  readonly ignored: ReadonlyArray<string>
}

/** What stands in the names of variables, and how often a signal is exported unless one of them says so. */
const signals = {
  TRACES: { path: "v1/traces", batch: "OTEL_BSP", interval: 5000, maxBatchSize: 1000 },
  // The specification's interval is a minute, in which a worker may come and go.
  METRICS: { path: "v1/metrics", batch: undefined, interval: 10_000, maxBatchSize: 1 },
  LOGS: { path: "v1/logs", batch: "OTEL_BLRP", interval: 1000, maxBatchSize: 1000 }
} as const

type SignalName = keyof typeof signals

const defaultTimeout = 10_000

const join = (base: string, path: string): string => `${base.endsWith("/") ? base : `${base}/`}${path}`

const endpointOf = Effect.fnUntraced(function* (variables: OtlpVariables, signal: SignalName, option: string) {
  const own = yield* variables.url(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`)
  const base = yield* variables.url("OTEL_EXPORTER_OTLP_ENDPOINT")
  const common = option === "on" ? (base ?? "http://localhost:4318") : option
  return own ?? join(common, signals[signal].path)
})

/** The settings of a signal, unless it is not to be exported. */
const signalOf = Effect.fnUntraced(function* (variables: OtlpVariables, signal: SignalName, option: string) {
  const { batch, ...defaults } = signals[signal]
  const both = (name: string) => [`OTEL_EXPORTER_OTLP_${signal}_${name}`, `OTEL_EXPORTER_OTLP_${name}`] as const
  const exporter = yield* variables.choice(["otlp", "none"], `OTEL_${signal}_EXPORTER`)
  const settings: SignalSettings = {
    url: yield* endpointOf(variables, signal, option),
    headers: yield* variables.pairs(...both("HEADERS")),
    protocol: (yield* variables.choice(["http/json", "http/protobuf"], ...both("PROTOCOL"))) ?? "http/json",
    compression: (yield* variables.choice(["gzip", "none"], ...both("COMPRESSION"))) ?? "none",
    timeout:
      (yield* variables.count(
        ...both("TIMEOUT"),
        batch === undefined ? "OTEL_METRIC_EXPORT_TIMEOUT" : `${batch}_EXPORT_TIMEOUT`
      )) ?? defaultTimeout,
    interval:
      (yield* variables.count(batch === undefined ? "OTEL_METRIC_EXPORT_INTERVAL" : `${batch}_SCHEDULE_DELAY`)) ??
      defaults.interval,
    maxBatchSize:
      batch === undefined
        ? defaults.maxBatchSize
        : ((yield* variables.count(`${batch}_MAX_EXPORT_BATCH_SIZE`)) ?? defaults.maxBatchSize)
  }
  return exporter === "none" ? undefined : settings
})

/** Beginnings of the names of variables that are about exports. */
const beginnings = ["OTEL_EXPORTER_", "OTEL_BSP_", "OTEL_BLRP_", "OTEL_METRIC_EXPORT_", "OTEL_TRACES_", "OTEL_LOGS_"]

/**
 * The settings of a server whose option `otlp` is a URL, or `on`; nothing when variables turn everything off. The URL
 * stands for `OTEL_EXPORTER_OTLP_ENDPOINT`. Fails for a variable with a value that is not allowed.
 */
export const read = (
  option: string,
  environment: Environment = process.env
): Effect.Effect<OtlpSettings | undefined, InvalidOption> =>
  Effect.gen(function* () {
    const variables = new OtlpVariables(environment)
    if (variables.isTrue("OTEL_SDK_DISABLED")) return undefined
    const traces = yield* signalOf(variables, "TRACES", option)
    const metrics = yield* signalOf(variables, "METRICS", option)
    const logs = yield* signalOf(variables, "LOGS", option)
    const preference = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    const temporality = (yield* variables.choice(["cumulative", "delta"], preference)) ?? "cumulative"
    const sampler = {
      name: (yield* variables.choice(samplers, "OTEL_TRACES_SAMPLER")) ?? "parentbased_always_on",
      ratio: (yield* variables.ratio("OTEL_TRACES_SAMPLER_ARG")) ?? 1
    }
    const { "service.name": name, ...attributes } = yield* variables.pairs("OTEL_RESOURCE_ATTRIBUTES")
    const serviceName = variables.text("OTEL_SERVICE_NAME") ?? name ?? "pagi-server"
    if (traces === undefined && metrics === undefined && logs === undefined) return undefined
    return {
      traces,
      metrics: metrics === undefined ? undefined : { ...metrics, temporality },
      logs,
      sampler,
      serviceName,
      attributes,
      ignored: variables.unused(beginnings)
    }
  })
