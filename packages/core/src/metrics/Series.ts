/** The values of metrics while a server runs: plain numbers, which Effect's `Metric` reads when somebody asks for them. */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { MetricRow } from "./MetricTable.ts"

/** A row that has buckets. */
export type HistogramRow = MetricRow & { readonly boundaries: ReadonlyArray<number> }

/** A number. */
export class Count {
  value = 0

  add(amount = 1): void {
    this.value += amount
  }
}

/** How often values fell into which bucket. */
export class Distribution {
  readonly boundaries: ReadonlyArray<number>
  readonly #counts: Array<number>
  count = 0
  sum = 0
  // As Effect has them of a histogram without values.
  #min = Number.MAX_VALUE
  #max = -Number.MAX_VALUE

  constructor(boundaries: ReadonlyArray<number>) {
    this.boundaries = boundaries
    this.#counts = boundaries.map(() => 0)
  }

  add(value: number): void {
    const { boundaries } = this
    let bucket = 0
    // Most values are in one of the first.
    while (bucket < boundaries.length && value > (boundaries[bucket] ?? 0)) bucket++
    if (bucket < boundaries.length) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.count++
    this.sum += value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  get state(): Metric.HistogramState {
    let cumulated = 0
    const buckets = this.boundaries.map((boundary, bucket): [number, number] => {
      cumulated += this.#counts[bucket] ?? 0
      return [boundary, cumulated]
    })
    return { buckets, count: this.count, sum: this.sum, min: this.#min, max: this.#max }
  }
}

/** Values of labels, in the order in which the table names the labels. */
type LabelValues = ReadonlyArray<string>

/** Series of one metric at most; what comes beyond that is counted in one with `_OTHER` for every label. */
const maxSeries = 1000

const ignore = (): void => {}

/**
 * The series of a server in a registry of Effect's. They are there from the first value on until `remove`, so that
 * `Metric.snapshot`, `PrometheusMetrics` and `OtlpMetrics` see them like any other metric of the process.
 */
export class SeriesRegistry {
  readonly #context: Context.Context<never>
  readonly #registrations: Array<Metric.Registration> = []

  constructor(registry: Metric.MetricRegistry) {
    this.#context = Context.make(Metric.MetricRegistry, registry)
  }

  counts(row: MetricRow): Family<Count> {
    return new Family(row, (attributes) => {
      const series = new Count()
      const metric = Metric.counter(row.name, { description: row.description, attributes, incremental: true })
      this.#register(metric, () => ({ count: series.value, incremental: true }))
      return series
    })
  }

  distributions(row: HistogramRow): Family<Distribution> {
    const { boundaries, description, name } = row
    return new Family(row, (attributes) => {
      const series = new Distribution(boundaries)
      this.#register(Metric.histogram(name, { description, attributes, boundaries }), () => series.state)
      return series
    })
  }

  /** Numbers that grow and become less again. */
  gauges(row: MetricRow): Family<Count> {
    return new Family(row, (attributes) => {
      const series = new Count()
      const metric = Metric.gauge(row.name, { description: row.description, attributes })
      this.#register(metric, () => ({ value: series.value }))
      return series
    })
  }

  /** A value that is read when somebody asks for it. */
  gauge(row: MetricRow, read: () => number, ...values: LabelValues): void {
    const { description, name } = row
    const metric = Metric.gauge(name, { description, attributes: attributesOf(row, values) })
    this.#register(metric, () => ({ value: read() }))
  }

  /** A number that others count, and that is read when somebody asks for it. */
  count(row: MetricRow, read: () => number, ...values: LabelValues): void {
    const { description, name } = row
    const metric = Metric.counter(name, { description, attributes: attributesOf(row, values), incremental: true })
    this.#register(metric, () => ({ count: read(), incremental: true }))
  }

  #register<Input, State>(metric: Metric.Metric<Input, State>, get: () => State): void {
    const hooks = { get, update: ignore, modify: ignore }
    this.#registrations.push(Metric.registerUnsafe(metric, this.#context, hooks))
  }

  remove(): void {
    for (const registration of this.#registrations) registration.remove()
    this.#registrations.length = 0
  }
}

const attributesOf = ({ labels, unit }: MetricRow, values: LabelValues): Record<string, string> => {
  const attributes: Record<string, string> = { unit }
  for (const [index, label] of Object.keys(labels).entries()) attributes[label] = values[index] ?? ""
  return attributes
}

/** The series of one metric, made when they have their first value. */
export class Family<Series> {
  readonly #row: MetricRow
  readonly #make: (attributes: Record<string, string>) => Series
  readonly #series = new Map<string, Series>()

  constructor(row: MetricRow, make: (attributes: Record<string, string>) => Series) {
    this.#row = row
    this.#make = make
  }

  /** The series with these values of the labels. */
  of(...values: LabelValues): Series {
    const key = values.length === 1 ? (values[0] ?? "") : values.join("\n")
    return this.#series.get(key) ?? this.#add(key, values)
  }

  #add(key: string, values: LabelValues): Series {
    if (this.#series.size >= maxSeries && values.some((value) => value !== other))
      return this.of(...values.map(() => other))
    const series = this.#make(attributesOf(this.#row, values))
    this.#series.set(key, series)
    return series
  }
}

/** What stands for all values that are not told apart. */
export const other = "_OTHER"
