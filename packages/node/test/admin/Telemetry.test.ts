import { assert, describe, it } from "@effect/vitest"
import { take } from "@pagi/core/metrics/MetricSamples"
import { make as makeOptions } from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { MetricRegistry } from "effect/Metric"
import * as Scope from "effect/Scope"
import * as Telemetry from "../../src/admin/Telemetry.ts"

describe("Telemetry", () => {
  it.effect("tells how many connections all servers of a process may have that are there, whichever ends first", () =>
    Effect.gen(function* () {
      const registry: MetricRegistry = new Map()
      const start = (maxConnections: number) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const options = yield* makeOptions({ maxConnections })
          yield* Telemetry.make(options).pipe(Scope.provide(scope), Effect.provideService(MetricRegistry, registry))
          return Scope.close(scope, Exit.void)
        })
      const limits = (): ReadonlyArray<number> =>
        take(registry).flatMap((sample) =>
          sample.id === "pagi.server.connections.limit" && sample.type === "Gauge" ? [Number(sample.value)] : []
        )
      const endFirst = yield* start(100)
      const endSecond = yield* start(20)
      assert.deepStrictEqual(limits(), [120])
      yield* endSecond
      assert.deepStrictEqual(limits(), [100])
      const endThird = yield* start(3)
      yield* endFirst
      assert.deepStrictEqual(limits(), [3])
      yield* endThird
      assert.strictEqual(registry.size, 0)
    })
  )
})
