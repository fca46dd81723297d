import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isMeasurable, tell } from "./support/Memory.ts"
import { fixture, pagiServer } from "./support/Programs.ts"
import { familyOf, type Pool, running, start, startedBy, stop } from "./support/SupervisorPool.ts"
import { ask } from "./support/SupervisorVisitors.ts"
import { until } from "./support/Until.ts"

const application = fixture("heavy")

interface Heavy {
  readonly workers: number
  readonly flags: ReadonlyArray<string>
  /** MiB that the application has from its start. */
  readonly fromStart?: number
  /** Milliseconds for which `/late` blocks. */
  readonly late?: number
}

const serve = ({ flags, fromStart = 0, late = 0, workers }: Heavy) =>
  Effect.gen(function* () {
    const given = [`--workers=${workers}`, "--port=0", "--access-log=off", ...flags, application]
    const environment = { HEAVY_FROM_START: String(fromStart), HEAVY_LATE: String(late) }
    return yield* running(yield* start(pagiServer, given, environment), workers)
  })

/** Asks for a path again and again by so many clients for as long as the scope is open; yields what has failed so far. */
const asking = (pool: Pool, path: string, clients: number, pause: number) =>
  Effect.gen(function* () {
    const failures: Array<string> = []
    const answers = new Map<string, number>()
    const once = Effect.match(ask(pool.port, path), {
      onSuccess: (pid) => void answers.set(pid, (answers.get(pid) ?? 0) + 1),
      onFailure: ({ message }) => void failures.push(message)
    })
    const client = Effect.forever(Effect.andThen(Effect.uninterruptible(once), Effect.sleep(pause)))
    yield* Effect.forkScoped(
      Effect.all(
        Array.from({ length: clients }, () => client),
        { concurrency: clients }
      )
    )
    return { answers, failures }
  })

const countOf = ({ output }: Pool, text: string): number => output().split(text).length - 1

/** Warnings and errors, without what is before their level. */
const complaints = ({ output }: Pool): ReadonlyArray<string> =>
  Array.from(output().matchAll(/\b(?:warning|error): .*$/gm), ([line]) => line)

/** Waits until the log has a text so many times. */
const logged = (pool: Pool, text: string, times: number) =>
  until(
    `${times} times in the log: ${text}`,
    Effect.sync(() => countOf(pool, text) >= times)
  )

/** What happened to workers, in its order: one is to be replaced, or has begun to serve. */
const story = ({ output }: Pool): string =>
  Array.from(
    output().matchAll(/and is (replaced)|worker \d+ is (ready)/g),
    ([, replaced, ready]) => replaced ?? ready
  ).join(" ")

describe.skipIf(!isMeasurable)("a worker beyond a limit", () => {
  it.live("of memory is replaced, one at a time, and no request is lost", () =>
    Effect.gen(function* () {
      const pool = yield* serve({ workers: 2, flags: ["--max-worker-memory=200MiB"] })
      const before = familyOf(pool).workers
      const begin = performance.now()
      const leak = yield* asking(pool, "/leak", 2, 20)
      const slow = yield* asking(pool, "/slow", 8, 5)
      // Both of them, the second one ten seconds after the first one at the earliest.
      yield* logged(pool, "more than maxWorkerMemory, and is replaced", 2)
      yield* logged(pool, "is ready", 4)
      yield* until(
        "the old workers have left",
        Effect.sync(() => !familyOf(pool).workers.some((pid) => before.includes(pid)))
      )
      const duration = (performance.now() - begin) / 1000
      const count = [...leak.answers.values(), ...slow.answers.values()].reduce((sum, each) => sum + each, 0)
      const lost = [...leak.failures, ...slow.failures]
      yield* tell(
        `two workers that leak are replaced within ${duration.toFixed(1)} s; lost ${lost.length} of ${count} requests`
      )
      assert.deepStrictEqual(lost, [])
      assert.match(story(pool), /^ready ready replaced ready replaced ready/)
      assert.isAtLeast(slow.answers.size, 3)
      for (const line of complaints(pool))
        assert.match(line, /^warning: worker [12] uses \d+ MiB of memory, more than maxWorkerMemory/)
      yield* stop(pool)
    })
  )

  it.live("of memory from its start on is replaced once, is left alone then, which is told, and serves", () =>
    Effect.gen(function* () {
      const pool = yield* serve({ workers: 2, flags: ["--max-worker-memory=150MiB"], fromStart: 200 })
      const { failures } = yield* asking(pool, "/", 4, 20)
      // The first ones of both, and the second ones after the same three reports.
      yield* logged(pool, "and is replaced", 2)
      yield* logged(pool, "; the one before it was replaced for that, and so it is left alone for", 2)
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(failures, [])
      assert.lengthOf(startedBy(pool), 4)
      assert.lengthOf(complaints(pool), 4)
      for (const line of complaints(pool)) assert.match(line, /^warning: worker [12] uses \d+ MiB of memory/)
      yield* stop(pool)
    })
  )

  it.live("of lateness is replaced when it is late again and again, and answers what it has begun", () =>
    Effect.gen(function* () {
      const pool = yield* serve({ workers: 1, flags: ["--max-loop-delay=200ms"], late: 400 })
      const [first] = familyOf(pool).workers
      // Once is not enough.
      yield* ask(pool.port, "/late")
      const slow = yield* asking(pool, "/slow", 4, 5)
      yield* Effect.sleep("4 seconds")
      assert.strictEqual(countOf(pool, "and is replaced"), 0)
      const late = yield* Effect.scoped(
        Effect.gen(function* () {
          const { failures } = yield* asking(pool, "/late", 2, 5)
          yield* logged(pool, "more than maxLoopDelay, and is replaced", 1)
          return failures
        })
      )
      yield* until(
        "another worker serves",
        Effect.sync(() => {
          const { workers } = familyOf(pool)
          return workers.length === 1 && workers[0] !== first
        })
      )
      assert.deepStrictEqual([...late, ...slow.failures], [])
      assert.lengthOf(startedBy(pool), 2)
      assert.match(
        complaints(pool).join("\n"),
        /^warning: the event loop of worker 1 is late by \d+ ms, more than maxLoopDelay, and is replaced$/
      )
      yield* stop(pool)
    })
  )
})
