/** Exports traces, metrics and logs of this process by Effect's modules for OTLP; loaded for the option `otlp` alone. */
import * as ServerMetrics from "@pagi/core/metrics/ServerMetrics"
import * as ProcessMetrics from "@pagi/node/metrics/ProcessMetrics"
import { exportAllowance } from "@pagi/node/worker/LeaveTimeout"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { MetricRegistry } from "effect/Metric"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpLogger from "effect/observability/OtlpLogger"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import { Tracer } from "effect/Tracer"
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import * as OtlpClient from "./OtlpClient.ts"
import { OtlpReport, type SignalName } from "./OtlpReport.ts"
import * as OtlpSampler from "./OtlpSampler.ts"
import type { OtlpSettings, SignalSettings } from "./OtlpSettings.ts"
import * as UnitAttribute from "./UnitAttribute.ts"

/** What the process is: one of several workers, by its number, who looks after them, or a server by itself. */
export interface Instance {
  readonly worker?: number | undefined
  readonly isSupervisor?: boolean | undefined
}

/** What collectors tell processes apart by. */
const resourceOf = ({ attributes, serviceName }: OtlpSettings, { isSupervisor, worker }: Instance) => {
  const given = attributes["service.instance.id"]
  // What is set for all processes cannot tell them apart: there are workers, and two supervisors in a hot restart.
  const place = worker === undefined ? (isSupervisor === true ? [process.pid] : []) : [worker, process.pid]
  const instanceId = given === undefined ? randomUUID() : [given, ...place].join("/")
  return {
    serviceName,
    attributes: {
      "host.name": hostname(),
      "process.runtime.name": "nodejs",
      "process.runtime.version": process.versions.node,
      ...attributes,
      "service.instance.id": instanceId,
      "process.pid": process.pid,
      ...(worker === undefined ? {} : { "pagi.worker": worker })
    }
  }
}

/** What all exporters of a process have in common. */
interface Common {
  readonly settings: OtlpSettings
  readonly resource: ReturnType<typeof resourceOf>
  readonly report: OtlpReport
  readonly ending: Latch.Latch
}

/** What the exporter of one signal needs, and the options that all of Effect's have. */
const partsOf = ({ ending, report, resource }: Common, signal: SignalName, settings: SignalSettings) => {
  const { protocol, timeout, url } = settings
  const serialization = protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf
  const client = Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (fetching) => OtlpClient.make(fetching, { signal, timeout, url, ending }, report))
  ).pipe(Layer.provide(FetchHttpClient.layer))
  return {
    options: {
      url,
      resource,
      headers: settings.headers,
      compression: settings.compression,
      exportInterval: settings.interval,
      maxBatchSize: settings.maxBatchSize,
      shutdownTimeout: exportAllowance
    },
    needs: Layer.merge(signal === "metrics" ? Layer.provide(UnitAttribute.layer, serialization) : serialization, client)
  }
}

const tracerOf = (common: Common, settings: SignalSettings) => {
  const { needs, options } = partsOf(common, "traces", settings)
  return Layer.effect(
    Tracer,
    Effect.map(OtlpTracer.make(options), (tracer) => OtlpSampler.apply(tracer, common.settings.sampler))
  ).pipe(Layer.provide([needs, OtlpExporter.layerFlusher]))
}

const loggerOf = (common: Common, settings: SignalSettings) => {
  const { needs, options } = partsOf(common, "logs", settings)
  return Layer.provide(OtlpLogger.layer(options), needs)
}

const metricsOf = (
  common: Common,
  settings: NonNullable<OtlpSettings["metrics"]>,
  { isSupervisor = false }: Instance
) => {
  const { needs, options } = partsOf(common, "metrics", settings)
  const exporter = Layer.provide(OtlpMetrics.layer({ ...options, temporality: settings.temporality }), needs)
  const ofProcess = Layer.effectDiscard(Effect.flatMap(MetricRegistry, ProcessMetrics.start))
  // What is measured stays until the exporter has sent it a last time.
  return Layer.provideMerge(exporter, Layer.merge(ofProcess, isSupervisor ? Layer.empty : ServerMetrics.layer))
}

/**
 * Exports what is below it, and adds the tracer and the logger for that. When its scope closes, it sends what is left,
 * for `exportAllowance` milliseconds at most.
 */
export const layer = (settings: OtlpSettings, instance: Instance): Layer.Layer<never> =>
  Layer.unwrap(
    Effect.gen(function* () {
      // What the exporters have to say goes to the log that there is without them.
      const log = Effect.runForkWith(yield* Effect.context<never>())
      const report = new OtlpReport((message) => void log(message))
      const ending = yield* Latch.make()
      const common = { settings, resource: resourceOf(settings, instance), report, ending }
      const { logs, metrics, traces } = settings
      const exporters = Layer.mergeAll(
        // One for all, also for an application with a copy of Effect of its own.
        Layer.effect(MetricRegistry, MetricRegistry),
        traces === undefined ? Layer.empty : tracerOf(common, traces),
        logs === undefined ? Layer.empty : loggerOf(common, logs),
        metrics === undefined ? Layer.empty : metricsOf(common, metrics, instance)
      )
      // Ends before them, as it is built on them.
      return Layer.effectDiscard(Effect.addFinalizer(() => ending.open)).pipe(
        Layer.provideMerge(exporters),
        // All variables have been read.
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({})))
      )
    })
  )
