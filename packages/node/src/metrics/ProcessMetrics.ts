/** The metrics of this process, as long as somebody has asked for metrics: `@pagi/core/metrics/ProcessTable` lists them. */
import { perRegistry } from "@pagi/core/metrics/PerRegistry"
import { processTable } from "@pagi/core/metrics/ProcessTable"
import { other, SeriesRegistry } from "@pagi/core/metrics/Series"
import * as Effect from "effect/Effect"
import type * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks"
import { getHeapStatistics } from "node:v8"
import { lostMessages } from "../accessLog/StandardOutput.ts"
import { readLimit } from "../connection/DescriptorLimit.ts"
import { OpenDescriptors } from "./OpenDescriptors.ts"
import { LoopWindow, windowLength } from "./LoopWindow.ts"

const collectionTypes: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weakcb"
}

/** The kind of a collection, which Node has in a property that its types do not know. */
const kindOf = (entry: PerformanceEntry): string => {
  const { detail } = entry as { readonly detail?: { readonly kind?: number } }
  return collectionTypes[detail?.kind ?? 0] ?? other
}

/** Adds the time of each garbage collection from now on; answers what ends that. */
const watchCollections = (series: SeriesRegistry): (() => void) => {
  const collections = series.distributions(processTable.collections)
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) collections.of(kindOf(entry)).add(entry.duration / 1000)
  })
  observer.observe({ entryTypes: ["gc"] })
  return () => observer.disconnect()
}

const addLoop = (series: SeriesRegistry, loop: LoopWindow): void => {
  series.gauge(processTable.loopDelayMean, () => loop.delay.mean)
  series.gauge(processTable.loopDelayP50, () => loop.delay.p50)
  series.gauge(processTable.loopDelayP99, () => loop.delay.p99)
  series.gauge(processTable.loopDelayMax, () => loop.delay.max)
  series.gauge(processTable.loopUtilization, () => loop.utilization)
  series.count(processTable.loopTime, () => loop.time.active, "active")
  series.count(processTable.loopTime, () => loop.time.idle, "idle")
}

const addProcess = (series: SeriesRegistry, descriptors: OpenDescriptors): void => {
  series.gauge(processTable.heapLimit, () => getHeapStatistics().heap_size_limit)
  series.gauge(processTable.heapUsed, () => getHeapStatistics().used_heap_size)
  series.gauge(processTable.memory, () => process.memoryUsage.rss())
  series.count(processTable.cpuTime, () => process.cpuUsage().user / 1e6, "user")
  series.count(processTable.cpuTime, () => process.cpuUsage().system / 1e6, "system")
  for (const output of ["stdout", "stderr"] as const) {
    series.count(processTable.lostMessages, () => lostMessages(output), output)
  }
  series.gauge(processTable.uptime, () => process.uptime())
  const limit = readLimit()
  if (Number.isFinite(limit)) series.gauge(processTable.descriptorLimit, () => limit)
  if (descriptors.isKnown) series.gauge(processTable.descriptors, () => descriptors.count)
}

const watch = (registry: Metric.MetricRegistry): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const series = yield* Effect.acquireRelease(
      Effect.sync(() => new SeriesRegistry(registry)),
      (series) => Effect.sync(() => series.remove())
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => watchCollections(series)),
      (end) => Effect.sync(end)
    )
    const loop = yield* Effect.acquireRelease(
      Effect.sync(() => new LoopWindow()),
      (loop) => Effect.sync(() => loop.stop())
    )
    const descriptors = new OpenDescriptors()
    addLoop(series, loop)
    addProcess(series, descriptors)
    const rotate = Effect.sync(() => {
      loop.rotate()
      descriptors.forget()
    })
    yield* Effect.forkScoped(Effect.repeat(Effect.delay(rotate, windowLength), Schedule.forever))
  })

/** Puts the metrics of the process into the registry, until the scopes have closed of all who have asked for it. */
export const start: (registry: Metric.MetricRegistry) => Effect.Effect<void, never, Scope.Scope> = perRegistry(watch)
