import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { take } from "../../src/metrics/MetricSamples.ts"
import { define } from "../../src/metrics/MetricTable.ts"
import { Distribution, SeriesRegistry } from "../../src/metrics/Series.ts"

const row = define({
  name: "test.requests",
  type: "Counter",
  unit: "{request}",
  description: "Requests of a test",
  labels: { path: "which", other: "something" }
})

const Value = Schema.Finite.check(Schema.isBetween({ minimum: -10, maximum: 20 }))

describe("a distribution", () => {
  it.prop("has the state of a histogram of Effect's", [Schema.Array(Value)], ([values]) => {
    const boundaries = [0, 0.5, 1, 10]
    const context = Context.make(Metric.MetricRegistry, new Map())
    const histogram = Metric.histogram("reference", { boundaries })
    const distribution = new Distribution(boundaries)
    for (const value of [0.5, ...values]) {
      histogram.updateUnsafe(value, context)
      distribution.add(value)
    }
    assert.deepStrictEqual(distribution.state, histogram.valueUnsafe(context))
  })

  it("has that of an empty one before its first value", () => {
    const context = Context.make(Metric.MetricRegistry, new Map())
    const histogram = Metric.histogram("reference", { boundaries: [1, 2] })
    assert.deepStrictEqual(new Distribution([1, 2]).state, histogram.valueUnsafe(context))
  })
})

describe("a family of series", () => {
  it("has one for each combination of labels, and keeps it", () => {
    const registry: Metric.MetricRegistry = new Map()
    const family = new SeriesRegistry(registry).counts(row)
    family.of("/a", "x").add(2)
    family.of("/a", "x").add()
    family.of("/a", "y").add()
    assert.deepStrictEqual(
      take(registry).map((sample) => sample.type === "Counter" && [sample.attributes, sample.count]),
      [
        [{ unit: "{request}", path: "/a", other: "x" }, 3],
        [{ unit: "{request}", path: "/a", other: "y" }, 1]
      ]
    )
  })

  it("has a thousand at most, and one for all others", () => {
    const registry: Metric.MetricRegistry = new Map()
    const family = new SeriesRegistry(registry).counts(row)
    for (let count = 0; count < 1500; count++) family.of(`/${count}`, "").add()
    family.of("/7", "").add()
    assert.strictEqual(registry.size, 1001)
    assert.strictEqual(family.of("_OTHER", "_OTHER").value, 500)
    assert.strictEqual(family.of("/7", "").value, 2)
  })
})
