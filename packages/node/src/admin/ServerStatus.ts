/** How a server is: what `/status` of the admin listener, `pagi-server status` and the dashboard show. */
import type { PoolStatus } from "./PoolStatus.ts"

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
} & (({ readonly mode: "single" | "embedded" } & ProcessStatus) | ({ readonly mode: "workers" } & PoolStatus))
