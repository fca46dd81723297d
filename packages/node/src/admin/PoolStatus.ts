/** The parent's view of its workers, and the document in which it tells others. */
import { isNumber, isObject, isString } from "effect/Predicate"

/** One worker process. */
export interface WorkerStatus {
  /** Nothing when its process could not be started; it is about to be given up. */
  readonly pid: number | null
  /** From 1; a replacement has its predecessor's. */
  readonly workerNum: number
  /** `surplus` and `leaving`: another one has its number, or none shall have it. */
  readonly phase: "booting" | "serving" | "surplus" | "leaving"
  /** Milliseconds since it was started. */
  readonly age: number
  /** Requests that it has begun; like what follows, as it has said last. */
  readonly requests: number
  readonly connections: number
  /** Milliseconds by which its event loop was late at most since the report before. */
  readonly lag: number
  /** Bytes of memory. */
  readonly memory: number
  /** Milliseconds since it was heard of; nothing before the first time. */
  readonly lastHeartbeat: number | null
}

/** The whole pool. */
export interface PoolStatus {
  /** The parent's. */
  readonly pid: number
  readonly phase: PoolPhase
  /** Milliseconds since the parent was started. */
  readonly age: number
  /** How many workers there should be. */
  readonly target: number
  /** Between what and why, where that depends on how busy they are. */
  readonly scaling?: PoolScaling
  /** Whether a rolling replacement goes on. */
  readonly isReloading: boolean
  /** Where they listen, as URLs. */
  readonly listeners: ReadonlyArray<string>
  /** In the order of their numbers; of two with the same, the older one first. */
  readonly workers: ReadonlyArray<WorkerStatus>
}

/** The number of workers where it changes by itself. */
export interface PoolScaling {
  readonly minimum: number
  readonly maximum: number
  /** How busy the workers that serve are on average, from 0 to 1. */
  readonly utilization: number
  /** Why there are as many as there should be: the last change by itself, or none since the start or a command. */
  readonly reason: "asked for" | "workers were busy" | "a worker was not needed"
}

/** `starting` until every worker was ready for the first time. */
export type PoolPhase = "starting" | "serving" | "stopping" | "stopped"

const poolPhases: ReadonlySet<unknown> = new Set<PoolPhase>(["starting", "serving", "stopping", "stopped"])
const workerPhases: ReadonlySet<unknown> = new Set<WorkerStatus["phase"]>(["booting", "serving", "surplus", "leaving"])

type Unchecked<A> = { readonly [Name in keyof A]?: unknown }

const isOrNull = (is: (value: unknown) => boolean, value: unknown): boolean => value === null || is(value)

const reasons: ReadonlySet<unknown> = new Set<PoolScaling["reason"]>([
  "asked for",
  "workers were busy",
  "a worker was not needed"
])

const isScaling = (value: unknown): value is PoolScaling => {
  if (!isObject(value)) return false
  const { maximum, minimum, reason, utilization }: Unchecked<PoolScaling> = value
  return [minimum, maximum, utilization].every(isNumber) && reasons.has(reason)
}

/** Below a number of workers: between what it changes by itself and why it is what it is; for people. */
export const scalingText = ({ maximum, minimum, reason, utilization }: PoolScaling): string =>
  `${minimum} to ${maximum}, ${Math.round(utilization * 100)} % busy, ${reason}`

const isWorkerStatus = (value: unknown): value is WorkerStatus => {
  if (!isObject(value)) return false
  const worker: Unchecked<WorkerStatus> = value
  return (
    isOrNull(isNumber, worker.pid) &&
    workerPhases.has(worker.phase) &&
    isOrNull(isNumber, worker.lastHeartbeat) &&
    [worker.workerNum, worker.age, worker.requests, worker.connections, worker.lag, worker.memory].every(isNumber)
  )
}

/** Whether something that was read is a status. */
export const isPoolStatus = (value: unknown): value is PoolStatus => {
  if (!isObject(value)) return false
  const pool: Unchecked<PoolStatus> = value
  return (
    [pool.pid, pool.age, pool.target].every(isNumber) &&
    poolPhases.has(pool.phase) &&
    (pool.scaling === undefined || isScaling(pool.scaling)) &&
    typeof pool.isReloading === "boolean" &&
    Array.isArray(pool.listeners) &&
    pool.listeners.every(isString) &&
    Array.isArray(pool.workers) &&
    pool.workers.every(isWorkerStatus)
  )
}
