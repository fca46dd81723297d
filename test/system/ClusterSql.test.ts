import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { join } from "node:path"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { type Asked, askFor, failuresOf, Lives, quickCounters, serve, slowestOf } from "./support/ClusterCounters.ts"
import { isMeasurable, tell } from "./support/Memory.ts"
import { hasPostgreSql, postgreSql } from "./support/PostgreSql.ts"
import { fixture } from "./support/Programs.ts"
import { familyOf, stop } from "./support/SupervisorPool.ts"
import { until } from "./support/Until.ts"

/** Milliseconds: the time after which locks of a machine end that is gone, and some to notice that. */
const patience = 20_000

const application = fixture("clusterSql")

const all = (port: number, how: "add" | "surely", ids: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Asked>> =>
  Effect.forEach(ids, (id) => askFor(port, `/${how}/${id}`), { concurrency: "unbounded" })

describe.skipIf(!isMeasurable || !hasPostgreSql)("entities of a cluster with PostgreSQL", () => {
  it.live("live in two servers, and in the other one when one of them is killed", () =>
    Effect.gen(function* () {
      const environment = {
        DATABASE_URL: yield* postgreSql,
        CLUSTER_LOG: join(yield* temporaryFolder, "lives")
      }
      const one = yield* serve(2, environment, application)
      const other = yield* serve(2, environment, application)
      const lives = new Lives(environment.CLUSTER_LOG)
      const processes = [...familyOf(one.pool).workers, ...familyOf(other.pool).workers]
      yield* until(
        "the counters live in all processes",
        Effect.gen(function* () {
          const asked = yield* all(one.pool.port, "add", quickCounters)
          assert.deepStrictEqual(failuresOf(asked), [])
          return new Set(asked.map(({ pid }) => pid)).size === processes.length
        })
      )
      const victims = familyOf(other.pool)
      const orphans = [...lives.now()].flatMap(([id, owner]) =>
        victims.workers.map(String).includes(owner) ? [id] : []
      )
      assert.isNotEmpty(orphans)
      // These are under way when their processes end; whoever has asked must get an answer all the same.
      const begun = yield* Effect.forkChild(all(one.pool.port, "surely", orphans), { startImmediately: true })
      yield* until(
        "a process that is to end handles one",
        Effect.sync(() => {
          lives.now()
          return victims.workers.some((pid) => lives.handling.has(String(pid)))
        })
      )
      for (const pid of [victims.parent, ...victims.workers]) lives.kill(pid)
      const answers = yield* all(one.pool.port, "add", orphans)
      assert.deepStrictEqual(failuresOf(answers), [])
      assert.deepStrictEqual(failuresOf(yield* Fiber.join(begun)), [])
      for (const { pid } of answers) assert.include(familyOf(one.pool).workers, pid)
      yield* tell(
        `cluster with PostgreSQL, kill -9 of a server: all of its ${orphans.length} entities live again after ` +
          `${slowestOf(answers).toFixed()} ms`
      )
      assert.isBelow(slowestOf(answers), patience)
      yield* stop(one.pool)
      assert.strictEqual(lives.now().size, 0)
    }).pipe(Effect.scoped)
  )
})
