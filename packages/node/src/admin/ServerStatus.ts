/** How a server is: what `/status` of the admin listener, `pagi-server status` and the dashboard show. */
import { isNumber, isObject, isString } from "effect/Predicate"
import { isPoolStatus, type PoolStatus } from "./PoolStatus.ts"

/** The state of a server in one process. */
export interface ProcessStatus {
  readonly pid: number
  readonly phase: "starting" | "serving" | "stopping"
  /** Milliseconds since it was started. */
  readonly age: number
  /** Where it listens, as URLs. */
  readonly listeners: ReadonlyArray<string>
  /** Exchanges that the application was started for. */
  readonly requests: number
  readonly connections: number
  /** Milliseconds by which the event loop was late at most in the last second. */
  readonly lag: number
  /** Bytes of memory. */
  readonly memory: number
}

/** The state of a server, whichever way it runs. */
export type ServerStatus = {
  /** Of `@pagi/node`. */
  readonly version: string
  /** Of Node, such as `24.21.0`. */
  readonly node: string
  /** Options that differ from their defaults, as text. */
  readonly options: Readonly<Record<string, string>>
  /** Where its admin listener answers, as a URL; absent without one. */
  readonly adminUrl?: string
} & (({ readonly mode: "single" | "embedded" } & ProcessStatus) | ({ readonly mode: "workers" } & PoolStatus))

const phases: ReadonlySet<unknown> = new Set<ProcessStatus["phase"]>(["starting", "serving", "stopping"])

const isProcessStatus = (value: object): value is ProcessStatus => {
  const process: { readonly [Name in keyof ProcessStatus]?: unknown } = value
  return (
    phases.has(process.phase) &&
    Array.isArray(process.listeners) &&
    process.listeners.every(isString) &&
    [process.pid, process.age, process.requests, process.connections, process.lag, process.memory].every(isNumber)
  )
}

const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => isString(entry[1])))
    : {}

/** The status that was read; nothing when it is none. Servers of earlier versions tell less. */
export const asServerStatus = (value: unknown): ServerStatus | undefined => {
  if (!isObject(value)) return undefined
  const { adminUrl, mode, node, options, version }: Readonly<Record<string, unknown>> = { ...value }
  if (adminUrl !== undefined && !isString(adminUrl)) return undefined
  const common = {
    version: isString(version) ? version : "unknown",
    node: isString(node) ? node : "unknown",
    options: textsOf(options)
  }
  if (mode === "single" || mode === "embedded") {
    return isProcessStatus(value) ? { ...value, ...common, mode } : undefined
  }
  return isPoolStatus(value) ? { ...value, ...common, mode: "workers" } : undefined
}
