/** The values of all metrics of a process at one moment, as it tells them to another one. */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"

const attributes = Schema.Record(Schema.String, Schema.String)

const common = { id: Schema.String, description: Schema.optionalKey(Schema.String), attributes }

/** A number, or by its name what JSON has no number for. */
const Amount = Schema.Union([Schema.Finite, Schema.Literals(["NaN", "Infinity", "-Infinity"])])

/** Only of the process that it is of: a measured value, or quantiles, of which several make no whole. */
const OwnSample = Schema.Union([
  Schema.Struct({ ...common, type: Schema.Literal("Gauge"), value: Amount }),
  Schema.Struct({
    ...common,
    type: Schema.Literal("Summary"),
    quantiles: Schema.Array(Schema.Tuple([Schema.Finite, Schema.NullOr(Amount)])),
    count: Schema.Finite,
    sum: Amount,
    min: Amount,
    max: Amount
  })
])

/** Of any number of processes. */
const CountedSample = Schema.Union([
  Schema.Struct({ ...common, type: Schema.Literal("Counter"), count: Schema.Finite, incremental: Schema.Boolean }),
  Schema.Struct({
    ...common,
    type: Schema.Literal("Frequency"),
    occurrences: Schema.Record(Schema.String, Schema.Finite)
  }),
  Schema.Struct({
    ...common,
    type: Schema.Literal("Histogram"),
    /** Upper bounds, and how many values are not above them. */
    buckets: Schema.Array(Schema.Tuple([Schema.Finite, Schema.Finite])),
    count: Schema.Finite,
    sum: Schema.Finite,
    min: Schema.Finite,
    max: Schema.Finite
  })
])

/** One series with its value. */
export const MetricSample = Schema.Union([OwnSample, CountedSample])
export type MetricSample = typeof MetricSample.Type
export type CountedSample = typeof CountedSample.Type

/** Whether the values of several processes add up. */
export const isCounted = (sample: MetricSample): sample is CountedSample =>
  sample.type === "Counter" || sample.type === "Frequency" || sample.type === "Histogram"

/** What tells series apart, the order of attributes aside. */
export const keyOf = ({ attributes, id, type }: MetricSample): string =>
  JSON.stringify([type, id, ...Object.entries(attributes).toSorted(([one], [two]) => (one < two ? -1 : 1))])

const amountOf = (value: number): typeof Amount.Type => {
  if (Number.isFinite(value)) return value
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
}

/** What is added up: one process that has counted what is no number spoils the sum of all. */
const finite = (value: number | bigint): number => {
  const number = Number(value)
  return Number.isFinite(number) ? number : 0
}

/** What histograms and summaries have in common. */
const extent = <A>({ count, max, min, sum }: Omit<Metric.HistogramState, "buckets">, as: (value: number) => A) => ({
  count,
  sum: as(sum),
  min: as(min),
  max: as(max)
})

const sampleOf = (snapshot: Metric.Metric.Snapshot): MetricSample => {
  const { attributes = {}, description, id } = snapshot
  const head = { id, attributes, ...(description === undefined ? {} : { description }) }
  switch (snapshot.type) {
    case "Counter": {
      const { count, incremental } = snapshot.state
      return { ...head, type: "Counter", count: finite(count), incremental }
    }
    case "Gauge":
      return { ...head, type: "Gauge", value: amountOf(Number(snapshot.state.value)) }
    case "Frequency":
      return { ...head, type: "Frequency", occurrences: Object.fromEntries(snapshot.state.occurrences) }
    case "Histogram": {
      const { buckets, ...state } = snapshot.state
      const bounded = buckets.filter(([boundary]) => Number.isFinite(boundary))
      return { ...head, type: "Histogram", buckets: bounded, ...extent(state, finite) }
    }
    case "Summary": {
      const { quantiles, ...state } = snapshot.state
      const told = quantiles.map(([at, value]) => [at, value === undefined ? null : amountOf(value)] as const)
      return { ...head, type: "Summary", quantiles: told, ...extent(state, amountOf) }
    }
  }
}

/** All metrics of a registry, the server's and the application's. */
export const take = (registry: Metric.MetricRegistry): ReadonlyArray<MetricSample> =>
  Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry)).map(sampleOf)

/** A registry of Effect's that has these values, for what writes or exports metrics. */
export const toRegistry = (samples: Iterable<MetricSample>): Metric.MetricRegistry => {
  const registry: Metric.MetricRegistry = new Map()
  const context = Context.make(Metric.MetricRegistry, registry)
  for (const sample of samples) register(sample, context)
  return registry
}

const ignore = (): void => {}

const register = (sample: MetricSample, context: Context.Context<never>): void => {
  const { attributes, description, id } = sample
  const options = { attributes, description }
  const add = <Input, State>(metric: Metric.Metric<Input, State>, state: State): void =>
    void Metric.registerUnsafe(metric, context, { get: () => state, update: ignore, modify: ignore })
  switch (sample.type) {
    case "Counter":
      return add(Metric.counter(id, options), { count: sample.count, incremental: sample.incremental })
    case "Gauge":
      return add(Metric.gauge(id, options), { value: Number(sample.value) })
    case "Frequency":
      return add(Metric.frequency(id, options), { occurrences: new Map(Object.entries(sample.occurrences)) })
    case "Histogram": {
      const { count, max, min, sum } = sample
      const buckets = sample.buckets.map(([boundary, below]): [number, number] => [boundary, below])
      const boundaries = buckets.map(([boundary]) => boundary)
      return add(Metric.histogram(id, { ...options, boundaries }), { buckets, count, sum, min, max })
    }
    case "Summary": {
      const [sum, min, max] = [Number(sample.sum), Number(sample.min), Number(sample.max)]
      const quantiles = sample.quantiles.map(([at, value]): [number, number | undefined] => [
        at,
        value === null ? undefined : Number(value)
      ])
      const metric = Metric.summary(id, { ...options, maxAge: 0, maxSize: 0, quantiles: [] })
      return add(metric, { quantiles, count: sample.count, sum, min, max })
    }
  }
}
