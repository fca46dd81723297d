/** What the pool does when something happens to a worker. */
import * as Backoff from "./Backoff.ts"
import type { PoolStep } from "./PoolStep.ts"
import * as Commands from "./PoolCommands.ts"
import { incompleteDrain, stopped } from "./ExitCode.ts"
import type { PoolEvent } from "./PoolEvent.ts"
import { howItEnded, inTime, seconds } from "./PoolMessage.ts"
import type { Stale, WorkerState } from "./PoolState.ts"
import * as StartFailure from "./StartFailure.ts"

type Event<Type extends PoolEvent["type"]> = Extract<PoolEvent, { readonly type: Type }>

export const ready = (pool: PoolStep, { id, now }: Event<"ready">): void => {
  const worker = pool.worker(id)
  if (worker?.phase === "leaving") return servedAfterAll(pool, { ...worker, readyAt: worker.readyAt ?? now })
  if (worker?.phase !== "booting") return
  pool.cancel(`boot:${id}`)
  const serving: WorkerState = { ...worker, phase: "serving", readyAt: now }
  pool.setWorker(serving)
  pool.log("info", `worker ${worker.slot} is ready`)
  if (!pool.state.hasBeenReady) waitForFailures(pool)
  if (pool.slot(worker.slot).replacement === id) takeOver(pool, serving, now)
  for (const surplus of pool.inPhase("surplus")) pool.retire(surplus)
}

/** There is somebody who serves, so that there is time for what may pass. */
const waitForFailures = (pool: PoolStep): void => {
  pool.set({ hasBeenReady: true })
  for (const [index, { failure, quickDeaths }] of pool.state.slots.entries()) {
    if (failure?.mayPass !== true) continue
    const deaths = Math.max(quickDeaths, 1) + 1
    pool.setSlot(index + 1, { quickDeaths: deaths })
    pool.schedule(`respawn:${index + 1}`, Backoff.delay(deaths))
  }
}

/** It was ready before it was asked to leave, and may have requests, for which it gets the time. */
const servedAfterAll = (pool: PoolStep, worker: WorkerState): void => {
  const timer = `leave:${worker.id}` as const
  if (!pool.state.timers.has(timer)) return
  pool.setWorker(worker)
  pool.cancel(timer)
  pool.schedule(timer, pool.timeToLeave(worker))
}

const takeOver = (pool: PoolStep, worker: WorkerState, now: number): void => {
  const { id, slot } = worker
  const { current, quickDeaths } = pool.slot(slot)
  const predecessor = pool.worker(current)
  // It has the same to do.
  if (predecessor?.load !== undefined) pool.setWorker({ ...worker, load: { ...predecessor.load, at: now } })
  const inOrder = Backoff.isSettled(predecessor?.readyAt, now)
  pool.setSlot(slot, { current: id, replacement: undefined, quickDeaths: inOrder ? 0 : quickDeaths })
  if (predecessor !== undefined) pool.retire(predecessor)
}

/** A worker drains that was not asked to. */
export const stopping = (pool: PoolStep, { id }: Event<"stopping">): void => {
  const worker = pool.worker(id)
  if (worker === undefined || worker.phase === "leaving") return
  pool.log("info", `worker ${worker.slot} has been told to stop`)
  pool.leave(worker)
  if (worker.phase === "surplus") return
  const { slot } = worker
  const { current, quickDeaths } = pool.slot(slot)
  const wasBooting = worker.phase === "booting"
  // Its replacement starts already.
  if (!wasBooting && current !== undefined) return
  if (wasBooting) pool.setSlot(slot, { quickDeaths: quickDeaths + 1 })
  pool.cancel(`respawn:${slot}`)
  const delay = wasBooting ? Backoff.delay(quickDeaths + 1) : 0
  pool.schedule(`respawn:${slot}`, Math.max(Backoff.afterStop, delay))
}

export const silent = (pool: PoolStep, { id }: Event<"silent">): void => {
  const worker = pool.worker(id)
  if (worker?.phase !== "serving" && worker?.phase !== "surplus") return
  pool.log("error", `worker ${worker.slot} does not answer any more, and is ended${instead(worker)}`)
  pool.giveUp(worker)
  pool.act({ type: "kill", id, signal: "SIGTERM" })
  pool.schedule(`kill:${id}`, pool.state.settings.killDelay)
  pool.cancel(`respawn:${worker.slot}`)
}

const instead = ({ phase }: WorkerState): string => (phase === "surplus" ? "" : "; another one takes its place")

export const quota = (pool: PoolStep, { id }: Event<"quota">): void => {
  const worker = pool.worker(id)
  const { replacing, stale } = pool.state
  if (worker?.phase !== "serving" || replacing?.id === id || stale.some((other) => other.id === id)) return
  pool.log("info", `worker ${worker.slot} has served as many requests as it should, and is replaced`)
  pool.set({ stale: [...stale, { id, cause: "quota" }] })
}

export const exited = (pool: PoolStep, event: Event<"exited">): void => {
  const worker = pool.worker(event.id)
  if (worker === undefined) return
  const { replacing } = pool.state
  const isReplacement = pool.slot(worker.slot).replacement === worker.id
  const isOutdated = pool.state.stale.some((other) => other.id === worker.id)
  pool.forget(worker)
  if (worker.phase === "leaving") return left(pool, worker, event)
  if (worker.phase === "surplus") return pool.log("warning", `worker ${worker.slot} ${howItEnded(event)}`)
  if (worker.phase === "serving") return diedServing(pool, worker, event)
  const failure = StartFailure.ofExitCode(event.code)
  if (failure === undefined) return diedBooting(pool, worker, event)
  const message = `worker ${worker.slot} could not start (exit code ${failure.code})`
  if (isOutdated) return pool.log("warning", `${message}; it is started again, as there was a reload since`)
  if (isReplacement && replacing !== undefined) return replacementFailed(pool, replacing, message)
  // The server that this pool is to follow goes on.
  const othersGoOn = pool.state.settings.isSuccessor && !pool.state.hasServed
  if (failure.mayPass && pool.state.hasBeenReady && !othersGoOn) return again(pool, worker, message, failure)
  const until = failure.mayPass ? "another one is ready, or a reload" : "a reload"
  pool.log("error", `${message}, and is not started again before ${until}`)
  pool.setSlot(worker.slot, { failure })
  pool.set({ exitCode: failure.code })
  if (othersGoOn) Commands.giveUp(pool)
}

const left = (pool: PoolStep, { slot }: WorkerState, event: Event<"exited">): void => {
  if (event.code === incompleteDrain) {
    pool.log("warning", `worker ${slot} had to close connections that were not done in time`)
    drainedIncompletely(pool)
  } else if (event.code !== stopped && event.signal !== "SIGTERM" && event.signal !== "SIGKILL") {
    pool.log("warning", `worker ${slot} ${howItEnded(event)} while it stopped`)
  }
}

const drainedIncompletely = (pool: PoolStep): void => {
  const { phase, exitCode } = pool.state
  if (phase === "stopping" && exitCode === stopped) pool.set({ exitCode: incompleteDrain })
}

const diedBooting = (pool: PoolStep, worker: WorkerState, event: Event<"exited">): void =>
  again(pool, worker, `worker ${worker.slot} ${howItEnded(event)} before it was ready`)

const diedServing = (pool: PoolStep, worker: WorkerState, event: Event<"exited">): void => {
  const message = `worker ${worker.slot} ${howItEnded(event)}`
  if (pool.slot(worker.slot).current !== undefined)
    return pool.log("error", `${message}; its replacement starts already`)
  if (!Backoff.isSettled(worker.readyAt, event.now)) return again(pool, worker, message)
  pool.setSlot(worker.slot, { quickDeaths: 0 })
  pool.cancel(`respawn:${worker.slot}`)
  pool.log("error", `${message}; it is started again at once`)
}

/** A worker has died quickly, which another one has already done if the slot waits; or it could not start. */
const again = (pool: PoolStep, { slot }: WorkerState, message: string, failure?: StartFailure.StartFailure): void => {
  const quickDeaths = pool.slot(slot).quickDeaths + 1
  const delay = Backoff.delay(quickDeaths)
  pool.setSlot(slot, { quickDeaths, failure: delay > 0 ? failure : undefined })
  if (pool.state.timers.has(`respawn:${slot}`)) return pool.log("error", `${message}; it is started again before long`)
  pool.log("error", `${message}; it is started again ${inTime(delay)}`)
  if (delay > 0) pool.schedule(`respawn:${slot}`, delay)
}

const replacementFailed = (pool: PoolStep, { cause }: Stale, failure: string): void => {
  pool.set({ replacing: undefined })
  if (cause !== "reload") return pool.log("error", `${failure}; the one that it should have replaced goes on`)
  pool.set({ stale: pool.state.stale.filter((other) => other.cause !== "reload") })
  pool.log("error", `${failure}; the reload is given up, and the workers that serve go on`)
}

// time limits -----------------------------------------------------------------------------------------------------------

export const bootIsLate = (pool: PoolStep, worker: WorkerState): void => {
  const { bootTimeout } = pool.state.settings
  pool.giveUp(worker)
  pool.kill(worker)
  again(pool, worker, `worker ${worker.slot} was not ready within ${seconds(bootTimeout)} and is killed`)
}

export const leavingIsLate = (pool: PoolStep, worker: WorkerState): void => {
  pool.log("warning", `worker ${worker.slot} has not stopped within ${seconds(pool.timeToLeave(worker))} and is killed`)
  if (worker.readyAt !== undefined) drainedIncompletely(pool)
  pool.kill(worker)
}
