/**
 * What happened in the last ten minutes, second by second. Processes tell what they have counted at moments of their own;
 * of each, the second gets what it had counted at its end, less what it had at its beginning.
 */
import type { HistoryMark, HistoryPoint, ProcessPoint } from "./HistoryPoint.ts"
import { type Counts, countsAt, type Numbers, type Stretch } from "./Reading.ts"
import type { ServerStatus } from "./ServerStatus.ts"

/** Seconds that are kept. */
export const length = 600

/** Milliseconds. */
export const second = 1000

/** Seconds that are told together when nobody has asked in time; of what is longer ago, nothing is told. */
const mostMissed = 5

/** The end of a second, and how the server was. */
export interface Moment {
  /** When it was, in milliseconds since 1970. */
  readonly at: number
  /** The same by the clock of the readings: whole seconds. */
  readonly time: number
  /** What each process has told last. One that has ended is there until all that it has counted lies before `time`. */
  readonly processes: ReadonlyMap<string, Stretch>
  readonly status: ServerStatus
  /** What has happened since the moment before. */
  readonly marks: ReadonlyArray<HistoryMark>
}

/** What was added, of all processes. */
type Added = { readonly [Kind in keyof Counts]: Map<string, number> }

const addDifferences = (added: Map<string, number>, now: Numbers, before: Numbers): void => {
  for (const [name, count] of now) {
    const difference = count - (before.get(name) ?? 0)
    if (difference > 0) added.set(name, (added.get(name) ?? 0) + difference)
  }
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

/** Of bounds that no request was below there is nothing, which changes no quantile. */
const latencyOf = (durations: Numbers, bounds: ReadonlyArray<number>): HistoryPoint["latency"] => {
  const total = durations.get("Infinity") ?? 0
  if (total === 0) return null
  const buckets = bounds.map((bound) => [bound, durations.get(String(bound)) ?? 0] as const)
  return { p50: quantile(0.5, buckets, total), p90: quantile(0.9, buckets, total), p99: quantile(0.99, buckets, total) }
}

/** The bounds that any process tells, in order. */
const boundsOf = (processes: Moment["processes"]): ReadonlyArray<number> => {
  const bounds = new Set<number>()
  for (const { now } of processes.values()) for (const bound of now.counts.durations.keys()) bounds.add(Number(bound))
  bounds.delete(Number.POSITIVE_INFINITY)
  return [...bounds].toSorted((one, other) => one - other)
}

/** A worker that has not been heard of is in the list of workers, and would have no memory. */
const processesOf = (status: ServerStatus): ReadonlyArray<ProcessPoint> =>
  status.mode === "workers"
    ? status.workers
        .filter(({ lastHeartbeat }) => lastHeartbeat !== null)
        .map(({ connections, lag, memory, workerNum }) => ({ worker: workerNum, lag, memory, connections }))
    : [{ worker: 0, lag: status.lag, memory: status.memory, connections: status.connections }]

/** What all processes have at the moment. */
const openOf = (processes: Moment["processes"]) => {
  const open: Record<string, number> = {}
  let [connections, activeRequests] = [0, 0]
  for (const { now } of processes.values()) {
    activeRequests += now.activeRequests
    for (const [protocol, count] of now.connections) {
      connections += count
      if (count > 0) open[protocol] = (open[protocol] ?? 0) + count
    }
  }
  return { connections, open, activeRequests }
}

/** Keeps the last seconds, each as JSON: that is what everybody gets. */
export class History {
  readonly #points: Array<string> = []
  /** Until when everything was told, and what each process had counted by then. */
  #time: number | undefined = undefined
  #told: ReadonlyMap<string, Counts> = new Map()
  /** What has happened and is no part of a point yet. */
  readonly #marks: Array<HistoryMark> = []

  /**
   * Adds the second that ends at this moment, and yields its JSON; and those before that were missed. Nothing is told the
   * first time, when there is nothing to compare with, nor of a moment twice.
   */
  add(moment: Moment): ReadonlyArray<string> {
    const { time } = moment
    const told = this.#time
    this.#marks.push(...moment.marks)
    if (told !== undefined && time <= told) return []
    this.#time = time
    const first = told === undefined ? time + second : Math.max(told + second, time - (mostMissed - 1) * second)
    if (told === undefined || first > told + second) this.#take(moment.processes, first - second, told === undefined)
    const points: Array<string> = []
    for (let end = first; end <= time; end += second) {
      points.push(JSON.stringify(this.#pointOf(moment, end, end === time ? this.#marks.splice(0) : [])))
    }
    this.#points.push(...points)
    if (this.#points.length > length) this.#points.splice(0, this.#points.length - length)
    return points
  }

  #pointOf(moment: Moment, end: number, marks: ReadonlyArray<HistoryMark>): HistoryPoint {
    const { at, processes, status, time } = moment
    const { bytes, closed, durations, refused, statuses } = this.#take(processes, end, false)
    const classOf = (name: string): number => statuses.get(name) ?? 0
    return {
      at: at - (time - end),
      statuses: {
        "1xx": classOf("1xx"),
        "2xx": classOf("2xx"),
        "3xx": classOf("3xx"),
        "4xx": classOf("4xx"),
        "5xx": classOf("5xx")
      },
      latency: latencyOf(durations, boundsOf(processes)),
      received: bytes.get("receive") ?? 0,
      sent: bytes.get("transmit") ?? 0,
      ...openOf(processes),
      closed: Object.fromEntries(closed),
      refused: Object.fromEntries(refused),
      processes: processesOf(status),
      marks
    }
  }

  /** What was counted since it was told last; at the beginning it is not known since when, so that it is nothing. */
  #take(processes: Moment["processes"], time: number, isBeginning: boolean): Added {
    const added = {
      statuses: new Map<string, number>(),
      durations: new Map<string, number>(),
      bytes: new Map<string, number>(),
      closed: new Map<string, number>(),
      refused: new Map<string, number>()
    }
    const told = new Map<string, Counts>()
    for (const [process, stretch] of processes) {
      const counts = countsAt(stretch, time)
      told.set(process, counts)
      if (isBeginning) continue
      const before = this.#told.get(process) ?? stretch.before.counts
      addDifferences(added.statuses, counts.statuses, before.statuses)
      addDifferences(added.durations, counts.durations, before.durations)
      addDifferences(added.bytes, counts.bytes, before.bytes)
      addDifferences(added.closed, counts.closed, before.closed)
      addDifferences(added.refused, counts.refused, before.refused)
    }
    this.#told = told
    return added
  }

  /** All of them, the oldest first. */
  get json(): string {
    return `[${this.#points.join(",")}]`
  }
}
