/** Why workers are replaced by others, and why there are more or fewer of them. */
import type { PoolAction, PoolEvent, WorkerId } from "../pool/PoolEvent.ts"
import type { PoolState, Stale } from "../pool/PoolState.ts"

/** As the metric has it. */
export type RestartReason =
  | "reload"
  | "max_requests"
  | "memory"
  | "loop_delay"
  | "silent"
  | "boot_timeout"
  | "signal"
  | "killed"
  | "failed"

/** Why there is one more or one less, as the metric has it. */
export type ChangeReason = "scaled_up" | "scaled_down" | "added" | "removed"

const changes: ReadonlySet<string> = new Set<ChangeReason>(["scaled_up", "scaled_down", "added", "removed"])

/** Whether nobody takes the place of a worker that has ended for this reason. */
export const isChange = (reason: RestartReason | ChangeReason): reason is ChangeReason => changes.has(reason)

const reasons = {
  reload: "reload",
  quota: "max_requests",
  memory: "memory",
  delay: "loop_delay"
} as const satisfies Readonly<Record<Stale["cause"], RestartReason>>

/** A step of the pool. */
export interface Transition {
  readonly event: PoolEvent
  readonly before: PoolState
  readonly after: PoolState
  readonly actions: ReadonlyArray<PoolAction>
}

/** By how many workers there are to be more or fewer, and why. */
export interface Change {
  readonly reason: ChangeReason
  readonly count: number
}

/** Notes why, for as long as there is the process. */
export class RestartReasons {
  readonly #reasons = new Map<WorkerId, RestartReason | ChangeReason>()
  /** Of workers that are one more, until they serve. */
  readonly #starts = new Map<WorkerId, ChangeReason>()

  /** Something happens to the pool; answers what that means for the number of workers. */
  note(transition: Transition): Change | undefined {
    const { actions, before, event } = transition
    if (event.type === "silent" || event.type === "stopping") {
      this.#set(event.id, event.type === "silent" ? "silent" : "signal")
    }
    if (event.type === "elapsed" && event.timer.startsWith("boot:")) {
      this.#set(Number(event.timer.slice("boot:".length)), "boot_timeout")
    }
    const { replacing } = before
    for (const action of actions) {
      if (action.type !== "retire" || replacing?.id !== action.id) continue
      this.#set(action.id, reasons[replacing.cause])
    }
    const change = changeOf(transition)
    if (change !== undefined) this.#noteChange(transition, change.reason)
    return change
  }

  #noteChange({ actions, after, before }: Transition, reason: ChangeReason): void {
    for (const { id, phase, slot } of after.workers.values()) {
      if (slot > after.slots.length) this.#set(id, reason)
      // One that was to leave and has its place again.
      else if (slot > before.slots.length && phase === "serving") this.#reasons.delete(id)
    }
    for (const action of actions) {
      if (action.type === "spawn" && action.slot > before.slots.length) this.#starts.set(action.id, reason)
    }
  }

  /** The first reason is why it ends. */
  #set(id: WorkerId, reason: RestartReason | ChangeReason): void {
    if (!this.#reasons.has(id)) this.#reasons.set(id, reason)
  }

  /** A process is ready; nothing if it is not one more than there were. */
  takeStart(id: WorkerId): ChangeReason | undefined {
    const reason = this.#starts.get(id)
    this.#starts.delete(id)
    return reason
  }

  /** A process has ended, which in this state of the pool was still there; nothing if nobody wanted it to go on. */
  take(
    { id, signal }: Extract<PoolEvent, { readonly type: "exited" }>,
    state: PoolState
  ): RestartReason | ChangeReason | undefined {
    const reason = this.#reasons.get(id)
    this.#reasons.delete(id)
    this.#starts.delete(id)
    const worker = state.workers.get(id)
    if (state.phase !== "running" || worker === undefined) return undefined
    if (reason !== undefined && isChange(reason)) return reason
    if (worker.slot > state.slots.length) return undefined
    if (reason !== undefined) return reason
    // Whoever was asked to leave for no reason here has no place any more.
    if (worker.phase === "leaving" || worker.phase === "surplus") return undefined
    return signal === null ? "failed" : "killed"
  }
}

const changeOf = ({ after, before, event }: Transition): Change | undefined => {
  const count = after.slots.length - before.slots.length
  if (count === 0 || before.phase !== "running" || after.phase !== "running") return undefined
  const isAsked = event.type === "add" || event.type === "remove"
  if (count > 0) return { count, reason: isAsked ? "added" : "scaled_up" }
  return { count: -count, reason: isAsked ? "removed" : "scaled_down" }
}
