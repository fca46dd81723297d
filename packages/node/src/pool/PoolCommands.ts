/** What the pool does when it is told to. */
import { ofSignal, stopped } from "./ExitCode.ts"
import type { PoolStep } from "./PoolStep.ts"
import { count } from "./PoolMessage.ts"
import { emptySlot, type SlotState, type WorkerState } from "./PoolState.ts"
import * as Successor from "./SuccessorEvents.ts"

export const start = (pool: PoolStep): void => {
  const { workers } = pool.state.settings
  if (pool.state.phase !== "new") return
  pool.log("info", `starting ${count(workers, "worker")}`)
  pool.set({ phase: "running", slots: Array.from({ length: workers }, () => emptySlot) })
}

/** All that is there becomes stale, also what is not ready yet: it may have loaded the application already. */
export const reload = (pool: PoolStep): void => {
  const { replacing, stale, isReloading, workers } = pool.state
  const ids = new Set(stale.map(({ id }) => id))
  for (const { id, phase } of workers.values()) if (phase === "booting" || phase === "serving") ids.add(id)
  if (replacing !== undefined) ids.delete(replacing.id)
  pool.set({
    isReloading: true,
    replacing: replacing && { ...replacing, cause: "reload" },
    stale: [...ids].map((id) => ({ id, cause: "reload" as const }))
  })
  pool.log("info", `reloading ${count(pool.state.slots.length, "worker")}, one after the other`)
  if (!isReloading) pool.act({ type: "reloading" })
  tryAgain(pool, () => true)
}

const tryAgain = (pool: PoolStep, applies: (slot: SlotState) => boolean): void => {
  for (const [index, slot] of pool.state.slots.entries()) {
    if (!applies(slot)) continue
    pool.setSlot(index + 1, { failure: undefined, quickDeaths: 0 })
    pool.cancel(`respawn:${index + 1}`)
  }
}

/** Both bounds move too, so that what somebody has asked for stays when there is less to do. */
export const add = (pool: PoolStep): void => {
  const { maximum, minimum, slots } = pool.state
  pool.set({ minimum: minimum + 1, maximum: maximum + 1, scaledFor: undefined })
  pool.log("info", `${count(slots.length + 1, "worker")} from now on${bounds(pool)}`)
  addSlot(pool)
  tryAgain(pool, ({ failure }) => failure !== undefined)
}

const bounds = ({ state: { maximum, minimum } }: PoolStep): string =>
  minimum === maximum ? "" : `, and from ${minimum} to ${maximum} of them`

export const addSlot = (pool: PoolStep): void => {
  const slots = [...pool.state.slots, emptySlot]
  pool.set({ slots })
  const surplus = pool.inPhase("surplus").find(({ slot }) => slot === slots.length)
  if (surplus !== undefined) {
    pool.setWorker({ ...surplus, phase: "serving" })
    pool.setSlot(slots.length, { current: surplus.id })
  }
}

export const remove = (pool: PoolStep): void => {
  const { maximum, minimum, slots } = pool.state
  const number = slots.length
  if (number === 1) return pool.log("warning", "there is only one worker, which is not removed")
  pool.set({ minimum: Math.max(1, minimum - 1), maximum: maximum - 1, scaledFor: undefined })
  pool.log("info", `${count(number - 1, "worker")} from now on${bounds(pool)}`)
  removeSlot(pool)
}

/** The last one; there are others. */
export const removeSlot = (pool: PoolStep): void => {
  const { slots } = pool.state
  const number = slots.length
  const { current, replacement } = pool.slot(number)
  pool.cancel(`respawn:${number}`)
  pool.set({ slots: slots.slice(0, -1) })
  for (const worker of [pool.worker(replacement), pool.worker(current)]) {
    if (worker === undefined) continue
    if (worker.phase === "serving" && !othersServe(pool, worker)) keepFor(pool, worker)
    else pool.retire(worker)
  }
}

const othersServe = (pool: PoolStep, { id }: WorkerState): boolean =>
  pool.inPhase("serving").some((other) => other.id !== id)

const keepFor = (pool: PoolStep, worker: WorkerState): void => {
  pool.log("info", `worker ${worker.slot} is the only one that serves, and stays until another one does`)
  pool.keepWithoutSlot(worker)
}

export const reopenLogs = (pool: PoolStep): void => {
  for (const id of pool.state.workers.keys()) pool.act({ type: "reopenLogs", id })
}

export const stop = (pool: PoolStep, signal?: number): void => {
  if (pool.state.phase === "stopping") return forceStop(pool, signal)
  for (const timer of pool.state.timers) if (timer.startsWith("respawn:")) pool.cancel(timer)
  pool.set({ phase: "stopping", slots: [], replacing: undefined, stale: [], isReloading: false, exitCode: stopped })
  if (pool.state.workers.size > 0) {
    pool.log("info", `stopping ${count(pool.state.workers.size, "worker")}, which may finish their requests`)
  }
  for (const worker of pool.state.workers.values()) if (worker.phase !== "leaving") pool.retire(worker)
  if (pool.state.successor !== "starting") return
  pool.log("warning", "the successor is not ready yet, and is stopped as well")
  Successor.end(pool)
}

/** The server that this pool should take the place of goes on, so that it had better not serve in part. */
export const giveUp = (pool: PoolStep): void => {
  const { exitCode } = pool.state
  stop(pool)
  pool.set({ exitCode })
}

/** The exit code is that of a process which the signal has ended; SIGTERM is the one of those who do not say. */
const forceStop = (pool: PoolStep, signal = 15): void => {
  pool.log("warning", `stopping at once, by killing ${count(pool.state.workers.size, "worker")}`)
  pool.set({ exitCode: ofSignal(signal) })
  for (const timer of pool.state.timers) pool.cancel(timer)
  for (const worker of pool.state.workers.values()) pool.kill(worker)
  if (pool.state.successor === "ending") Successor.kill(pool)
}
