import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync } from "node:fs"
import {
  askFor,
  type CounterPool,
  counters,
  failuresOf,
  keepCounting,
  serve,
  slowestOf
} from "./support/ClusterCounters.ts"
import { isMeasurable, tell } from "./support/Memory.ts"
import { serveFile } from "./support/Programs.ts"
import { expectQuiet, familyOf, familyWith, gone, type Pool, startedBy, stop } from "./support/SupervisorPool.ts"
import { kill } from "./support/SupervisorProcesses.ts"
import { until } from "./support/Until.ts"

/** Milliseconds in which others have to have taken over. */
const patience = 2000

/** Waits until every counter lives in one of the workers that there are, and in more than one of these. */
const spread = ({ lives, pool }: CounterPool, workers = 2) =>
  until(
    "all counters live in the workers",
    Effect.sync(() => {
      const now = lives.now()
      const family = new Set(familyOf(pool).workers.map(String))
      const owners = new Set(now.values())
      return now.size === counters.length && owners.size >= workers && [...owners].every((pid) => family.has(pid))
    })
  )

/** Waits until the system has nothing of a process any more: by then its connections are closed. */
const hasGone = (pid: number) =>
  until(
    `process ${pid} is gone`,
    Effect.sync(() => !existsSync(`/proc/${pid}`))
  )

/** Waits until there are so many workers without one that was killed. */
const isReplaced = (pool: Pool, victim: number, count: number) =>
  familyWith(pool, "the worker is replaced", ({ workers }) => workers.length === count && !workers.includes(victim))

describe.skipIf(!isMeasurable)("entities of a cluster in the workers of a server", () => {
  it.live("are taken over within two seconds when a worker is killed, and no other loses a request", () =>
    Effect.gen(function* () {
      const served = yield* serve(3)
      const { lives, pool } = served
      const endCounting = yield* keepCounting(pool.port)
      yield* spread(served, 3)
      const [victim = assert.fail()] = familyOf(pool).workers
      const orphans = [...lives.now()].flatMap(([id, owner]) => (owner === String(victim) ? [id] : []))
      assert.isNotEmpty(orphans)
      lives.kill(victim)
      const [answers, goneAt] = yield* Effect.all(
        [
          Effect.forEach(orphans, (id) => askFor(pool.port, `/add/${id}`), { concurrency: "unbounded" }),
          Effect.map(hasGone(victim), () => performance.now())
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(failuresOf(answers), [])
      const took = slowestOf(answers)
      yield* isReplaced(pool, victim, 3)
      yield* spread(served, 3)
      const asked = yield* endCounting
      // Those that the worker itself was to answer.
      for (const { begun, failure } of failuresOf(asked)) assert.isBelow(begun, goneAt, failure)
      yield* tell(
        `cluster, kill -9: all of its ${orphans.length} entities live again after ${took.toFixed()} ms; ` +
          `${asked.length} requests, the slowest took ${slowestOf(asked).toFixed()} ms`
      )
      assert.isBelow(took, patience)
      yield* stop(pool)
    }).pipe(Effect.scoped)
  )

  it.live("move to others while HUP has all workers replaced, without losing a request", () =>
    Effect.gen(function* () {
      const served = yield* serve()
      const { lives, pool } = served
      const endCounting = yield* keepCounting(pool.port)
      yield* spread(served)
      const before = familyOf(pool)
      kill(before.parent, "SIGHUP")
      yield* familyWith(
        pool,
        "all workers are replaced",
        ({ workers }) => workers.length === 2 && !workers.some((pid) => before.workers.includes(pid))
      )
      yield* spread(served)
      const asked = yield* endCounting
      assert.deepStrictEqual(failuresOf(asked), [])
      yield* tell(`cluster, HUP: ${asked.length} requests, the slowest took ${slowestOf(asked).toFixed()} ms`)
      yield* stop(pool)
      expectQuiet(pool)
      assert.strictEqual(lives.now().size, 0, "all of them have ended")
    }).pipe(Effect.scoped)
  )

  it.live("move to the workers of a successor at USR2, and of that one's, without losing a request", () =>
    Effect.gen(function* () {
      const served = yield* serve()
      const { lives, pool } = served
      const endCounting = yield* keepCounting(pool.port)
      for (let round = 0; round < 2; round++) {
        yield* spread(served)
        const before = familyOf(pool)
        kill(before.parent, "SIGUSR2")
        yield* familyWith(
          pool,
          "a successor has taken over",
          ({ parent, workers }) => parent !== before.parent && workers.length === 2
        )
      }
      yield* spread(served)
      const asked = yield* endCounting
      assert.deepStrictEqual(failuresOf(asked), [])
      yield* tell(`cluster, USR2 twice: ${asked.length} requests, the slowest took ${slowestOf(asked).toFixed()} ms`)
      yield* stop(pool)
      expectQuiet(pool)
      assert.strictEqual(lives.now().size, 0, "all of them have ended")
    }).pipe(Effect.scoped)
  )

  it.live("move to a worker that joins, and away from one that leaves", () =>
    Effect.gen(function* () {
      const served = yield* serve()
      const { pool } = served
      const endCounting = yield* keepCounting(pool.port)
      yield* spread(served)
      const { parent } = familyOf(pool)
      kill(parent, "SIGTTIN")
      yield* familyWith(pool, "a worker joins", ({ workers }) => workers.length === 3)
      yield* spread(served, 3)
      kill(parent, "SIGTTOU")
      yield* familyWith(pool, "a worker leaves", ({ workers }) => workers.length === 2)
      yield* spread(served)
      const asked = yield* endCounting
      assert.deepStrictEqual(failuresOf(asked), [])
      yield* tell(`cluster, scaling: ${asked.length} requests, the slowest took ${slowestOf(asked).toFixed()} ms`)
      yield* stop(pool)
      expectQuiet(pool)
    }).pipe(Effect.scoped)
  )

  it.live("end at once when the supervisor is killed, which alone knows whose they are", () =>
    Effect.gen(function* () {
      const served = yield* serve()
      const { lives, pool } = served
      const endCounting = yield* keepCounting(pool.port)
      yield* spread(served)
      const killed = performance.now()
      lives.kill(pool.pid)
      yield* until(
        "no counter lives",
        Effect.sync(() => lives.now().size === 0)
      )
      yield* tell(
        `cluster, kill -9 of the supervisor: no entity lives after ${(performance.now() - killed).toFixed()} ms`
      )
      assert.isBelow(performance.now() - killed, patience)
      yield* endCounting
      yield* gone(pool)
    }).pipe(Effect.scoped)
  )

  it.live("live in the only process of a server without workers, by the same program", () =>
    Effect.gen(function* () {
      const { lives, pool } = yield* serve(0)
      const endCounting = yield* keepCounting(pool.port)
      yield* until(
        "all counters live",
        Effect.sync(() => lives.now().size === counters.length)
      )
      assert.deepStrictEqual(failuresOf(yield* endCounting), [])
      assert.strictEqual(lives.owners, 1)
      kill(pool.pid, "SIGTERM")
      yield* gone(pool)
      expectQuiet(pool)
      assert.strictEqual(lives.now().size, 0)
    }).pipe(Effect.scoped)
  )

  it.live("are one for each name, as the example shows", () =>
    Effect.gen(function* () {
      const { url } = yield* serveFile("examples/16-cluster/app.ts", ["--workers=2"])
      const headers = { connection: "close" }
      const add = (name: string) =>
        Effect.promise(async () => (await fetch(url(`/counters/${name}`), { method: "POST", headers })).json())
      const counts = Array.from({ length: 30 }, (_, index) => index + 1)
      let round = 0
      // While workers still take their shares a counter may begin anew. Were there one in each worker, thirty requests over
      // connections of their own would not be counted in order.
      yield* until(
        "a counter counts",
        Effect.gen(function* () {
          const name = `apples-${++round}`
          const counted = yield* Effect.forEach(counts, () => add(name))
          return counted.every((count, index) => count === counts[index])
        })
      )
      assert.isBelow(round, 20)
    }).pipe(Effect.scoped)
  )

  it.live("leave nothing behind", () =>
    Effect.gen(function* () {
      const { folder, lives, pool } = yield* serve()
      const folders = () => readdirSync(folder).filter((name) => name.startsWith("pagi-pool-"))
      assert.strictEqual(folders().length, 1)
      const [victim = assert.fail()] = familyOf(pool).workers
      lives.kill(victim)
      yield* isReplaced(pool, victim, 2)
      yield* until(
        "the other worker has started",
        Effect.sync(() => startedBy(pool).length === 3)
      )
      yield* stop(pool)
      assert.deepStrictEqual(folders(), [])
    }).pipe(Effect.scoped)
  )
})
