/**
 * Keeps the slowest and the failing requests of the last minutes, as an observer. Of a request that is neither it only
 * looks at two numbers.
 */
import type { ExchangeRecord, Observer } from "@pagi/core/observe/Observer"
import type { RecentRequest, RecentRequests } from "./RecentRequests.ts"
import { withoutQuery } from "@pagi/core/http/RequestPath"

/** How many of each are kept, and for how many milliseconds. */
const mostSlow = 20
const mostFailed = 50
const lifetime = 5 * 60_000

/** Characters of a path and of a method that are kept: clients may send as many as a head has room for. */
const longestPath = 200
const longestMethod = 20

/** The path of a request target, as far as it is kept. */
const pathOf = (target: string): string => withoutQuery(target).slice(0, longestPath)

/** Ends of a request that the server or the application is to blame for, whatever status was sent before. */
const brokenOff: ReadonlySet<ExchangeRecord["outcome"]> = new Set([
  "server_error",
  "server_shutdown",
  "idle_timeout",
  "queue_overflow"
])

/** What lasts may end by a limit, or because the server stops. */
const hasFailed = ({ kind, outcome, status }: ExchangeRecord): boolean =>
  status >= 500 || outcome === "server_error" || (kind === "http" && brokenOff.has(outcome))

const requestOf = (record: ExchangeRecord): RecentRequest => ({
  method: record.request?.method.slice(0, longestMethod) ?? "",
  path: pathOf(record.request?.target ?? ""),
  status: record.status,
  endedAt: Math.round(record.startedAt + record.duration),
  duration: Math.round(record.duration * 100) / 100,
  httpVersion: record.request?.httpVersion ?? "",
  kind: record.kind,
  ...(record.requestId === undefined ? {} : { requestId: record.requestId })
})

/** Records; `isChanged` says whether there is something that `take` has not told yet. */
export class RecentRecorder implements Observer {
  /** The fastest first. */
  #slowest: Array<RecentRequest> = []
  /** The oldest first. */
  #failed: Array<RecentRequest> = []
  /** A request that took not longer is none of the slowest. */
  #threshold = 0
  /** When the first of the slowest is too old, which makes room for others. */
  #expiry = Number.POSITIVE_INFINITY
  #isChanged = false

  get isChanged(): boolean {
    return this.#isChanged
  }

  exchangeEnded(record: ExchangeRecord): void {
    // What lasts is meant to, and is not slow.
    if (record.duration > this.#threshold && record.kind === "http") this.#addSlow(record)
    else if (record.startedAt > this.#expiry) this.#expire(record.startedAt + record.duration)
    if (record.status >= 500 || record.outcome !== "complete") this.#addFailed(record)
  }

  #addSlow(record: ExchangeRecord): void {
    this.#expire(record.startedAt + record.duration)
    if (record.duration <= this.#threshold) return
    const request = requestOf(record)
    const at = this.#slowest.findIndex(({ duration }) => duration >= request.duration)
    this.#slowest.splice(at === -1 ? this.#slowest.length : at, 0, request)
    if (this.#slowest.length > mostSlow) this.#slowest.shift()
    this.#isChanged = true
    this.#look()
  }

  #addFailed(record: ExchangeRecord): void {
    if (!hasFailed(record)) return
    this.#failed.push(requestOf(record))
    if (this.#failed.length > mostFailed) this.#failed.shift()
    this.#isChanged = true
  }

  #expire(now: number): void {
    const { length } = this.#slowest
    this.#slowest = this.#slowest.filter(isCurrent(now))
    if (this.#slowest.length !== length) this.#isChanged = true
    this.#look()
  }

  #look(): void {
    this.#threshold = this.#slowest.length < mostSlow ? 0 : (this.#slowest[0]?.duration ?? 0)
    this.#expiry =
      this.#slowest.reduce((first, { endedAt }) => Math.min(first, endedAt), Number.POSITIVE_INFINITY) + lifetime
  }

  /** What there is at a time of day, in milliseconds since 1970. */
  take(now: number): RecentRequests {
    this.#expire(now)
    this.#isChanged = false
    return current({ slowest: this.#slowest.toReversed(), failed: this.#failed.toReversed() }, now)
  }
}

/** Not what is too old, nor what ended long after now: before the clock of the machine was set back. */
const isCurrent =
  (now: number) =>
  ({ endedAt }: RecentRequest): boolean =>
    Math.abs(now - endedAt) < lifetime

const current = ({ failed, slowest }: RecentRequests, now: number): RecentRequests => ({
  slowest: slowest.filter(isCurrent(now)),
  failed: failed.filter(isCurrent(now))
})

/** Those of several workers as one. */
export const merge = (all: Iterable<readonly [worker: number, RecentRequests]>, now: number): RecentRequests => {
  const slowest: Array<RecentRequest> = []
  const failed: Array<RecentRequest> = []
  for (const [worker, of] of all) {
    for (const request of of.slowest) slowest.push({ ...request, worker })
    for (const request of of.failed) failed.push({ ...request, worker })
  }
  const kept = current({ slowest, failed }, now)
  return {
    slowest: kept.slowest.toSorted((one, other) => other.duration - one.duration).slice(0, mostSlow),
    failed: kept.failed.toSorted((one, other) => other.endedAt - one.endedAt).slice(0, mostFailed)
  }
}
