/**
 * Decides what a pool of workers does next: which process is started, asked to leave or killed, and when. It is pure, so
 * that every order of signals, deaths and deadlines can be tried without a process. What holds whatever happens:
 *
 * - Every slot that has not failed has a worker, or a timer after which it gets one; and so has every slot that has failed
 *   for a reason that may pass, once any worker has been ready.
 * - A worker is asked to leave only once another one serves, unless the pool stops.
 * - At most one worker is being replaced at a time.
 * - There are as many slots as the minimum says at least, and at most as many as the maximum.
 * - `exit` comes once, when every process has exited, and nothing after it.
 *
 * An event that does not fit the state changes nothing: processes and timers are not as quick as the pool.
 */
import { PoolStep } from "./PoolStep.ts"
import * as Commands from "./PoolCommands.ts"
import type { PoolAction, PoolEvent, Slot, Timer, WorkerId } from "./PoolEvent.ts"
import type { PoolState, SlotState } from "./PoolState.ts"
import * as Scaling from "./Scaling.ts"
import * as Successor from "./SuccessorEvents.ts"
import * as Workers from "./WorkerEvents.ts"
import * as WorkerLimits from "./WorkerLimits.ts"

export { initial } from "./PoolState.ts"

export interface Step {
  readonly state: PoolState
  readonly actions: ReadonlyArray<PoolAction>
}

export const step = (state: PoolState, event: PoolEvent): Step => {
  if (state.phase === "stopped") return { state, actions: [] }
  const pool = new PoolStep(state)
  if (isCommand(event)) command(pool, event)
  else happened(pool, event)
  if (pool.state.phase === "running") complete(pool)
  if (isAtEnd(pool.state)) exit(pool)
  return { state: pool.state, actions: pool.actions }
}

const commands = ["reload", "add", "remove", "hotRestart"] as const

/** What only a running pool can do. */
type Command = Extract<PoolEvent, { readonly type: (typeof commands)[number] }>

const isCommand = (event: PoolEvent): event is Command => commands.some((type) => type === event.type)

const command = (pool: PoolStep, { type }: Command): void => {
  const { phase } = pool.state
  if (phase !== "running")
    return pool.log("warning", `${refusals[type]} while the server ${phase === "new" ? "starts" : "stops"}`)
  switch (type) {
    case "reload":
      return Commands.reload(pool)
    case "add":
      return Commands.add(pool)
    case "remove":
      return Commands.remove(pool)
    case "hotRestart":
      return Successor.hotRestart(pool)
  }
}

const refusals: Readonly<Record<Command["type"], string>> = {
  reload: "workers are not reloaded",
  add: "no worker is added",
  remove: "no worker is removed",
  hotRestart: "no successor is started"
}

const happened = (pool: PoolStep, event: Exclude<PoolEvent, Command>): void => {
  switch (event.type) {
    case "start":
      return Commands.start(pool)
    case "stop":
      return Commands.stop(pool, event.signalNumber)
    case "reopenLogs":
      return Commands.reopenLogs(pool)
    case "ready":
      return Workers.ready(pool, event)
    case "stopping":
      return Workers.stopping(pool, event)
    case "quota":
      return Workers.quota(pool, event)
    case "report":
      return report(pool, event)
    case "silent":
      return Workers.silent(pool, event)
    case "exited":
      return Workers.exited(pool, event)
    case "elapsed":
      return elapsed(pool, event.timer)
    case "successorReady":
      return Successor.ready(pool)
    case "successorExited":
      return Successor.exited(pool, event)
  }
}

const report = (pool: PoolStep, event: Extract<PoolEvent, { readonly type: "report" }>): void => {
  if (pool.state.phase !== "running") return
  WorkerLimits.report(pool, event)
  Scaling.report(pool, event)
}

const elapsed = (pool: PoolStep, timer: Timer): void => {
  if (!pool.forgetTimer(timer)) return
  if (timer === "successor") return Successor.isLate(pool)
  if (timer.startsWith("respawn:")) return pool.setSlot(numberOf(timer), { failure: undefined })
  const worker = pool.worker(numberOf(timer))
  if (worker === undefined) return
  if (timer.startsWith("boot:")) Workers.bootIsLate(pool, worker)
  else if (timer.startsWith("leave:")) Workers.leavingIsLate(pool, worker)
  else pool.kill(worker)
}

/** That of a worker, or for `respawn` of a slot, which gets its worker as every empty one does. */
const numberOf = (timer: Timer): WorkerId | Slot => Number(timer.slice(timer.indexOf(":") + 1))

/** What a running pool still lacks after an event. */
const complete = (pool: PoolStep): void => {
  fillSlots(pool)
  replaceNext(pool)
  const { slots, hasServed, isReloading, stale, replacing } = pool.state
  const serves = ({ current }: SlotState): boolean => pool.worker(current)?.phase === "serving"
  if (!hasServed && slots.some(serves) && slots.every((slot) => serves(slot) || slot.failure !== undefined)) {
    pool.set({ hasServed: true })
    pool.act({ type: "serving" })
  }
  if (isReloading && ![replacing, ...stale].some((worker) => worker?.cause === "reload")) {
    pool.set({ isReloading: false })
    pool.act({ type: "reloaded" })
  }
}

const fillSlots = (pool: PoolStep): void => {
  for (const [index, { current, failure }] of pool.state.slots.entries()) {
    const number = index + 1
    if (current !== undefined || failure !== undefined || pool.state.timers.has(`respawn:${number}`)) continue
    pool.setSlot(number, { current: pool.spawn(number) })
  }
}

const replaceNext = (pool: PoolStep): void => {
  const next = pool.state.replacing ?? pool.state.stale.find(({ id }) => pool.worker(id)?.phase === "serving")
  const worker = pool.worker(next?.id)
  if (next === undefined || worker === undefined) return
  pool.set({ replacing: next, stale: pool.state.stale.filter((other) => other !== next) })
  const { slot } = worker
  if (pool.slot(slot).replacement !== undefined || pool.state.timers.has(`respawn:${slot}`)) return
  pool.setSlot(slot, { replacement: pool.spawn(slot) })
}

const isAtEnd = ({ phase, settings, workers, slots, successor, timers }: PoolState): boolean => {
  if (workers.size > 0) return false
  if (phase === "stopping") return successor !== "ending"
  if (phase !== "running" || successor !== "none" || settings.awaitsReload === true) return false
  return slots.every(({ failure }, index) => failure !== undefined && !timers.has(`respawn:${index + 1}`))
}

const exit = (pool: PoolStep): void => {
  const { phase, exitCode, successor } = pool.state
  if (phase === "running") pool.log("error", "no worker could start, and so the server stops")
  for (const timer of pool.state.timers) pool.cancel(timer)
  pool.set({ phase: "stopped" })
  pool.act({ type: "exit", code: exitCode, keepsSockets: successor === "ready" })
}
