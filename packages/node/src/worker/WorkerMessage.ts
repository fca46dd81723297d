/** What a worker and its parent tell each other over the channel between them. */
import { from, type TicketSecrets } from "../tls/TicketSecrets.ts"
import { isNumber, isObject, isString } from "effect/Predicate"
import * as ReloadState from "../process/ReloadState.ts"

/** From a worker to its parent. */
export type WorkerReport =
  /** It listens, and the application has started. */
  | { readonly type: "ready" }
  /** How it is; the sign of life that the parent waits for. */
  | WorkerStatus
  /** It has served as many requests as it was to. */
  | { readonly type: "quota" }
  /** It drains, because somebody has told it to. */
  | { readonly type: "stopping" }
  /** It could not start, for this reason; it exits with the code of its failure. */
  | { readonly type: "failed"; readonly message: string }
  | MetricsReport
  | ReadinessAnswer
  | FilesReport
  | BrokenReport
  | ClusterQuestion

/** A runner of its cluster asks for something (`ClusterRequest`); the answer has the number. */
export interface ClusterQuestion {
  readonly type: "cluster"
  readonly number: number
  readonly request: unknown
}

/** Its application cannot be served; only if it is loaded anew at each change, and before `failed`. */
export interface BrokenReport {
  readonly type: "broken"
  readonly problem: ReloadState.ReloadProblem
}

/** Which files the application was made of; only if somebody watches them. */
export interface FilesReport {
  readonly type: "files"
  /** What tells the content that was loaded from another one, by the absolute path of the file. */
  readonly files: Readonly<Record<string, string>>
}

/** What it has counted and measured, with a status; only if there is an admin listener. */
export interface MetricsReport {
  readonly type: "metrics"
  /** When that was: milliseconds of `MonotonicClock`, which its parent has too. */
  readonly time?: number
  /** The series that have changed since the last report (`MetricSample`). */
  readonly samples: ReadonlyArray<unknown>
  /** The keys of the series that it has no more, if there are any (`keyOf`). */
  readonly gone?: ReadonlyArray<string>
  /** The slowest and the failing requests (`RecentRequests`), if they have changed. */
  readonly recent?: object
}

/** How its application is, which the order of this number has asked for. */
export interface ReadinessAnswer {
  readonly type: "readiness"
  readonly number: number
  /** What is wrong, by the names of the application's checks. */
  readonly problems: Readonly<Record<string, string>>
}

export interface WorkerStatus {
  readonly type: "status"
  /** Requests that it has begun since it started. */
  readonly requests: number
  readonly connections: number
  /** Longest time in milliseconds by which its event loop was late since the last report. */
  readonly lag: number
  /** Bytes that it has in memory. */
  readonly memory: number
  /** The part of the time since the last report in which its event loop was busy, where the number of workers depends on it. */
  readonly utilization?: number
}

/** From the parent to a worker. */
export type WorkerOrder =
  /** To finish what it has begun, and exit; others may serve in its place. */
  | { readonly type: "retire"; readonly othersServe?: boolean }
  /** How many workers accept, and how many connections each of them has on average. */
  | { readonly type: "share"; readonly workers: number; readonly connections: number }
  | { readonly type: "reopenLogs" }
  /** The secrets of TLS sessions from now on. */
  | { readonly type: "tickets"; readonly secrets: TicketSecrets }
  /** To run the application's checks, and to answer with this number. */
  | { readonly type: "readiness"; readonly number: number }
  /** How far the reload is; at its start, and at each change. */
  | { readonly type: "reload"; readonly state: ReloadState.ReloadState }
  /** What comes of what a runner of its cluster has asked for (`ClusterAnswer`). */
  | { readonly type: "cluster"; readonly number: number; readonly answer: object }

const isAmount = (value: unknown): value is number => isNumber(value) && value >= 0 && Number.isFinite(value)

const isCount = (value: unknown): value is number => isAmount(value) && Number.isSafeInteger(value)

/** What a worker has sent; nothing when it is no report. */
export const asReport = (message: unknown): WorkerReport | undefined => {
  if (!isObject(message)) return undefined
  const all: Readonly<Record<string, unknown>> = { ...message }
  const { connections, lag, memory, message: text, requests, type, utilization } = all
  switch (type) {
    case "ready":
    case "quota":
    case "stopping":
      return { type }
    case "failed":
      return isString(text) ? { type, message: text } : undefined
    case "status":
      return isCount(requests) && isCount(connections) && isAmount(lag) && isCount(memory)
        ? { type, requests, connections, lag, memory, ...(isAmount(utilization) ? { utilization } : {}) }
        : undefined
    case "metrics":
      return asMetrics(all)
    case "readiness":
      return asReadiness(all)
    case "broken": {
      const problem = ReloadState.problemFrom(all["problem"])
      return problem === undefined ? undefined : { type, problem }
    }
    case "cluster":
      return isCount(all["number"]) ? { type, number: all["number"], request: all["request"] } : undefined
    case "files":
      return isObject(all["files"]) ? { type, files: textsOf(all["files"]) } : undefined
    default:
      return undefined
  }
}

type Unread = Readonly<Record<string, unknown>>

const asMetrics = ({ gone, recent, samples, time }: Unread): MetricsReport | undefined => {
  if (!Array.isArray(samples)) return undefined
  return {
    type: "metrics",
    ...(isAmount(time) ? { time } : {}),
    samples,
    ...(Array.isArray(gone) ? { gone: gone.filter(isString) } : {}),
    ...(isObject(recent) ? { recent } : {})
  }
}

const asReadiness = ({ number, problems }: Unread): ReadinessAnswer | undefined => {
  if (!isCount(number) || !isObject(problems)) return undefined
  return { type: "readiness", number, problems: textsOf(problems) }
}

const textsOf = (given: object): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => isString(entry[1])))

/** What the parent has sent; nothing when it is no order. */
export const asOrder = (message: unknown): WorkerOrder | undefined => {
  if (!isObject(message)) return undefined
  const {
    answer,
    connections,
    number,
    othersServe,
    secrets: given,
    state: reload,
    type,
    workers
  }: Unread = { ...message }
  switch (type) {
    case "retire":
      return othersServe === true ? { type, othersServe } : { type }
    case "reopenLogs":
      return { type }
    case "share":
      return isAmount(connections) && isCount(workers) ? { type, workers, connections } : undefined
    case "readiness":
      return isCount(number) ? { type, number } : undefined
    case "cluster":
      return isCount(number) && isObject(answer) ? { type, number, answer } : undefined
    case "reload": {
      const state = ReloadState.fromMessage(reload)
      return state === undefined ? undefined : { type, state }
    }
    case "tickets": {
      const secrets = from(given)
      return secrets === undefined ? undefined : { type, secrets }
    }
    default:
      return undefined
  }
}
