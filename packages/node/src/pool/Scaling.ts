/**
 * How many workers there are, between a minimum and a maximum: as many as keep their event loops from being busy all the
 * time. All times are in milliseconds.
 *
 * | what workers report                                                | then                                         |
 * | ------------------------------------------------------------------ | -------------------------------------------- |
 * | all of them serve, and are busy for more than 3/4 of the time      | one more, or half as many again when that is |
 * |                                                                    | nearly all of the time, up to the maximum    |
 * | for a minute one fewer would have been busy for less than half of  | the last one leaves, down to the minimum     |
 * | the time                                                           |                                              |
 *
 * How busy a worker is, is a mean over the last two seconds or so, which begins with 0 when it is ready, or with that of the
 * worker that it replaces; one that has not reported for ten seconds is busy. The next ones come only when the last ones have served for two seconds, and so have
 * had their part of the load.
 */
import * as Commands from "./PoolCommands.ts"
import type { PoolEvent } from "./PoolEvent.ts"
import { count } from "./PoolMessage.ts"
import type { Load, SlotState, WorkerState } from "./PoolState.ts"
import type { PoolStep } from "./PoolStep.ts"

type Report = Extract<PoolEvent, { readonly type: "report" }>

/** The age at which what was reported counts for a third. */
const memory = 1500

const busy = 0.75
const nearlyAlways = 0.9
const idle = 0.5

/** A worker that has said nothing for so long is busy: with something that keeps it from reporting once a second. */
const silence = 10_000

/** How long the last worker serves before it is seen whether that was enough. */
const settling = 2000

/** A worker that was not needed for so long leaves. */
const patience = 60_000

/** A worker says how it is. */
export const report = (pool: PoolStep, event: Report): void => {
  const worker = pool.worker(event.id)
  const { maximum, minimum, successor } = pool.state
  if (worker?.phase !== "serving" || minimum === maximum) return
  pool.setWorker({ ...worker, load: loadAfter(worker, event) })
  const serving = servingOf(pool)
  const total = serving.reduce((sum, other) => sum + busyness(other, event.now), 0)
  noteNeed(pool, Math.ceil(total / idle), event.now)
  // Two servers share the load for now.
  if (successor !== "none") return
  const { length } = pool.state.slots
  const mean = total / length
  const haveSettled = pool.state.slots.every(({ joinedAt = event.now }) => event.now - joinedAt >= settling)
  if (serving.length === length && haveSettled && mean > busy && length < maximum) return grow(pool, mean)
  const neededAt = pool.slot(length).neededAt ?? event.now
  if (length > minimum && event.now - neededAt >= patience) shrink(pool)
}

/** How busy the workers are on average, from 0 to 1: those that serve. */
export const utilizationOf = (workers: Iterable<WorkerState>): number => {
  const loads = [...workers].flatMap(({ load, phase }) => (phase === "serving" ? [load?.mean ?? 0] : []))
  return loads.reduce((sum, mean) => sum + mean, 0) / Math.max(1, loads.length)
}

const loadAfter = ({ load, readyAt }: WorkerState, { now, utilization }: Report): Load => {
  const { at, mean } = load ?? { at: readyAt ?? now, mean: 0 }
  const part = 1 - Math.exp(-Math.max(0, now - at) / memory)
  return { at: now, mean: mean + part * (Math.min(1, utilization) - mean) }
}

/** One that says nothing has something to do that keeps it from that. */
const busyness = ({ load, readyAt }: WorkerState, now: number): number =>
  now - (load?.at ?? readyAt ?? now) > silence ? 1 : (load?.mean ?? 0)

const servingOf = (pool: PoolStep): ReadonlyArray<WorkerState> =>
  pool.state.slots.flatMap(({ current }) => {
    const worker = pool.worker(current)
    return worker?.phase === "serving" ? [worker] : []
  })

/**
 * So many workers are needed now: the first ones that serve, and whatever slots are between them. A slot that nobody has
 * said anything of yet begins with it.
 */
const noteNeed = (pool: PoolStep, need: number, now: number): void => {
  let counted = 0
  const slots = pool.state.slots.map((slot): SlotState => {
    const isNeeded = counted < need
    const worker = pool.worker(slot.current)
    const serves = worker?.phase === "serving"
    if (serves) counted++
    return {
      ...slot,
      ...(isNeeded || slot.neededAt === undefined ? { neededAt: now } : {}),
      ...(serves && slot.joinedAt === undefined ? { joinedAt: worker.readyAt ?? now } : {})
    }
  })
  pool.set({ slots })
}

const grow = (pool: PoolStep, mean: number): void => {
  const { maximum, slots } = pool.state
  const more = mean > nearlyAlways ? Math.max(1, Math.floor(slots.length / 2)) : 1
  const wanted = Math.min(maximum, slots.length + more)
  pool.log(
    "info",
    `the workers are busy for ${Math.round(mean * 100)} % of the time: ${count(wanted, "worker")} from now on`
  )
  for (let number = slots.length; number < wanted; number++) Commands.addSlot(pool)
  pool.set({ scaledFor: "busy" })
}

const shrink = (pool: PoolStep): void => {
  const { length } = pool.state.slots
  const wanted = count(length - 1, "worker")
  pool.log("info", `worker ${length} was not needed for ${patience / 1000} seconds: ${wanted} from now on`)
  Commands.removeSlot(pool)
  pool.set({ scaledFor: "idle" })
}
