/** What the pool does about another server that shall take its place. */
import type { PoolStep } from "./PoolStep.ts"
import type { PoolEvent } from "./PoolEvent.ts"
import { howItEnded, seconds } from "./PoolMessage.ts"

const thisGoesOn = "this server goes on"

export const hotRestart = (pool: PoolStep): void => {
  const { successor, settings } = pool.state
  if (successor !== "none") return pool.log("warning", "there is a successor already, and so no other is started")
  pool.log("info", "starting a successor, which takes over when all its workers are ready")
  pool.set({ successor: "starting" })
  pool.act({ type: "startSuccessor" })
  pool.schedule("successor", settings.successorTimeout)
}

export const ready = (pool: PoolStep): void => {
  if (pool.state.successor !== "starting") return
  pool.cancel("successor")
  pool.set({ successor: "ready" })
  pool.log("info", "the successor is ready, and is about to stop this server")
}

/** It was not ready in time, or has not stopped in time. */
export const isLate = (pool: PoolStep): void => {
  const { successor } = pool.state
  const { successorKillDelay, successorTimeout } = pool.state.settings
  if (successor === "ending") {
    pool.log("warning", `the successor has not stopped within ${seconds(successorKillDelay)} and is killed`)
    return kill(pool)
  }
  pool.log("error", `the successor was not ready within ${seconds(successorTimeout)} and is stopped; ${thisGoesOn}`)
  end(pool)
}

/** It ends its workers itself, which nobody else knows. */
export const end = (pool: PoolStep): void => {
  pool.cancel("successor")
  pool.set({ successor: "ending" })
  pool.act({ type: "killSuccessor", signal: "SIGTERM" })
  pool.schedule("successor", pool.state.settings.successorKillDelay)
}

export const kill = (pool: PoolStep): void => pool.act({ type: "killSuccessor", signal: "SIGKILL" })

export const exited = (pool: PoolStep, event: Extract<PoolEvent, { readonly type: "successorExited" }>): void => {
  const { successor, phase } = pool.state
  pool.cancel("successor")
  pool.set({ successor: "none" })
  const message = `the successor ${howItEnded(event)}`
  if (successor === "starting") pool.log("error", `${message} before it was ready; ${thisGoesOn}`)
  if (successor !== "ready") return
  pool.log("error", `${message}; ${phase === "stopping" ? "this server stops as well" : thisGoesOn}`)
}
