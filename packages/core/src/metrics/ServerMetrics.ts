/**
 * The metrics of servers, for programs that embed one: connections, requests, bytes, limits and more, among the program's
 * own metrics in Effect's `MetricRegistry`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { combine, Observer } from "../observe/Observer.ts"
import { perRegistry } from "./PerRegistry.ts"
import { SeriesRegistry } from "./Series.ts"
import { ServerCounters } from "./ServerCounters.ts"

/**
 * Counts in this registry, as an observer of any number of servers. There is one for each registry; its series are in the
 * registry as long as one of the scopes is open that it was taken in.
 */
export const of: (registry: Metric.MetricRegistry) => Effect.Effect<Observer, never, Scope.Scope> = perRegistry(
  (registry) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => new SeriesRegistry(registry)),
        (series) => Effect.sync(() => series.remove())
      ),
      (series) => new ServerCounters(series)
    )
)

/** The registry in which the `Observer` of the context counts already, if it does. */
const CountedIn = Context.Reference<Metric.MetricRegistry | undefined>("@pagi/core/ServerMetrics/CountedIn", {
  defaultValue: () => undefined
})

/**
 * What a server is to be observed by besides the `Observer` of the context, to be counted in the registry of the context;
 * nothing when that counts already, because a program has provided `layer`.
 */
export const observer: Effect.Effect<Observer | undefined, never, Scope.Scope> = Effect.gen(function* () {
  const registry = yield* Metric.MetricRegistry
  return (yield* CountedIn) === registry ? undefined : yield* of(registry)
})

/**
 * Has the servers of a program counted, in the `MetricRegistry` of the context:
 *
 *     PagiServer.layer.pipe(Layer.provide(ServerMetrics.layer))
 *
 * Whatever exports the program's metrics, such as `PrometheusMetrics.format` or `OtlpMetrics.layer`, then has those of the
 * server too. It provides the `Observer` of the context, which tells one that was there before as well.
 */
export const layer: Layer.Layer<never> = Layer.effectContext(
  Effect.gen(function* () {
    const before = yield* Observer
    const registry = yield* Metric.MetricRegistry
    const added = yield* observer
    return Context.make(Observer, combine(before, added)).pipe(Context.add(CountedIn, registry))
  })
)
