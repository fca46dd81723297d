import type { PoolAction, PoolEvent, PoolSettings } from "../../../src/pool/PoolEvent.ts"
import { initial, step } from "../../../src/pool/RestartPlan.ts"
import { settings } from "./settings.ts"

const text = (action: PoolAction): string => {
  switch (action.type) {
    case "spawn":
      return `spawn ${action.id} in ${action.slot}`
    case "retire":
    case "reopenLogs":
      return `${action.type} ${action.id}`
    case "kill":
      return `${action.signal} ${action.id}`
    case "killSuccessor":
      return `${action.signal} successor`
    case "schedule":
      return `${action.timer} in ${action.delay}`
    case "cancel":
      return `no ${action.timer}`
    case "exit":
      return `exit ${action.code}${action.keepsSockets ? ", successor has the sockets" : ""}`
    default:
      return action.type
  }
}

/** Sends events to a pool; each answer is what the pool wants done, and the log lines are kept apart. */
export class ToldPool {
  #state
  readonly lines: Array<string> = []
  now = 0

  constructor(workers: number, isSuccessor = false, others: Partial<PoolSettings> = {}) {
    this.#state = initial({ ...settings, workers, minimum: workers, maximum: workers, isSuccessor, ...others })
  }

  send(event: PoolEvent): Array<string> {
    const { state, actions } = step(this.#state, event)
    this.#state = state
    for (const action of actions) if (action.type === "log") this.lines.push(`${action.level}: ${action.message}`)
    return actions.filter(({ type }) => type !== "log").map(text)
  }

  ready(id: number): Array<string> {
    return this.send({ type: "ready", id, now: this.now })
  }

  /** The worker exits by itself with a code, or through a signal. */
  exited(id: number, how: number | string): Array<string> {
    const [code, signal] = typeof how === "number" ? [how, null] : [null, how]
    return this.send({ type: "exited", id, code, signal, now: this.now })
  }

  /** The worker says how it is, now. */
  report(
    id: number,
    how: { readonly memory?: number; readonly lag?: number; readonly utilization?: number }
  ): Array<string> {
    return this.send({ type: "report", id, now: this.now, memory: 0, lag: 0, utilization: 0, ...how })
  }

  elapsed(timer: Extract<PoolEvent, { type: "elapsed" }>["timer"]): Array<string> {
    return this.send({ type: "elapsed", timer })
  }

  get lastLine(): string | undefined {
    return this.lines.at(-1)
  }
}

/** A pool in which workers 1 to n serve. */
export const serving = (workers: number, others: Partial<PoolSettings> = {}): ToldPool => {
  const pool = new ToldPool(workers, false, others)
  pool.send({ type: "start" })
  for (let id = 1; id <= workers; id++) pool.ready(id)
  pool.lines.length = 0
  return pool
}
