/** What happened in the last ten minutes, second by second: the difference between the metrics of two moments. */
import type { MetricSample } from "@pagi/core/metrics/MetricSamples"
import { table } from "@pagi/core/metrics/MetricTable"
import type { HistoryMark, HistoryPoint, ProcessPoint } from "./HistoryPoint.ts"
import type { ServerStatus } from "./ServerStatus.ts"

/** Seconds that are kept. */
export const length = 600

/** Numbers by their names. */
type Counts = ReadonlyMap<string, number>

/** What the metrics say at one moment. */
interface Reading {
  readonly statuses: Counts
  /** How many requests took not longer than each bound of the histogram, in seconds. */
  readonly buckets: ReadonlyArray<readonly [bound: number, count: number]>
  readonly timed: number
  readonly received: number
  readonly sent: number
  readonly connections: number
  readonly activeRequests: number
  readonly closed: Counts
  readonly refused: Counts
}

const valueOf = (sample: MetricSample): number => {
  if (sample.type === "Counter") return sample.count
  return sample.type === "Gauge" ? Number(sample.value) : 0
}

/** Reads what the history is about off all metrics. */
const read = (samples: ReadonlyArray<MetricSample>): Reading => {
  const byName = new Map<string, Array<MetricSample>>()
  for (const sample of samples) {
    const of = byName.get(sample.id)
    if (of === undefined) byName.set(sample.id, [sample])
    else of.push(sample)
  }
  const seriesOf = ({ name }: { readonly name: string }): ReadonlyArray<MetricSample> => byName.get(name) ?? []
  const countsOf = (row: { readonly name: string }, label: string): Map<string, number> => {
    const counts = new Map<string, number>()
    for (const sample of seriesOf(row)) {
      const value = sample.attributes[label] ?? ""
      counts.set(value, (counts.get(value) ?? 0) + valueOf(sample))
    }
    return counts
  }
  const sumOf = (row: { readonly name: string }): number =>
    seriesOf(row).reduce((sum, sample) => sum + valueOf(sample), 0)
  const bytes = countsOf(table.bytes, "network.io.direction")
  const durations = durationsOf(seriesOf(table.requestDuration))
  return {
    ...durations,
    statuses: countsOf(table.requests, "status_class"),
    received: bytes.get("receive") ?? 0,
    sent: bytes.get("transmit") ?? 0,
    connections: sumOf(table.connections),
    activeRequests: sumOf(table.activeRequests),
    closed: countsOf(table.connectionsClosed, "network.protocol.name"),
    refused: new Map([...countsOf(table.limits, "limit"), ...countsOf(table.protocolErrors, "reason")])
  }
}

const durationsOf = (series: ReadonlyArray<MetricSample>): Pick<Reading, "buckets" | "timed"> => {
  const buckets = new Map<number, number>()
  let timed = 0
  for (const sample of series) {
    if (sample.type !== "Histogram") continue
    timed += sample.count
    for (const [bound, count] of sample.buckets) buckets.set(bound, (buckets.get(bound) ?? 0) + count)
  }
  return { buckets: [...buckets].toSorted(([one], [other]) => one - other), timed }
}

/** What has been added; nothing of a counter that has begun anew. */
const added = (now: number, before: number | undefined): number => Math.max(0, now - (before ?? 0))

const addedOf = (now: Counts, before: Counts): Record<string, number> => {
  const more: Record<string, number> = {}
  for (const [name, count] of now) {
    const difference = added(count, before.get(name))
    if (difference > 0) more[name] = difference
  }
  return more
}

/** Milliseconds within which this part of the requests was answered: as if they lay evenly in each bucket. */
const quantile = (
  part: number,
  buckets: ReadonlyArray<readonly [bound: number, count: number]>,
  total: number
): number => {
  const rank = part * total
  let [lower, below] = [0, 0]
  for (const [bound, count] of buckets) {
    if (count >= rank && count > below) {
      return round((lower + ((bound - lower) * (rank - below)) / (count - below)) * 1000)
    }
    lower = bound
    below = count
  }
  // Longer than what is told apart.
  return round(lower * 1000)
}

const round = (value: number): number => Math.round(value * 100) / 100

const latencyOf = (now: Reading, before: Reading): HistoryPoint["latency"] => {
  const total = added(now.timed, before.timed)
  if (total === 0) return null
  const earlier = new Map(before.buckets)
  const buckets = now.buckets.map(([bound, count]) => [bound, added(count, earlier.get(bound))] as const)
  return { p50: quantile(0.5, buckets, total), p90: quantile(0.9, buckets, total), p99: quantile(0.99, buckets, total) }
}

const processesOf = (status: ServerStatus): ReadonlyArray<ProcessPoint> =>
  status.mode === "workers"
    ? status.workers.map(({ connections, lag, memory, workerNum }) => ({ worker: workerNum, lag, memory, connections }))
    : [{ worker: 0, lag: status.lag, memory: status.memory, connections: status.connections }]

/** Keeps the last seconds, each as JSON: that is what everybody gets. */
export class History {
  readonly #points: Array<string> = []
  #before: Reading | undefined = undefined

  /** Adds the second that ends now, and yields its JSON; nothing the first time, when there is nothing to compare with. */
  add(
    at: number,
    samples: ReadonlyArray<MetricSample>,
    status: ServerStatus,
    marks: ReadonlyArray<HistoryMark>
  ): string | undefined {
    const [before, now] = [this.#before, read(samples)]
    this.#before = now
    if (before === undefined) return undefined
    const statuses = addedOf(now.statuses, before.statuses)
    const classOf = (name: string): number => statuses[name] ?? 0
    const point: HistoryPoint = {
      at,
      statuses: {
        "1xx": classOf("1xx"),
        "2xx": classOf("2xx"),
        "3xx": classOf("3xx"),
        "4xx": classOf("4xx"),
        "5xx": classOf("5xx")
      },
      latency: latencyOf(now, before),
      received: added(now.received, before.received),
      sent: added(now.sent, before.sent),
      connections: now.connections,
      activeRequests: now.activeRequests,
      closed: addedOf(now.closed, before.closed),
      refused: addedOf(now.refused, before.refused),
      processes: processesOf(status),
      marks
    }
    const text = JSON.stringify(point)
    this.#points.push(text)
    if (this.#points.length > length) this.#points.shift()
    return text
  }

  /** All of them, the oldest first. */
  get json(): string {
    return `[${this.#points.join(",")}]`
  }
}
