/**
 * Replaces workers that use too much memory, or whose event loops are late too often, one after the other. All times are
 * in milliseconds.
 *
 *              a report beyond the limit          beyond it in 3 reports and 2 seconds, and due
 *   within it ---------------------------> above ---------------------------------------------> replaced
 *       ^                                    | |
 *       +------------------------------------+ +--> left alone until its slot is due again, which is told once
 *            a report within the limit
 *
 * A slot is due at once for the first time, and a minute after its worker was replaced; after two, four and so on up to
 * 64 minutes where that has not helped: where its next worker was beyond the limit as soon as it was due. One that has
 * been within it for as long again has helped.
 */
import type { PoolEvent, WorkerId } from "./PoolEvent.ts"
import { seconds } from "./PoolMessage.ts"
import type { Limit, WorkerState } from "./PoolState.ts"
import type { PoolStep } from "./PoolStep.ts"

type Report = Extract<PoolEvent, { readonly type: "report" }>

/** A worker is beyond its limit when it was in so many reports in a row, for so long. */
const reports = 3
const duration = 2000

/** Between two workers of a pool that are replaced for a limit, so that one can be seen to help. */
const poolPause = 10_000

const shortestPause = 60_000
const mostDoublings = 6

/** From a replacement of the worker in a slot to the next one, after so many that have not helped. */
export const pauseAfter = (count: number): number => shortestPause * 2 ** Math.min(count - 1, mostDoublings)

/** A worker says how it is. */
export const report = (pool: PoolStep, event: Report): void => {
  const worker = pool.worker(event.id)
  if (worker?.phase !== "serving") return
  const limit = limitOf(pool, event)
  if (limit === undefined) return isWithin(pool, worker)
  const since = worker.above?.limit === limit ? worker.above : { limit, at: event.now, reports: 0, isTold: false }
  const above = { ...since, reports: since.reports + 1 }
  pool.setWorker({ ...worker, above })
  if (above.reports < reports || event.now - above.at < duration || isOutdated(pool, worker.id)) return
  const { relief } = pool.slot(worker.slot)
  const due = relief === undefined ? event.now : relief.at + pauseAfter(relief.count)
  if (event.now < due) return leaveAlone(pool, { ...worker, above }, event, due)
  const { relievedAt } = pool.state
  if (relievedAt !== undefined && event.now < relievedAt + poolPause) return
  // As long again as it had to wait, and beyond the limit only then.
  const hasHelped = relief === undefined || event.now >= due + pauseAfter(relief.count)
  pool.setSlot(worker.slot, { relief: { count: hasHelped ? 1 : relief.count + 1, at: event.now } })
  pool.set({ relievedAt: event.now, stale: [...pool.state.stale, { id: worker.id, cause: limit }] })
  pool.log("warning", `${problemOf(worker, limit, event)}, and is replaced`)
}

const limitOf = ({ state: { settings } }: PoolStep, { lag, memory }: Report): Limit | undefined => {
  if (memory > settings.maxMemory) return "memory"
  return lag > settings.maxLag ? "delay" : undefined
}

const isOutdated = ({ state: { replacing, stale } }: PoolStep, id: WorkerId): boolean =>
  replacing?.id === id || stale.some((other) => other.id === id)

/** It is not replaced any more, if its turn has not come yet. */
const isWithin = (pool: PoolStep, worker: WorkerState): void => {
  if (worker.above === undefined) return
  pool.setWorker({ ...worker, above: undefined })
  const { stale } = pool.state
  pool.set({ stale: stale.filter(({ cause, id }) => id !== worker.id || cause === "reload" || cause === "quota") })
}

const leaveAlone = (pool: PoolStep, worker: WorkerState, event: Report, due: number): void => {
  const { above } = worker
  if (above === undefined || above.isTold) return
  pool.setWorker({ ...worker, above: { ...above, isTold: true } })
  const wait = seconds(Math.ceil((due - event.now) / 1000) * 1000)
  pool.log(
    "warning",
    `${problemOf(worker, above.limit, event)}; the one before it was replaced for that, and so it is left alone for ${wait}`
  )
}

const problemOf = ({ slot }: WorkerState, limit: Limit, { lag, memory }: Report): string =>
  limit === "memory"
    ? `worker ${slot} uses ${Math.ceil(memory / 2 ** 20)} MiB of memory, more than maxWorkerMemory`
    : `the event loop of worker ${slot} is late by ${Math.ceil(lag)} ms, more than maxLoopDelay`
