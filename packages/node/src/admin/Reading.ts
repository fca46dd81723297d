/** What a process has counted at one moment, as far as the history is about it, and between two such moments. */
import type { MetricSample } from "@pagi/core/metrics/MetricSamples"
import { table } from "@pagi/core/metrics/MetricTable"

/** Numbers by their names. */
export type Numbers = ReadonlyMap<string, number>

/** Numbers that only grow. */
export interface Counts {
  /** Requests that have ended, by the class of their status. */
  readonly statuses: Numbers
  /** How many of those took not longer than each bound of the histogram, in seconds; `Infinity` is how many there were. */
  readonly durations: Numbers
  /** By their direction. */
  readonly bytes: Numbers
  /** Connections that have ended, by protocol. */
  readonly closed: Numbers
  /** Limits reached and rules broken. */
  readonly refused: Numbers
}

export interface Reading {
  /** Milliseconds of a clock that all processes share and that is never set back (`MonotonicClock`). */
  readonly time: number
  readonly counts: Counts
  /** Open connections, by protocol. */
  readonly connections: Numbers
  readonly activeRequests: number
}

/** The last two readings of a process. */
export interface Stretch {
  readonly before: Reading
  readonly now: Reading
}

const none: Numbers = new Map()

/** Nothing of each. */
export const noCounts: Counts = { statuses: none, durations: none, bytes: none, closed: none, refused: none }

/** That of a process that has only begun. */
export const emptyAt = (time: number): Reading => ({ time, counts: noCounts, connections: none, activeRequests: 0 })

/** The same for each kind of numbers. */
export const mapCounts = (map: (kind: keyof Counts) => Numbers): Counts => ({
  statuses: map("statuses"),
  durations: map("durations"),
  bytes: map("bytes"),
  closed: map("closed"),
  refused: map("refused")
})

const add = (to: Map<string, number>, name: string, value: number): void => {
  to.set(name, (to.get(name) ?? 0) + value)
}

/** Reads what the history is about off all metrics of a process. */
export const read = (time: number, samples: Iterable<MetricSample>): Reading => {
  const kinds = {
    statuses: new Map<string, number>(),
    durations: new Map<string, number>(),
    bytes: new Map<string, number>(),
    closed: new Map<string, number>(),
    refused: new Map<string, number>()
  }
  const connections = new Map<string, number>()
  let activeRequests = 0
  for (const sample of samples) {
    const { attributes, id } = sample
    if (sample.type === "Histogram") {
      if (id === table.requestDuration.name) addDurations(kinds.durations, sample)
    } else if (sample.type === "Counter") {
      const counted = counters.get(id)
      if (counted !== undefined) add(kinds[counted.kind], attributes[counted.label] ?? "", sample.count)
    } else if (sample.type === "Gauge") {
      if (id === table.connections.name)
        add(connections, attributes["network.protocol.name"] ?? "", Number(sample.value))
      else if (id === table.activeRequests.name) activeRequests += Number(sample.value)
    }
  }
  return { time, counts: kinds, connections, activeRequests }
}

const counters: ReadonlyMap<string, { readonly kind: keyof Counts; readonly label: string }> = new Map([
  [table.requests.name, { kind: "statuses", label: "status_class" }],
  [table.bytes.name, { kind: "bytes", label: "network.io.direction" }],
  [table.connectionsClosed.name, { kind: "closed", label: "network.protocol.name" }],
  [table.limits.name, { kind: "refused", label: "limit" }],
  [table.protocolErrors.name, { kind: "refused", label: "reason" }]
])

const addDurations = (
  durations: Map<string, number>,
  { buckets, count }: Extract<MetricSample, { readonly type: "Histogram" }>
): void => {
  for (const [bound, below] of buckets) add(durations, String(bound), below)
  add(durations, "Infinity", count)
}

/**
 * What had been counted at a time: as if it had happened evenly between the two readings. Beyond them nothing is known,
 * and what the nearer one says holds. Numbers are whole, so that differences of one time after the other add up to what
 * was counted.
 */
export const countsAt = ({ before, now }: Stretch, time: number): Counts => {
  if (time >= now.time) return now.counts
  if (time <= before.time) return before.counts
  const part = (time - before.time) / (now.time - before.time)
  return mapCounts((kind) => {
    const numbers = new Map<string, number>()
    const earlier = before.counts[kind]
    for (const [name, value] of now.counts[kind]) {
      const first = earlier.get(name) ?? 0
      numbers.set(name, Math.round(first + (value - first) * part))
    }
    return numbers
  })
}
