import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import * as Exposition from "../../src/metrics/Exposition.ts"
import { keyOf, MetricSample, take, toRegistry } from "../../src/metrics/MetricSamples.ts"

/** A registry with a metric of each type, as a program has them. */
const filled = (): Metric.MetricRegistry => {
  const registry: Metric.MetricRegistry = new Map()
  const context = Context.make(Metric.MetricRegistry, registry)
  const attributes = { a: "b" }
  Metric.counter("sent", { attributes, description: "What was sent", incremental: true }).updateUnsafe(3, context)
  Metric.counter("big", { bigint: true }).updateUnsafe(12n, context)
  Metric.gauge("level").updateUnsafe(-1.5, context)
  Metric.gauge("unknown").updateUnsafe(Number.NaN, context)
  for (const word of ["x", "x", "y"]) Metric.frequency("words").updateUnsafe(word, context)
  const histogram = Metric.histogram("time", { boundaries: [1, 5] })
  for (const value of [0.5, 3, 100]) histogram.updateUnsafe(value, context)
  Metric.histogram("empty", { boundaries: [1] }).valueUnsafe(context)
  const summary = Metric.summary("size", { maxAge: "1 minute", maxSize: 10, quantiles: [0.5, 0.9] })
  for (const value of [1, 2, 3]) summary.updateUnsafe(value, context)
  return registry
}

describe("samples of a registry", () => {
  it("have the values of all types of metrics, in numbers that JSON can say", () => {
    const samples = take(filled())
    assert.deepStrictEqual(
      samples.map(({ id, type }) => `${type} ${id}`),
      ["Counter sent", "Counter big", "Gauge level", "Gauge unknown", "Frequency words"].concat(
        ["Histogram time", "Histogram empty", "Summary size"].filter((name) =>
          samples.some(({ id }) => name.endsWith(id))
        )
      )
    )
    assert.deepInclude(samples[0], {
      attributes: { a: "b" },
      description: "What was sent",
      count: 3,
      incremental: true
    })
    assert.deepInclude(samples[1], { count: 12 })
    assert.deepInclude(samples[3], { value: "NaN" })
    const time = samples.find(({ id }) => id === "time")
    assert.deepInclude(time, { count: 3, sum: 103.5, min: 0.5, max: 100 })
    assert.deepStrictEqual(time?.type === "Histogram" && time.buckets, [
      [1, 1],
      [5, 2]
    ])
  })

  it("survive JSON and their schema, and become a registry with the same values", () => {
    const samples = take(filled())
    const told: unknown = JSON.parse(JSON.stringify(samples))
    const heard = Schema.decodeUnknownSync(Schema.Array(MetricSample))(told)
    assert.deepStrictEqual(heard, samples)
    assert.deepStrictEqual(take(toRegistry(heard)), samples)
  })

  it("are told as they are where they are no finite numbers", () => {
    const registry: Metric.MetricRegistry = new Map()
    const context = Context.make(Metric.MetricRegistry, registry)
    const values = { none: Number.NaN, most: Number.POSITIVE_INFINITY, least: Number.NEGATIVE_INFINITY, some: 1 }
    for (const [name, value] of Object.entries(values)) Metric.gauge(name).updateUnsafe(value, context)
    const summary = Metric.summary("size", { maxAge: "1 minute", maxSize: 10, quantiles: [0.5] })
    summary.updateUnsafe(Number.POSITIVE_INFINITY, context)
    const told: unknown = JSON.parse(JSON.stringify(take(registry)))
    const heard = toRegistry(Schema.decodeUnknownSync(Schema.Array(MetricSample))(told))
    for (const format of ["prometheus", "openmetrics"] as const) {
      assert.strictEqual(Exposition.format(heard, format), Exposition.format(registry, format))
      assert.match(
        Exposition.format(heard, format),
        /^none NaN\n[^]*^most \+Inf\n[^]*^least -Inf\n[^]*^size_sum \+Inf\n/m
      )
    }
  })

  it.prop("are refused by the schema when they are none", [Schema.Unknown], ([value]) => {
    const isSample = Schema.is(MetricSample)(value)
    assert.isFalse(isSample)
  })

  it("have keys that tell all of them apart", () => {
    const samples = take(filled())
    assert.strictEqual(new Set(samples.map(keyOf)).size, samples.length)
  })
})
