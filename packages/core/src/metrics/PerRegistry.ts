/** What there is once for each registry, however many ask for it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Metric from "effect/Metric"
import { PreventSchedulerYield } from "effect/Scheduler"
import * as Scope from "effect/Scope"

interface Shared<A> {
  readonly value: A
  readonly scope: Scope.Closeable
  users: number
}

/**
 * Has everybody who asks for the same registry share what `make` gives for it. It ends when the last of their scopes
 * closes. `make` may not wait for anything.
 */
export const perRegistry = <A>(
  make: (registry: Metric.MetricRegistry) => Effect.Effect<A, never, Scope.Scope>
): ((registry: Metric.MetricRegistry) => Effect.Effect<A, never, Scope.Scope>) => {
  const all = new WeakMap<Metric.MetricRegistry, Shared<A>>()
  const acquire = Effect.fnUntraced(
    function* (registry: Metric.MetricRegistry) {
      const known = all.get(registry)
      if (known !== undefined) {
        known.users++
        return known
      }
      const scope = yield* Scope.make()
      const shared = { scope, value: yield* Scope.provide(make(registry), scope), users: 1 }
      all.set(registry, shared)
      return shared
    },
    // A fiber that has run for long takes turns with others anywhere, and one of them may ask for the same.
    Effect.provideService(PreventSchedulerYield, true)
  )
  const release = (registry: Metric.MetricRegistry, shared: Shared<A>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (--shared.users > 0) return Effect.void
      all.delete(registry)
      return Scope.close(shared.scope, Exit.void)
    })
  return (registry) =>
    Effect.map(
      Effect.acquireRelease(acquire(registry), (shared) => release(registry, shared)),
      ({ value }) => value
    )
}
