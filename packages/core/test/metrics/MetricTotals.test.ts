import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { keyOf, type MetricSample } from "../../src/metrics/MetricSamples.ts"
import { ChangedSamples, MetricTotals } from "../../src/metrics/MetricTotals.ts"

const counter = (count: number, attributes: Record<string, string> = {}): MetricSample => ({
  id: "requests",
  attributes,
  type: "Counter",
  incremental: true,
  count
})

const gauge = (value: number): MetricSample => ({ id: "memory", attributes: { unit: "By" }, type: "Gauge", value })

const histogram = (
  buckets: ReadonlyArray<readonly [number, number]>,
  count: number,
  sum: number,
  min = sum / 2,
  max = sum
): MetricSample => ({
  id: "duration",
  attributes: {},
  type: "Histogram",
  buckets,
  count,
  sum,
  min,
  max
})

const numbered = (process: string): string => `w${process}`

describe("totals", () => {
  it("add up what is counted, and tell apart what is measured", () => {
    const totals = new MetricTotals()
    totals.report("1", [counter(2), counter(5, { a: "b" }), gauge(10)])
    totals.report("2", [counter(3), gauge(20)])
    totals.report("1", [counter(4)])
    assert.deepStrictEqual(totals.total(numbered), [
      counter(7),
      counter(5, { a: "b" }),
      { ...gauge(10), attributes: { unit: "By", worker: "w1" } },
      { ...gauge(20), attributes: { unit: "By", worker: "w2" } }
    ])
    assert.deepStrictEqual(totals.total(() => undefined).slice(2), [gauge(10), gauge(20)])
  })

  it("keep a label of the application's that is called as that of workers", () => {
    const totals = new MetricTotals()
    const ofApplication = (worker: string): MetricSample => ({ ...gauge(1), attributes: { worker } })
    totals.report("1", [ofApplication("mail"), ofApplication("fax")])
    assert.deepStrictEqual(
      totals.total(numbered).map(({ attributes }) => attributes),
      [
        { exported_worker: "mail", worker: "w1" },
        { exported_worker: "fax", worker: "w1" }
      ]
    )
  })

  it("keep what an ended process has counted, and forget what it has measured", () => {
    const totals = new MetricTotals()
    totals.report("1", [counter(2), gauge(10)])
    totals.end("1")
    totals.end("1")
    totals.end("nobody")
    totals.report("2", [counter(3)])
    assert.deepStrictEqual(totals.total(numbered), [counter(5)])
  })

  it("do not go back by the last digit when fractions are added up in another order", () => {
    const totals = new MetricTotals()
    const parts = [0.1, 0.2, 0.3].map((sum) => [counter(sum), histogram([[1, 1]], 1, sum)])
    for (const [index, samples] of parts.entries()) totals.report(String(index), samples)
    const before = totals.total(numbered)
    assert.deepStrictEqual(before[0], counter(0.1 + 0.2 + 0.3))
    for (const process of ["2", "1", "0"]) totals.end(process)
    // Otherwise this test would see nothing.
    assert.isBelow(0.3 + 0.2 + 0.1, 0.1 + 0.2 + 0.3)
    assert.deepStrictEqual(totals.total(numbered), before)
  })

  it("go back where what is counted does", () => {
    const totals = new MetricTotals()
    const both = (count: number, sum: number): ReadonlyArray<MetricSample> => [
      { ...counter(0), type: "Counter", incremental: false, count },
      histogram([[1, 1]], 1, sum, -5, 5)
    ]
    totals.report("1", both(4, 2))
    assert.deepStrictEqual(totals.total(numbered), both(4, 2))
    totals.report("1", both(3, 1))
    assert.deepStrictEqual(totals.total(numbered), both(3, 1))
  })

  it("add up histograms, and occurrences", () => {
    const totals = new MetricTotals()
    const frequency = (occurrences: Record<string, number>): MetricSample => ({
      id: "words",
      attributes: {},
      type: "Frequency",
      occurrences
    })
    totals.report("1", [
      histogram(
        [
          [1, 2],
          [5, 3]
        ],
        4,
        20
      ),
      frequency({ a: 1, __proto__x: 2 })
    ])
    totals.end("1")
    totals.report("2", [
      histogram(
        [
          [1, 1],
          [5, 1]
        ],
        1,
        2
      ),
      frequency({ a: 2, b: 1 })
    ])
    assert.deepStrictEqual(totals.total(numbered), [
      histogram(
        [
          [1, 3],
          [5, 4]
        ],
        5,
        22,
        1,
        20
      ),
      frequency({ a: 3, __proto__x: 2, b: 1 })
    ])
  })

  it("have the buckets that all versions of a program have", () => {
    const totals = new MetricTotals()
    totals.report("old", [
      histogram(
        [
          [1, 2],
          [5, 3]
        ],
        4,
        20
      )
    ])
    totals.report("new", [
      histogram(
        [
          [1, 1],
          [2, 1],
          [10, 1]
        ],
        1,
        2
      )
    ])
    assert.deepStrictEqual(totals.total(numbered), [histogram([[1, 3]], 5, 22, 1, 20)])
    totals.end("old")
    assert.deepStrictEqual(totals.total(numbered), [histogram([[1, 3]], 5, 22, 1, 20)])
  })

  it("forget what a process measures no longer, and keep what it has counted", () => {
    const totals = new MetricTotals()
    const [counted, measured] = [counter(2), gauge(10)]
    totals.report("1", [counted, measured, counter(1, { a: "b" })])
    totals.report("1", [], [counted, measured].map(keyOf))
    totals.report("1", [], [counted, measured].map(keyOf))
    assert.deepStrictEqual(totals.total(numbered), [counter(2), counter(1, { a: "b" })])
  })

  it("do not go back when a series is removed and begins anew", () => {
    const totals = new MetricTotals()
    const frequency = (a: number): MetricSample => ({
      id: "words",
      attributes: {},
      type: "Frequency",
      occurrences: { a }
    })
    const first = [counter(5), histogram([[1, 4]], 5, 10), frequency(5)]
    const anew = [counter(2), histogram([[1, 1]], 2, 10), frequency(2)]
    const both = [counter(7), histogram([[1, 5]], 7, 20, 5, 10), frequency(7)]
    totals.report("1", first)
    totals.report("1", [], first.map(keyOf))
    totals.report("1", anew)
    assert.deepStrictEqual(totals.total(numbered), both)
    // Within a second, so that nobody has seen it gone.
    totals.report("2", first)
    totals.report("2", anew)
    totals.end("1")
    totals.end("2")
    assert.deepStrictEqual(totals.total(numbered), [counter(14), histogram([[1, 10]], 14, 40, 5, 10), frequency(14)])
  })

  const Step = Schema.Struct({
    worker: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
    series: Schema.Literals(["a", "b", "c"]),
    amount: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })),
    after: Schema.Literals(["nothing", "report", "remove", "end", "kill"])
  })

  it.prop("are what processes have told, whoever ends when, and never go back", [Schema.Array(Step)], ([steps]) => {
    const totals = new MetricTotals()
    const told = { a: 0, b: 0, c: 0 }
    const processes = new Map<number, { id: string; counts: Map<"a" | "b" | "c", number>; changed: ChangedSamples }>()
    const untold = new Map<number, typeof told>()
    let started = 0
    const valueOf = (series: string): number => {
      const sample = totals.total(numbered).find(({ attributes }) => attributes["series"] === series)
      return sample?.type === "Counter" ? sample.count : 0
    }
    for (const { after, amount, series, worker } of steps) {
      const process = processes.get(worker) ?? { id: `${started++}`, counts: new Map(), changed: new ChangedSamples() }
      processes.set(worker, process)
      const pending = untold.get(worker) ?? { a: 0, b: 0, c: 0 }
      untold.set(worker, pending)
      process.counts.set(series, (process.counts.get(series) ?? 0) + amount)
      pending[series] += amount
      const report = () => {
        const samples = [...process.counts].map(([name, count]) => counter(count, { series: name }))
        const { changed, gone } = process.changed.of(samples)
        totals.report(process.id, changed, gone)
      }
      if (after === "report" || after === "remove" || after === "end") {
        report()
        for (const name of ["a", "b", "c"] as const) told[name] += pending[name]
        untold.delete(worker)
      }
      if (after === "remove") {
        process.counts.delete(series)
        report()
      }
      if (after === "end" || after === "kill") {
        totals.end(process.id)
        processes.delete(worker)
        untold.delete(worker)
      }
      for (const name of ["a", "b", "c"] as const) assert.strictEqual(valueOf(name), told[name])
    }
  })
})

describe("changed samples", () => {
  it("are those with another value than was told last, and the keys of those that are there no more", () => {
    const changed = new ChangedSamples()
    assert.deepStrictEqual(changed.of([counter(1), gauge(5)]), { changed: [counter(1), gauge(5)], gone: [] })
    assert.deepStrictEqual(changed.of([counter(1), gauge(6)]), { changed: [gauge(6)], gone: [] })
    assert.deepStrictEqual(changed.of([counter(2), gauge(6)]), { changed: [counter(2)], gone: [] })
    assert.deepStrictEqual(changed.of([counter(2), gauge(6)]), { changed: [], gone: [] })
    assert.deepStrictEqual(changed.of([counter(2)]), { changed: [], gone: [keyOf(gauge(6))] })
    assert.deepStrictEqual(changed.of([counter(2)]), { changed: [], gone: [] })
    assert.deepStrictEqual(changed.of([counter(2), gauge(6)]), { changed: [gauge(6)], gone: [] })
  })
})

it("series are the same in whatever order their attributes are", () => {
  assert.strictEqual(keyOf(counter(1, { a: "1", b: "2" })), keyOf(counter(2, { b: "2", a: "1" })))
  assert.notStrictEqual(keyOf(counter(1, { a: "1" })), keyOf(counter(1, { a: "2" })))
  assert.notStrictEqual(keyOf(counter(1)), keyOf({ id: "requests", attributes: {}, type: "Gauge", value: 1 }))
})
