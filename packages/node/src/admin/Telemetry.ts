/** What a server with an admin listener notes besides: its metrics, and the slowest and the failing requests. */
import { table } from "@pagi/core/metrics/MetricTable"
import { perRegistry } from "@pagi/core/metrics/PerRegistry"
import { SeriesRegistry } from "@pagi/core/metrics/Series"
import * as ServerMetrics from "@pagi/core/metrics/ServerMetrics"
import { combine, type Observer } from "@pagi/core/observe/Observer"
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import { MetricRegistry } from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as ProcessMetrics from "../metrics/ProcessMetrics.ts"
import { RecentRecorder } from "./RecentRecorder.ts"

export interface Telemetry {
  /** Listens to the server. */
  readonly observer: Observer | undefined
  /** Where its metrics are, and those of the application. */
  readonly registry: MetricRegistry
  readonly recent: RecentRecorder
}

/** How many connections all servers may have whose connections are counted in a registry, as long as there is one. */
const limits = perRegistry((registry) =>
  Effect.gen(function* () {
    const series = yield* Effect.acquireRelease(
      Effect.sync(() => new SeriesRegistry(registry)),
      (series) => Effect.sync(() => series.remove())
    )
    const sum = { value: 0 }
    series.gauge(table.connectionLimit, () => sum.value)
    return sum
  })
)

/** Begins to note; the metrics are there until the scope closes. */
export const make = ({ maxConnections }: Values): Effect.Effect<Telemetry, never, Scope.Scope> =>
  Effect.gen(function* () {
    const registry = yield* MetricRegistry
    const recent = new RecentRecorder()
    yield* ProcessMetrics.start(registry)
    const limit = yield* limits(registry)
    yield* Effect.acquireRelease(
      Effect.sync(() => void (limit.value += maxConnections)),
      () => Effect.sync(() => void (limit.value -= maxConnections))
    )
    return { observer: combine(yield* ServerMetrics.observer, recent), registry, recent }
  })
