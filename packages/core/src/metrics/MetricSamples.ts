/** The values of all metrics of a process at one moment, as it tells them to another one. */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"

const attributes = Schema.Record(Schema.String, Schema.String)

const common = { id: Schema.String, description: Schema.optionalKey(Schema.String), attributes }

/** Only of the process that it is of: a measured value, or quantiles, of which several make no whole. */
const OwnSample = Schema.Union([
  Schema.Struct({ ...common, type: Schema.Literal("Gauge"), value: Schema.Finite }),
  Schema.Struct({
    ...common,
    type: Schema.Literal("Summary"),
    quantiles: Schema.Array(Schema.Tuple([Schema.Finite, Schema.NullOr(Schema.Finite)])),
    count: Schema.Finite,
    sum: Schema.Finite,
    min: Schema.Finite,
    max: Schema.Finite
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

/** Values that JSON can say; what is no number counts as none. */
const finite = (value: number | bigint): number => {
  const number = Number(value)
  return Number.isFinite(number) ? number : 0
}

const extent = ({ count, max, min, sum }: Omit<Metric.HistogramState, "buckets">) => ({
  count,
  sum: finite(sum),
  min: finite(min),
  max: finite(max)
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
      return { ...head, type: "Gauge", value: finite(snapshot.state.value) }
    case "Frequency":
      return { ...head, type: "Frequency", occurrences: Object.fromEntries(snapshot.state.occurrences) }
    case "Histogram": {
      const { buckets, ...state } = snapshot.state
      const bounded = buckets.filter(([boundary]) => Number.isFinite(boundary))
      return { ...head, type: "Histogram", buckets: bounded, ...extent(state) }
    }
    case "Summary": {
      const { quantiles, ...state } = snapshot.state
      const told = quantiles.map(([at, value]) => [at, value === undefined ? null : finite(value)] as const)
      return { ...head, type: "Summary", quantiles: told, ...extent(state) }
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
      return add(Metric.gauge(id, options), { value: sample.value })
    case "Frequency":
      return add(Metric.frequency(id, options), { occurrences: new Map(Object.entries(sample.occurrences)) })
    case "Histogram": {
      const { count, max, min, sum } = sample
      const buckets = sample.buckets.map(([boundary, below]): [number, number] => [boundary, below])
      const boundaries = buckets.map(([boundary]) => boundary)
      return add(Metric.histogram(id, { ...options, boundaries }), { buckets, count, sum, min, max })
    }
    case "Summary": {
      const { count, max, min, sum } = sample
      const quantiles = sample.quantiles.map(([at, value]): [number, number | undefined] => [at, value ?? undefined])
      const metric = Metric.summary(id, { ...options, maxAge: 0, maxSize: 0, quantiles: [] })
      return add(metric, { quantiles, count, sum, min, max })
    }
  }
}
