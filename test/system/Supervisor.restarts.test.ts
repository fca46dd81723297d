import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { isMeasurable, tell } from "./support/Memory.ts"
import { expectQuiet, familyOf, familyWith, type Pool, serve, startedBy, stop } from "./support/SupervisorPool.ts"
import { kill } from "./support/SupervisorProcesses.ts"
import { visit, type Visits } from "./support/SupervisorVisitors.ts"
import { hasWrk, wrk } from "./support/Wrk.ts"

/** How long each load lasts at least; more for who wants to see more rounds of each. */
const seconds = Number(process.env["SUPERVISOR_SECONDS"] ?? 8)

const connections = 16

/** Has wrk keep its connections busy, once and then again until it is told that this is enough; fails at any error. */
const load = (pool: Pool, isEnough: () => boolean) =>
  Effect.gen(function* () {
    let total = 0
    do {
      const { requests } = yield* wrk(pool.url("/"), connections, seconds)
      total += requests
    } while (!isEnough())
    return total
  })

/**
 * Does something to the server as often as there is time for, but at least so many times, while wrk keeps its connections
 * busy and clients of our own make a connection for each request. Not one request may be lost, nor a connection refused.
 */
const underLoad = (what: string, pool: Pool, times: number, round: (visits: Visits) => Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const visitors = yield* visit(pool.port)
    const begin = performance.now()
    let rounds = 0
    const loading = yield* Effect.forkChild(
      load(pool, () => rounds >= times),
      { startImmediately: true }
    )
    while (rounds < times || performance.now() - begin < seconds * 1000) {
      yield* round(visitors.visits)
      rounds++
    }
    const lasted = (performance.now() - begin) / 1000
    yield* Fiber.await(loading)
    const { count, failures, slowest } = yield* visitors.end
    yield* tell(
      `${what}: ${rounds} times in ${lasted.toFixed(1)} s; ${count} requests with a connection each, ` +
        `${failures.length} lost, the slowest took ${slowest.toFixed()} ms`
    )
    assert.deepStrictEqual(failures, [])
    yield* tell(`${what}: ${yield* Fiber.join(loading)} requests by wrk over ${connections} connections, no error`)
  }).pipe(Effect.scoped)

const sent = (pid: number, signal: NodeJS.Signals) => Effect.sync(() => kill(pid, signal))

/** Has all workers replaced. */
const reloaded = (pool: Pool) =>
  Effect.gen(function* () {
    const { parent, workers } = familyOf(pool)
    yield* sent(parent, "SIGHUP")
    yield* familyWith(
      pool,
      "all workers are replaced",
      (now) =>
        now.parent === parent &&
        now.workers.length === workers.length &&
        !now.workers.some((pid) => workers.includes(pid))
    )
  })

/** Stops the server, which must have had nothing to complain about. */
const finish = (pool: Pool) =>
  Effect.gen(function* () {
    yield* stop(pool)
    assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null }, pool.output())
    expectQuiet(pool)
  })

describe.skipIf(!isMeasurable || !hasWrk)(
  "a server with workers, under load, loses no request and refuses none",
  () => {
    it.live("while HUP has all workers replaced, again and again", () =>
      Effect.gen(function* () {
        const pool = yield* serve()
        yield* underLoad("HUP", pool, 3, () => reloaded(pool))
        yield* finish(pool)
      })
    )

    it.live("while USR2 has a new parent take over from the last, again and again", () =>
      Effect.gen(function* () {
        const pool = yield* serve()
        const round = Effect.gen(function* () {
          const { parent } = familyOf(pool)
          yield* sent(parent, "SIGUSR2")
          yield* familyWith(
            pool,
            "a successor has taken over",
            (now) => now.parent !== parent && now.workers.length === 2
          )
        })
        yield* underLoad("USR2", pool, 2, () => round)
        yield* finish(pool)
      })
    )

    it.live("while TTOU has a worker leave and TTIN another one join, again and again", () =>
      Effect.gen(function* () {
        const pool = yield* serve()
        const round = Effect.fnUntraced(function* (visits: Visits) {
          const { parent, workers } = familyOf(pool)
          yield* sent(parent, "SIGTTOU")
          yield* familyWith(pool, "a worker leaves", (now) => now.workers.length === 1)
          yield* sent(parent, "SIGTTIN")
          const more = yield* familyWith(pool, "a worker joins", (now) => now.workers.length === 2)
          const joined = more.workers.find((pid) => !workers.includes(pid))
          yield* visits.answerOf(joined ?? assert.fail())
          // Has wrk connect anew, so that the one which leaves next has some of its connections.
          yield* reloaded(pool)
        })
        yield* underLoad("TTOU, TTIN", pool, 2, round)
        yield* finish(pool)
      })
    )

    it.live("while every worker is replaced after about 500 requests", () =>
      Effect.gen(function* () {
        const pool = yield* serve({ flags: ["--max-requests=500", "--max-requests-jitter=100"] })
        const round = Effect.gen(function* () {
          const { workers } = familyOf(pool)
          yield* familyWith(
            pool,
            "all workers are replaced",
            (now) => !now.workers.some((pid) => workers.includes(pid))
          )
        })
        yield* underLoad("500 requests per worker", pool, 3, () => round)
        const started = startedBy(pool).length
        yield* tell(`500 requests per worker: ${started} workers`)
        assert.isAtLeast(started, 8)
        yield* finish(pool)
      })
    )
  }
)
