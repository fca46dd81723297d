/** Where the admin listener gets what it tells, and whom it tells what an administrator wants. */
import type * as Effect from "effect/Effect"
import type { MetricRegistry } from "effect/Metric"
import type { HistoryMark } from "./HistoryPoint.ts"
import type { Stretch } from "./Reading.ts"
import type { RecentRequests } from "./RecentRequests.ts"
import type { ServerStatus } from "./ServerStatus.ts"

/** What `/status` answers. */
export type AdminStatus = ServerStatus & {
  /**
   * How commands can be given over the connection that has asked: by everybody who has it (`open`, of a Unix socket), with
   * the token (`token`), or not at all.
   */
  readonly commands: "open" | "token" | "none"
}

/** Whether a server wants work. */
export interface ReadinessReport {
  readonly isReady: boolean
  /** What is not well, by the names of the application's checks, `server` for the server itself; empty when all is. */
  readonly problems: Readonly<Record<string, string>>
}

/** What an administrator can do; only a server with workers can do anything of it. */
export interface AdminCommands {
  /** Replaces the workers one by one. */
  readonly reload: Effect.Effect<void>
  readonly addWorker: Effect.Effect<void>
  readonly removeWorker: Effect.Effect<void>
}

/** A server as the admin listener sees it: one process, a program that embeds one, or a pool of workers. */
export interface AdminSource {
  readonly status: Effect.Effect<ServerStatus>
  /** The metrics of all processes together. */
  readonly metrics: Effect.Effect<MetricRegistry>
  /**
   * What each process has counted by a time that is over, of the clock of readings: waits for a moment for processes that
   * have still to tell it. One that has ended is told until all of it lies before the time.
   */
  readonly readings: (time: number) => Effect.Effect<ReadonlyMap<string, Stretch>>
  /** Runs the application's checks, each within its time limit. */
  readonly readiness: Effect.Effect<ReadinessReport>
  readonly recent: Effect.Effect<RecentRequests>
  /** What has happened to workers since this was run last. */
  readonly takeMarks: Effect.Effect<ReadonlyArray<HistoryMark>>
  readonly commands: AdminCommands | undefined
}
