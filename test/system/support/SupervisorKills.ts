/** How soon a worker that was killed is back, and what that may be compared with. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Pool, serve, startedBy } from "./SupervisorPool.ts"
import { kill } from "./SupervisorProcesses.ts"
import type { Visits } from "./SupervisorVisitors.ts"
import { until } from "./Until.ts"

/** Kills a worker; yields which process follows it, and after how many milliseconds that has started and has answered. */
export const killWorker = (pool: Pool, visits: Visits, victim: number) =>
  Effect.gen(function* () {
    const known = startedBy(pool)
    const begin = performance.now()
    kill(victim, "SIGKILL")
    const killed = performance.now()
    // Not by looking at all processes, which takes more of the machine than the start of a worker.
    const successor = () => startedBy(pool).find((pid) => !known.includes(pid))
    yield* until(
      "another worker's application has started",
      Effect.sync(() => successor() !== undefined)
    )
    const started = performance.now() - begin
    const next = successor() ?? assert.fail()
    const back = (yield* visits.answerOf(next)) - begin
    return { next, killed, started, back }
  })

/** Milliseconds that a server with workers takes to start here and now. */
export const wholeStart = Effect.scoped(
  Effect.gen(function* () {
    const begin = performance.now()
    yield* serve()
    return performance.now() - begin
  })
)
