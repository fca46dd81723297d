import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import { take } from "../../src/metrics/MetricSamples.ts"
import * as ServerMetrics from "../../src/metrics/ServerMetrics.ts"
import { Observer } from "../../src/observe/Observer.ts"

const opened = (registry: Metric.MetricRegistry): number | undefined => {
  const sample = take(registry).find(({ id }) => id === "pagi.server.connections.opened")
  return sample?.type === "Counter" ? sample.count : undefined
}

describe("the metrics of servers", () => {
  it.effect("are those of a registry, as long as somebody uses them", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      const [first, second] = [yield* Scope.make(), yield* Scope.make()]
      const one = yield* Scope.provide(ServerMetrics.of(registry), first)
      const two = yield* Scope.provide(ServerMetrics.of(registry), second)
      assert.strictEqual(one, two)
      one.connectionOpened?.("unknown")
      two.connectionOpened?.("unknown")
      yield* Scope.close(first, Exit.void)
      assert.strictEqual(opened(registry), 2)
      yield* Scope.close(second, Exit.void)
      assert.strictEqual(registry.size, 0)
      yield* Effect.scoped(
        Effect.gen(function* () {
          assert.notStrictEqual(yield* ServerMetrics.of(registry), one)
          assert.strictEqual(opened(registry), 0)
        })
      )
    })
  )

  it.effect("do not mix with those of another registry", () =>
    Effect.gen(function* () {
      const registries: ReadonlyArray<Metric.MetricRegistry> = [new Map(), new Map()]
      const observers = yield* Effect.forEach(registries, ServerMetrics.of)
      observers[0]?.connectionOpened?.("unknown")
      assert.deepStrictEqual(registries.map(opened), [1, 0])
    }).pipe(Effect.scoped)
  )
})

describe("their layer", () => {
  const events: Array<string> = []
  const own = Layer.succeed(Observer, { connectionOpened: () => events.push("opened") })
  const twice = Layer.fresh(ServerMetrics.layer).pipe(
    Layer.provideMerge(Layer.fresh(ServerMetrics.layer)),
    Layer.provide(own)
  )

  it.effect("counts beside the observer that a program has, and only once", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      yield* Effect.gen(function* () {
        const observer = yield* Observer
        assert.isUndefined(yield* ServerMetrics.observer)
        observer?.connectionOpened?.("unknown")
        assert.deepStrictEqual([events, opened(registry)], [["opened"], 1])
      }).pipe(Effect.provide(twice), Effect.provideService(Metric.MetricRegistry, registry), Effect.scoped)
      assert.strictEqual(registry.size, 0)
    })
  )

  it.effect("is not needed where a server adds its observer itself", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      yield* Effect.gen(function* () {
        const added = yield* ServerMetrics.observer
        added?.connectionOpened?.("unknown")
        assert.strictEqual(opened(registry), 1)
      }).pipe(Effect.provideService(Metric.MetricRegistry, registry), Effect.scoped)
    })
  )
})
