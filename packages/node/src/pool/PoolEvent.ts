/**
 * What the pool of workers is told, and what it wants done. `RestartPlan` turns the one into the other; whoever
 * interprets it owns the processes, the timers and the signals.
 */

/** Names one process for as long as the supervisor lives; it is never given to another. */
export type WorkerId = number

/** The worker number that an application sees, from 1; the replacement of a worker has the number of its predecessor. */
export type Slot = number

/**
 * `boot`: the worker must be ready. `leave`: it must have drained. `kill`: it must have followed SIGTERM. `respawn`: the
 * slot gets its next worker. `successor`: the successor must be ready, or must have followed SIGTERM.
 */
export type Timer = `boot:${WorkerId}` | `leave:${WorkerId}` | `kill:${WorkerId}` | `respawn:${Slot}` | "successor"

/** Something that happened; `now` is in milliseconds, of a clock that is never set back. */
export type PoolEvent =
  | { readonly type: "start" }
  /** The worker serves. */
  | { readonly type: "ready"; readonly id: WorkerId; readonly now: number }
  /** The worker drains without having been asked to, as somebody has sent it a signal. */
  | { readonly type: "stopping"; readonly id: WorkerId }
  /** The worker has served as many requests as it should. */
  | { readonly type: "quota"; readonly id: WorkerId }
  /** How the worker is, as it has said; told where a limit or the number of workers depends on it. */
  | {
      readonly type: "report"
      readonly id: WorkerId
      /** Bytes. */
      readonly memory: number
      /** Milliseconds by which its event loop was late at most since the report before. */
      readonly lag: number
      /** The part of the time since then in which its event loop was busy, from 0 to 1. */
      readonly utilization: number
      readonly now: number
    }
  | {
      readonly type: "exited"
      readonly id: WorkerId
      readonly code: number | null
      readonly signal: string | null
      readonly now: number
    }
  /** The worker is ready, but has not been heard of for too long. */
  | { readonly type: "silent"; readonly id: WorkerId }
  | { readonly type: "elapsed"; readonly timer: Timer }
  | { readonly type: "reload" }
  | { readonly type: "add" }
  | { readonly type: "remove" }
  | { readonly type: "reopenLogs" }
  /** The first one drains, the second one forces; then the number is that of the signal which has asked for it. */
  | { readonly type: "stop"; readonly signalNumber?: number | undefined }
  | { readonly type: "hotRestart" }
  | { readonly type: "successorReady" }
  | { readonly type: "successorExited"; readonly code: number | null; readonly signal: string | null }

/** Something to do. Actions are to be done in their order, and each of them whether or not another one fails. */
export type PoolAction =
  | { readonly type: "spawn"; readonly id: WorkerId; readonly slot: Slot }
  /** Asks the worker to drain and to exit. */
  | { readonly type: "retire"; readonly id: WorkerId }
  | { readonly type: "kill"; readonly id: WorkerId; readonly signal: "SIGTERM" | "SIGKILL" }
  | { readonly type: "schedule"; readonly timer: Timer; readonly delay: number }
  | { readonly type: "cancel"; readonly timer: Timer }
  | { readonly type: "reopenLogs"; readonly id: WorkerId }
  | { readonly type: "startSuccessor" }
  | { readonly type: "killSuccessor"; readonly signal: "SIGTERM" | "SIGKILL" }
  /** For the first time there is a ready worker in every slot that has not failed. */
  | { readonly type: "serving" }
  /** A rolling replacement begins. */
  | { readonly type: "reloading" }
  /** It has ended, or was given up; there is none when the pool stops before. */
  | { readonly type: "reloaded" }
  | { readonly type: "log"; readonly level: "info" | "warning" | "error"; readonly message: string }
  /** No worker is left, and nothing follows. `keepsSockets`: a successor goes on with the listening sockets. */
  | { readonly type: "exit"; readonly code: number; readonly keepsSockets: boolean }

/** All times are in milliseconds. */
export interface PoolSettings {
  /** How many there are at first, and at least and at most while nobody asks for others: the same for a fixed number. */
  readonly workers: number
  readonly minimum: number
  readonly maximum: number
  /** Bytes beyond which a worker is replaced; infinite for no limit. */
  readonly maxMemory: number
  /** The same for the time by which its event loop is late. */
  readonly maxLag: number
  /** Whether another server goes on if this pool does not start up whole. */
  readonly isSuccessor: boolean
  /** Whether the pool stays when no worker can start, since somebody will reload it. */
  readonly awaitsReload?: boolean
  /** From the start of a worker until it is ready. */
  readonly bootTimeout: number
  /** From the moment when a worker leaves until it is killed: more than it takes itself to close what has not drained. */
  readonly leaveTimeout: number
  /** The same for a worker that has never been ready, and so has no requests. */
  readonly unreadyLeaveTimeout: number
  /** From SIGTERM to SIGKILL for a worker that was silent. */
  readonly killDelay: number
  /** From the start of a successor until all its workers are ready. */
  readonly successorTimeout: number
  /** From SIGTERM to SIGKILL for a successor that is given up: more than its workers may take, some of which may serve. */
  readonly successorKillDelay: number
}
