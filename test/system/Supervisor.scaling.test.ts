import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isMeasurable, tell } from "./support/Memory.ts"
import { fixture } from "./support/Programs.ts"
import { stopwatch } from "../support/Stopwatch.ts"
import { familiesOf, kill } from "./support/SupervisorProcesses.ts"
import { expectQuiet, familyOf, familyWith, type Pool, serve, stop } from "./support/SupervisorPool.ts"
import { ask } from "./support/SupervisorVisitors.ts"
import { until } from "./support/Until.ts"

/** Each request keeps an event loop for 10 ms. */
const application = fixture("occupied")

const seconds = (since: number): number => (performance.now() - since) / 1000

/** Begins so many requests a second, each over a connection of its own, for as long as the scope is open. */
const load = (port: number, rate: number, failures: Array<string>) =>
  Effect.gen(function* () {
    const since = performance.now()
    for (let begun = 0; ;) {
      for (; begun < seconds(since) * rate; begun++) {
        yield* Effect.forkDetach(
          Effect.catchCause(ask(port, "/"), (cause) => Effect.sync(() => failures.push(String(cause))))
        )
      }
      yield* Effect.sleep("5 millis")
    }
  })

/** As `familyWith`, for longer than usual, and also while two parents are there. */
const workersBecome = (pool: Pool, what: string, fits: (count: number) => boolean) =>
  until(
    what,
    // Less often than others look, beside a load that is measured: it goes through all processes of the machine.
    Effect.delay(
      Effect.sync(() => familiesOf(pool.mark).some(({ workers }) => fits(workers.length))),
      "90 millis"
    ),
    "100 seconds"
  ).pipe(Effect.tapCause(() => Effect.sync(() => console.error(pool.output()))))

describe.skipIf(!isMeasurable)("a server whose number of workers follows the load", () => {
  it.live(
    "has the three that it needs within ten seconds, has one a minute later, and loses nothing",
    () =>
      Effect.gen(function* () {
        const pool = yield* serve({ workers: 1, flags: ["--max-workers=4"], application })
        const failures: Array<string> = []
        const watch = stopwatch()
        let grownIn = 0
        let shrunkIn = 0
        yield* Effect.raceFirst(
          load(pool.port, 200, failures),
          Effect.gen(function* () {
            yield* workersBecome(pool, "three workers", (count) => count >= 3)
            grownIn = watch() / 1000
            yield* Effect.sleep("5 seconds")
          })
        )
        const since = performance.now()
        yield* Effect.raceFirst(
          load(pool.port, 5, failures),
          Effect.gen(function* () {
            yield* workersBecome(pool, "one worker", (count) => count === 1)
            shrunkIn = seconds(since)
          })
        )
        yield* stop(pool)
        yield* tell(`three workers in ${grownIn.toFixed(1)} s, one again in ${shrunkIn.toFixed(1)} s`)
        assert.deepStrictEqual(failures, [])
        assert.isAtMost(grownIn, 10)
        assert.isAtLeast(shrunkIn, 59)
        assert.isAtMost(shrunkIn, 75)
        expectQuiet(pool)
      }),
    { timeout: 180_000 }
  )
})

describe.skipIf(!isMeasurable)("a server whose workers are busy", () => {
  it.live(
    "keeps its number of workers over HUP, TTIN and hot restarts, and loses nothing",
    () =>
      Effect.gen(function* () {
        const pool = yield* serve({ workers: 1, flags: ["--max-workers=3"], application })
        const failures: Array<string> = []
        const told = (text: string) =>
          until(
            `in the log: ${text}`,
            Effect.sync(() => pool.output().includes(text))
          )
        yield* Effect.raceFirst(
          load(pool.port, 120, failures),
          Effect.gen(function* () {
            const first = familyOf(pool)
            // While it begins to have more of them.
            yield* told("2 workers from now on")
            kill(first.parent, "SIGHUP")
            yield* told("reloading 2 workers, one after the other")
            yield* workersBecome(pool, "two workers", (count) => count >= 2)
            kill(first.parent, "SIGTTIN")
            yield* told("and from 2 to 4 of them")
            yield* workersBecome(pool, "three workers", (count) => count >= 3)
            kill(first.parent, "SIGUSR2")
            yield* told("taking over from process")
            const second = yield* familyWith(pool, "the successor is alone", ({ parent }) => parent !== first.parent)
            assert.isAtLeast(second.workers.length, 3)
            kill(second.parent, "SIGTTOU")
            yield* told("and from 1 to 3 of them")
          })
        )
        yield* stop(pool)
        assert.deepStrictEqual(failures, [])
        expectQuiet(pool)
      }),
    { timeout: 180_000 }
  )
})
