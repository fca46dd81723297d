/** Why workers are replaced by others. */
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

const reasons = {
  reload: "reload",
  quota: "max_requests",
  memory: "memory",
  delay: "loop_delay"
} as const satisfies Readonly<Record<Stale["cause"], RestartReason>>

/** Notes why, for as long as there is the process. */
export class RestartReasons {
  readonly #reasons = new Map<WorkerId, RestartReason>()

  /** Something happens to the pool in this state, which has these actions done. */
  note(event: PoolEvent, { replacing }: PoolState, actions: ReadonlyArray<PoolAction>): void {
    if (event.type === "silent" || event.type === "stopping") {
      this.#set(event.id, event.type === "silent" ? "silent" : "signal")
    }
    if (event.type === "elapsed" && event.timer.startsWith("boot:")) {
      this.#set(Number(event.timer.slice("boot:".length)), "boot_timeout")
    }
    for (const action of actions) {
      if (action.type !== "retire" || replacing?.id !== action.id) continue
      this.#set(action.id, reasons[replacing.cause])
    }
  }

  /** The first reason is why it ends. */
  #set(id: WorkerId, reason: RestartReason): void {
    if (!this.#reasons.has(id)) this.#reasons.set(id, reason)
  }

  /** A process has ended, which in this state of the pool was still there; nothing if nobody takes its place. */
  take({ id, signal }: Extract<PoolEvent, { readonly type: "exited" }>, state: PoolState): RestartReason | undefined {
    const reason = this.#reasons.get(id)
    this.#reasons.delete(id)
    const worker = state.workers.get(id)
    if (state.phase !== "running" || worker === undefined || worker.slot > state.slots.length) return undefined
    if (reason !== undefined) return reason
    // Whoever was asked to leave for no reason here has no place any more.
    if (worker.phase === "leaving" || worker.phase === "surplus") return undefined
    return signal === null ? "failed" : "killed"
  }
}
