/**
 * The state of the pool, which never changes: every event has a new one.
 *
 * A worker, whose process exists from the first state to the last:
 *
 *                     spawn
 *                       |
 *                       v      boot timeout,
 *                  +---------+ retired, stopping
 *                  | booting |------------------------+
 *                  +---------+                        |
 *                       | ready                       |
 *                       v      replaced, removed,     v
 *                  +---------+ stopping, silent  +---------+
 *          +-------| serving |------------------>| leaving |
 *          |       +---------+                   +---------+
 *          | removed   ^                           ^     |
 *          | while no  | added            another  |     | exited, as
 *          | other     |  again           serves,  |     | from any
 *          | serves    |                  stopping,|     | other state
 *          |       +---------+            silent   |     v
 *          +------>| surplus |---------------------+   (gone)
 *                  +---------+
 *
 * A slot, by the workers in it (one that leaves is in none):
 *
 * | current | replacement | respawn timer | the slot                                                               |
 * | ------- | ----------- | ------------- | ---------------------------------------------------------------------- |
 * | -       | -           | -             | has failed: its worker could not start up, and would not another time, |
 * |         |             |               | or would perhaps, but none of the pool has been ready yet              |
 * | -       | -           | runs          | waits, as its workers have died quickly, or could not start up and may |
 * |         |             |               | another time, or one was told to stop                                  |
 * | booting | -           | -             | gets its worker                                                        |
 * | serving | -           | -             | is in order, or waits for its turn to get another worker               |
 * | serving | booting     | -             | gets another worker                                                    |
 * | serving | -           | runs          | would get another worker, which has died quickly                       |
 *
 * The pool, which has slots once it runs:
 *
 *       start              stop                 no worker is left, nor a successor that is ending
 *   new -----> running --------------> stopping ------------------> stopped
 *    |            |                       ^                            ^
 *    +------------|-----------------------+                            |
 *      stop       +----------------------------------------------------+
 *                   no worker is left, every slot has failed, and no successor lives
 *
 * `WorkerLimits` has the states of a worker that is beyond a limit, and `Scaling` when there are more or fewer slots.
 *
 * The successor, of a hot restart; its timer runs while it is starting, and anew while it is ending, until it is killed:
 *
 *           hotRestart             successorReady
 *   +------+ -------> +----------+ -------------> +-------+
 *   | none |          | starting |                | ready |
 *   +------+          +----------+                +-------+
 *     ^  ^  ^   exited      |  | too late, or stop      |
 *     |  |  +---------------+  v                        |
 *     |  | exited          +--------+                   |
 *     |  +-----------------| ending |                   |
 *     |                    +--------+                   |
 *     +-------------------------------------------------+
 *                          exited
 */
import { stopped } from "./ExitCode.ts"
import type { StartFailure } from "./StartFailure.ts"
import type { PoolSettings, Slot, Timer, WorkerId } from "./PoolEvent.ts"

export type WorkerPhase = "booting" | "serving" | "surplus" | "leaving"

/** What a worker may be beyond for a time. */
export type Limit = "memory" | "delay"

/** How long a worker has been beyond a limit. */
export interface Above {
  readonly limit: Limit
  /** When it was reported first. */
  readonly at: number
  /** How often in a row. */
  readonly reports: number
  /** Whether it was said that it is left alone. */
  readonly isTold: boolean
}

/** How busy a worker was of late, from 0 to 1, and when that was. */
export interface Load {
  readonly mean: number
  readonly at: number
}

export interface WorkerState {
  readonly id: WorkerId
  readonly slot: Slot
  readonly phase: WorkerPhase
  /** In milliseconds of the clock of the events. */
  readonly readyAt: number | undefined
  readonly above?: Above | undefined
  /** Where the number of workers depends on it. */
  readonly load?: Load
}

export interface SlotState {
  readonly current: WorkerId | undefined
  readonly replacement: WorkerId | undefined
  /** Why its worker could not start up; the next one is started after a reload, or when the slot has waited. */
  readonly failure: StartFailure | undefined
  readonly quickDeaths: number
  /** How often in a row a replacement for a limit has not helped, counting the first, and when the last one was. */
  readonly relief?: { readonly count: number; readonly at: number }
  /** When it was busy enough for so many workers last. */
  readonly neededAt?: number
  /** When its first worker was ready, where the number of workers depends on how busy they are. */
  readonly joinedAt?: number
}

/** A worker that should be replaced. */
export interface Stale {
  readonly id: WorkerId
  readonly cause: "reload" | "quota" | Limit
}

export interface PoolState {
  readonly settings: PoolSettings
  readonly phase: "new" | "running" | "stopping" | "stopped"
  readonly nextId: WorkerId
  /** Every worker whose process has not exited yet. */
  readonly workers: ReadonlyMap<WorkerId, WorkerState>
  /** As many as there should be workers; the first one is slot 1. */
  readonly slots: ReadonlyArray<SlotState>
  /** Between these the number of slots follows what workers report. */
  readonly minimum: number
  readonly maximum: number
  /** Why there are as many as there are, if that has changed by itself: workers were busy, or one was not needed. */
  readonly scaledFor: "busy" | "idle" | undefined
  /** When a worker was replaced for a limit last. */
  readonly relievedAt: number | undefined
  /** The worker for which there is a replacement, or is one to come. */
  readonly replacing: Stale | undefined
  /** Those whose turn comes after it, also ones that are not ready yet. */
  readonly stale: ReadonlyArray<Stale>
  readonly isReloading: boolean
  /** Whether any worker has been ready: that a failure passes is only waited for then. */
  readonly hasBeenReady: boolean
  /** Whether every slot that has not failed has had a ready worker at the same time. */
  readonly hasServed: boolean
  readonly successor: "none" | "starting" | "ready" | "ending"
  readonly timers: ReadonlySet<Timer>
  /** With which the pool would stop now. */
  readonly exitCode: number
}

export const emptySlot: SlotState = { current: undefined, replacement: undefined, failure: undefined, quickDeaths: 0 }

export const initial = (settings: PoolSettings): PoolState => ({
  settings,
  phase: "new",
  nextId: 1,
  workers: new Map(),
  slots: [],
  minimum: settings.minimum,
  maximum: settings.maximum,
  scaledFor: undefined,
  relievedAt: undefined,
  replacing: undefined,
  stale: [],
  isReloading: false,
  hasBeenReady: false,
  hasServed: false,
  successor: "none",
  timers: new Set(),
  exitCode: stopped
})

/** Whether clients find somebody else when a worker leaves: others of the pool, or those of a successor. */
export const goesOn = ({ phase, successor }: PoolState): boolean => phase === "running" || successor === "ready"
