/** The memory of a process that has much to do when it starts, and may have next to nothing for as long as it runs. */
import * as Effect from "effect/Effect"
import { performance } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/**
 * Gives back what only the start has needed: a few MiB that are garbage, and of those that serve some fifteen that V8
 * keeps for more to come. It takes up to 50 ms. Node has no function for it; a collection can only be had by a flag, which
 * is looked at when a context is made.
 */
export const release = (): void => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  if (typeof collect === "function") collect({ type: "major", execution: "sync", flavor: "last-resort" })
  setFlagsFromString("--no-expose-gc")
}

/** Milliseconds for which nothing has to be going on, so that the next request is not likely to wait. */
const idleTime = 200

/** The part of that time that the event loop may be busy all the same. */
const idleUtilization = 0.1

/** The same at the first time that the process is idle; one that never is has a use for its memory. */
export const releaseWhenIdle: Effect.Effect<void> = Effect.gen(function* () {
  let before = performance.eventLoopUtilization()
  while (true) {
    yield* Effect.sleep(idleTime)
    const { utilization } = performance.eventLoopUtilization(before)
    if (utilization < idleUtilization) return release()
    before = performance.eventLoopUtilization()
  }
})
