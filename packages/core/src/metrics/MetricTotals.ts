/** What the metrics of several processes add up to, those that have ended among them. */
import type { CountedSample, MetricSample } from "./MetricSamples.ts"
import { isCounted, keyOf } from "./MetricSamples.ts"

type Samples = Map<string, MetricSample>
type Buckets = ReadonlyArray<readonly [boundary: number, below: number]>

/** Of another version of the program a histogram may have other buckets; those stay that both have. */
const addBuckets = (one: Buckets, two: Buckets): Buckets => {
  const counts = new Map(one)
  return two.flatMap(([boundary, below]) => {
    const before = counts.get(boundary)
    return before === undefined ? [] : [[boundary, before + below] as const]
  })
}

const addOccurrences = (one: Readonly<Record<string, number>>, two: Readonly<Record<string, number>>) => {
  const sum = new Map(Object.entries(one))
  for (const [name, count] of Object.entries(two)) sum.set(name, (sum.get(name) ?? 0) + count)
  return Object.fromEntries(sum)
}

/** Both are of the same series. */
const add = (one: MetricSample | undefined, two: CountedSample): CountedSample => {
  if (one?.type === "Counter" && two.type === "Counter") return { ...two, count: one.count + two.count }
  if (one?.type === "Frequency" && two.type === "Frequency")
    return { ...two, occurrences: addOccurrences(one.occurrences, two.occurrences) }
  if (one?.type === "Histogram" && two.type === "Histogram") {
    return {
      ...two,
      buckets: addBuckets(one.buckets, two.buckets),
      count: one.count + two.count,
      sum: one.sum + two.sum,
      min: Math.min(one.min, two.min),
      max: Math.max(one.max, two.max)
    }
  }
  return two
}

const addTo = (total: Samples, key: string, sample: CountedSample): void =>
  void total.set(key, add(total.get(key), sample))

/** What of a sample can only grow, if it cannot do otherwise. */
const growing = (sample: CountedSample): number | undefined => {
  if (sample.type === "Counter") return sample.incremental ? sample.count : undefined
  return sample.type === "Histogram" && sample.min >= 0 ? sample.sum : undefined
}

const withGrowing = (sample: CountedSample, value: number): CountedSample => {
  if (sample.type === "Counter") return { ...sample, count: value }
  return sample.type === "Histogram" ? { ...sample, sum: value } : sample
}

/** Whether a series that can only grow has less than before: it was removed, and is there again. */
const hasBegunAnew = (sample: MetricSample, before: MetricSample | undefined): boolean => {
  if (sample.type === "Counter" && before?.type === "Counter") return sample.incremental && sample.count < before.count
  if (sample.type === "Histogram" && before?.type === "Histogram") return sample.count < before.count
  if (sample.type !== "Frequency" || before?.type !== "Frequency") return false
  return Object.entries(before.occurrences).some(([name, count]) => (sample.occurrences[name] ?? 0) < count)
}

/** A label of the application's that is called so too has the name that Prometheus gives to such ones. */
const ofWorker = (sample: MetricSample, worker: string): MetricSample => {
  const { worker: own, ...others } = sample.attributes
  return { ...sample, attributes: { ...others, ...(own === undefined ? {} : { exported_worker: own }), worker } }
}

/**
 * Keeps the last values of each process, and adds them up; what was counted stays when a process has ended, so that no
 * counter goes back.
 */
export class MetricTotals {
  readonly #ended: Samples = new Map()
  /** What was told last of what can only grow. */
  readonly #told = new Map<string, number>()
  readonly #running = new Map<string, Samples>()

  /**
   * Values of a process that have changed since it was heard last, and the keys of the series that it has no more
   * (`ChangedSamples`). `process` tells processes apart, for ever, and nothing may come of one that has ended.
   */
  report(process: string, samples: ReadonlyArray<MetricSample>, gone: ReadonlyArray<string> = []): void {
    const known = this.#running.get(process) ?? new Map<string, MetricSample>()
    this.#running.set(process, known)
    for (const key of gone) this.#endSeries(known, key)
    for (const sample of samples) {
      const key = keyOf(sample)
      if (hasBegunAnew(sample, known.get(key))) this.#endSeries(known, key)
      known.set(key, sample)
    }
  }

  #endSeries(known: Samples, key: string): void {
    const sample = known.get(key)
    if (sample !== undefined && isCounted(sample)) addTo(this.#ended, key, sample)
    known.delete(key)
  }

  /** What a process has told last, of each series; nothing of one that is not known. */
  of(process: string): Iterable<MetricSample> {
    return this.#running.get(process)?.values() ?? []
  }

  /** The process has ended, and with it what it has measured; what it has counted counts. */
  end(process: string): void {
    const known = this.#running.get(process)
    if (known === undefined) return
    for (const key of known.keys()) this.#endSeries(known, key)
    this.#running.delete(process)
  }

  /**
   * All values. A measured one has the label `worker`, with what `nameOf` calls the process; without a name it stays as the
   * process has told it.
   */
  total(nameOf: (process: string) => string | undefined): ReadonlyArray<MetricSample> {
    const total: Samples = new Map(this.#ended)
    const own: Array<MetricSample> = []
    for (const [process, samples] of this.#running) {
      const worker = nameOf(process)
      for (const [key, sample] of samples) {
        if (isCounted(sample)) addTo(total, key, sample)
        else own.push(worker === undefined ? sample : ofWorker(sample, worker))
      }
    }
    return [...Array.from(total, ([key, sample]) => this.#notLess(key, sample)), ...own]
  }

  /**
   * A sum of fractions depends on their order, which is another one when a process has ended: it may be less by its last
   * digit, and for whoever looks at rates the counter would have begun anew.
   */
  #notLess(key: string, sample: MetricSample): MetricSample {
    const value = isCounted(sample) ? growing(sample) : undefined
    if (value === undefined || !isCounted(sample)) return sample
    const told = Math.max(value, this.#told.get(key) ?? value)
    this.#told.set(key, told)
    return told === value ? sample : withGrowing(sample, told)
  }
}

/** What is new about the series of a process. */
export interface SampleChanges {
  /** Those that are new, or have another value. */
  readonly changed: ReadonlyArray<MetricSample>
  /** The keys of those that are there no more. */
  readonly gone: ReadonlyArray<string>
}

/** Finds out what has changed about the series of a process since it has told them last. */
export class ChangedSamples {
  #told: ReadonlyMap<string, string> = new Map()

  of(samples: ReadonlyArray<MetricSample>): SampleChanges {
    const before = this.#told
    const now = new Map<string, string>()
    const changed = samples.filter((sample) => {
      const key = keyOf(sample)
      const value = JSON.stringify(sample)
      now.set(key, value)
      return before.get(key) !== value
    })
    this.#told = now
    return { changed, gone: [...before.keys()].filter((key) => !now.has(key)) }
  }
}
