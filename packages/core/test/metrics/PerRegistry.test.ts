import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { MetricRegistry } from "effect/Metric"
import { MaxOpsBeforeYield } from "effect/Scheduler"
import { perRegistry } from "../../src/metrics/PerRegistry.ts"

describe("perRegistry", () => {
  it.effect("makes one for all who ask at the same time, wherever fibers take turns", () =>
    Effect.gen(function* () {
      for (let operations = 5; operations < 30; operations++) {
        const registry: MetricRegistry = new Map()
        let made = 0
        const get = perRegistry(() =>
          Effect.andThen(
            Effect.void,
            Effect.sync(() => ++made)
          )
        )
        const all = yield* Effect.all([get(registry), get(registry), get(registry)], { concurrency: "unbounded" }).pipe(
          Effect.provideService(MaxOpsBeforeYield, operations)
        )
        assert.deepStrictEqual([all, made], [[1, 1, 1], 1])
      }
    })
  )
})
