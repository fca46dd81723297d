/** What the metrics of several processes add up to, those that have ended among them. */
import type { CountedSample, MetricSample } from "./MetricSamples.ts"
import { keyOf } from "./MetricSamples.ts"

type Samples = Map<string, MetricSample>

const isCounted = (sample: MetricSample): sample is CountedSample =>
  sample.type === "Counter" || sample.type === "Frequency" || sample.type === "Histogram"

/** Of another version of the program a histogram may have other buckets; then it starts anew. */
const isAlike = (one: CountedSample, two: CountedSample): boolean =>
  one.type !== "Histogram" ||
  two.type !== "Histogram" ||
  (one.buckets.length === two.buckets.length && one.buckets.every(([bound], at) => bound === two.buckets[at]?.[0]))

const addOccurrences = (one: Readonly<Record<string, number>>, two: Readonly<Record<string, number>>) => {
  const sum: Record<string, number> = { ...one }
  for (const [name, count] of Object.entries(two)) sum[name] = (sum[name] ?? 0) + count
  return sum
}

/** Both are of the same series. */
const add = (one: CountedSample, two: CountedSample): CountedSample => {
  if (!isAlike(one, two)) return two
  if (one.type === "Counter" && two.type === "Counter") return { ...two, count: one.count + two.count }
  if (one.type === "Frequency" && two.type === "Frequency")
    return { ...two, occurrences: addOccurrences(one.occurrences, two.occurrences) }
  if (one.type === "Histogram" && two.type === "Histogram") {
    const buckets = two.buckets.map(([bound, count], at) => [bound, count + (one.buckets[at]?.[1] ?? 0)] as const)
    return { ...two, buckets, count: one.count + two.count, sum: one.sum + two.sum }
  }
  return two
}

const addTo = (total: Samples, key: string, sample: CountedSample): void => {
  const before = total.get(key)
  total.set(key, before !== undefined && isCounted(before) ? add(before, sample) : sample)
}

/** Keeps the last values of each process, and adds them up; what was counted stays when a process has ended. */
export class MetricTotals {
  readonly #ended: Samples = new Map()
  readonly #running = new Map<string, Samples>()

  /** Values of a process that have changed since it was heard last. `process` tells processes apart, for ever. */
  report(process: string, samples: ReadonlyArray<MetricSample>): void {
    const known = this.#running.get(process) ?? new Map<string, MetricSample>()
    this.#running.set(process, known)
    for (const sample of samples) known.set(keyOf(sample), sample)
  }

  /** The process has ended, and with it what it has measured; what it has counted counts. */
  end(process: string): void {
    for (const [key, sample] of this.#running.get(process) ?? []) {
      if (isCounted(sample)) addTo(this.#ended, key, sample)
    }
    this.#running.delete(process)
  }

  /** All values; a measured one has the label `worker`, with what `nameOf` calls the process. */
  total(nameOf: (process: string) => string): ReadonlyArray<MetricSample> {
    const total: Samples = new Map(this.#ended)
    const own: Array<MetricSample> = []
    for (const [process, samples] of this.#running) {
      const worker = nameOf(process)
      for (const [key, sample] of samples) {
        if (isCounted(sample)) addTo(total, key, sample)
        else own.push({ ...sample, attributes: { ...sample.attributes, worker } })
      }
    }
    return [...total.values(), ...own]
  }
}

/** Which values of a process have changed since it has told them last. */
export class ChangedSamples {
  readonly #told = new Map<string, string>()

  of(samples: ReadonlyArray<MetricSample>): ReadonlyArray<MetricSample> {
    return samples.filter((sample) => {
      const key = keyOf(sample)
      const value = JSON.stringify(sample)
      if (this.#told.get(key) === value) return false
      this.#told.set(key, value)
      return true
    })
  }
}
