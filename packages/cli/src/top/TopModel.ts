/** What `pagi-server top` knows of a server. */
import type { Point, Recent, Status } from "../adminClient/AdminDocuments.ts"

/** Seconds that are kept: as many as a wide terminal has columns. */
const limit = 300

/** Milliseconds by which the clock of the server must have gone back before what was is forgotten. */
const clockStep = 5000

/** Requests that all processes together have begun, and when that was. */
interface Count {
  readonly at: number
  readonly byProcess: ReadonlyMap<number, number>
}

const countOf = (status: Status): Count["byProcess"] =>
  "workers" in status
    ? new Map(status.workers.map(({ pid, requests }) => [pid ?? 0, requests]))
    : new Map([[status.pid, status.requests]])

/** A server in one process is shown as the only worker. */
export const processesOf = (status: Status) =>
  "workers" in status ? status.workers : [{ ...status, workerNum: undefined, lastHeartbeat: 0 }]

export class TopModel {
  status: Status | undefined = undefined
  recent: Recent | undefined = undefined
  /** Why there is less to see than there could be. */
  note: string | undefined = undefined
  /** Why nothing new comes; nothing while it does. */
  problem: string | undefined = undefined
  #points: Array<Point> = []
  /** Requests per second, for servers that tell no more. */
  #rates: Array<number> = []
  #count: Count | undefined = undefined

  /** The last seconds, the oldest first; none without an admin listener. */
  get points(): ReadonlyArray<Point> {
    return this.#points
  }

  /** Requests per second, the oldest first. */
  get rates(): ReadonlyArray<number> {
    return this.#points.length === 0 ? this.#rates : this.#points.map(requestsOf)
  }

  /** Takes what the server remembers, instead of all that was known. */
  load(points: ReadonlyArray<Point>): void {
    this.#points = points.slice(-limit)
  }

  /** Takes a second that is over. */
  add(point: Point): void {
    const last = this.#points.at(-1)
    if (last !== undefined && point.at <= last.at) {
      if (point.at > last.at - clockStep) return
      this.#points = []
    }
    this.#points.push(point)
    if (this.#points.length > limit) this.#points.shift()
  }

  /** Takes a status that was told at a time, in milliseconds. */
  see(status: Status, at: number): void {
    this.status = status
    this.problem = undefined
    const [before, now] = [this.#count, { at, byProcess: countOf(status) }]
    this.#count = now
    if (before === undefined || at <= before.at) return
    let requests = 0
    // A process that is new has begun all of its requests since; one that is gone has not told its last ones.
    for (const [pid, count] of now.byProcess) requests += Math.max(0, count - (before.byProcess.get(pid) ?? 0))
    this.#rates.push((requests * 1000) / (at - before.at))
    if (this.#rates.length > limit) this.#rates.shift()
  }
}

/** How many requests have ended in a second. */
export const requestsOf = ({ statuses }: Point): number =>
  statuses["1xx"] + statuses["2xx"] + statuses["3xx"] + statuses["4xx"] + statuses["5xx"]
