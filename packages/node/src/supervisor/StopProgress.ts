/** Says what a pool that stops still waits for, while that takes long, and when it has ended. */
import * as Effect from "effect/Effect"
import type { WorkerStatus } from "../admin/PoolStatus.ts"
import { count, durationOf } from "../process/Amounts.ts"
import { makeNow } from "../process/MonotonicClock.ts"

/** How often it says that it still waits, in milliseconds. */
const reminderInterval = 5000

type Worker = Pick<WorkerStatus, "workerNum" | "connections">

/** The workers that are left, and the connections that they have told of last. */
const describe = (workers: ReadonlyArray<Worker>): string => {
  const connections = workers.reduce((sum, worker) => sum + worker.connections, 0)
  const each = workers.map((worker) => `worker ${worker.workerNum}: ${worker.connections}`)
  return `${count(workers.length, "worker")} with ${count(connections, "connection")} (${each.join(", ")})`
}

/** Goes on until it is interrupted. */
export const tell = (workers: () => ReadonlyArray<Worker>): Effect.Effect<never> =>
  Effect.gen(function* () {
    const now = yield* makeNow
    const startedAt = now()
    while (true) {
      yield* Effect.sleep(reminderInterval)
      const left = workers()
      const passed = now() - startedAt
      if (left.length > 0) yield* Effect.logInfo(`still waiting for ${describe(left)} after ${durationOf(passed)}`)
    }
  })

/** Says that nothing is left of a pool that has begun to stop at this time of `makeNow`. */
export const tellEnd = (startedAt: number): Effect.Effect<void> =>
  Effect.flatMap(makeNow, (now) => Effect.logInfo(`all workers have ended, after ${durationOf(now() - startedAt)}`))

/** Says what is cut off when the pool is to stop at once. */
export const tellCutOff = (workers: ReadonlyArray<Worker>): Effect.Effect<void> => {
  const busy = workers.filter(({ connections }) => connections > 0)
  return busy.length === 0 ? Effect.void : Effect.logWarning(`cut off: ${describe(busy)}`)
}
