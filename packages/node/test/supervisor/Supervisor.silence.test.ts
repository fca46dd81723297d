import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { after, makePool, makeServing, numbers, pass, passSeconds, phases } from "./support/FakePool.ts"

describe("a worker's silence", () => {
  it.effect("is not minded before it is ready, but it must be ready in time", () =>
    Effect.gen(function* () {
      const { processes } = yield* makePool({ heartbeatTimeout: 5000, bootTimeout: 20_000 })
      const worker = processes.worker(1)
      yield* pass("19 seconds")
      assert.deepStrictEqual(worker.signals, [])
      yield* pass("1 seconds")
      assert.deepStrictEqual(worker.signals, ["SIGKILL"])
    })
  )

  it.effect("has it ended by SIGTERM, and SIGKILL a second later, and replaced at once", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing({ heartbeatTimeout: 5000 })
      const [silent, other] = fake.processes.workers
      if (silent === undefined || other === undefined) throw new Error("there are two workers")
      silent.isObedient = false
      yield* passSeconds(4, () => other.status())
      assert.deepStrictEqual(silent.signals, [])
      yield* pass("1 seconds")
      assert.deepStrictEqual(silent.signals, ["SIGTERM"])
      assert.deepStrictEqual(numbers(fake), [1, 2, 1])
      yield* pass("999 millis")
      assert.deepStrictEqual(silent.signals, ["SIGTERM"])
      yield* pass("1 millis")
      assert.deepStrictEqual(silent.signals, ["SIGTERM", "SIGKILL"])
      assert.deepStrictEqual(other.signals, [])
    })
  )

  it.effect("is broken by whatever it says", () =>
    Effect.gen(function* () {
      const { processes } = yield* makeServing({ heartbeatTimeout: 2000 })
      yield* passSeconds(30, () => processes.workers.forEach((worker) => worker.status()))
      assert.lengthOf(processes.all, 2)
    })
  )

  it.effect("is no matter without a time limit", () =>
    Effect.gen(function* () {
      const { processes } = yield* makeServing({ heartbeatTimeout: 0 })
      yield* pass("100000 seconds")
      assert.lengthOf(processes.all, 2)
    })
  )

  /** A clock that can be put on without anybody being woken, as when the whole process is stopped. */
  const withPauses = <A, E, R>(use: (pause: (milliseconds: number) => void) => Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let paused = 0
      const late: Clock.Clock = {
        ...clock,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + BigInt(paused) * 1_000_000n
      }
      const pause = (milliseconds: number): void => {
        paused += milliseconds
      }
      return yield* Effect.provideService(use(pause), Clock.Clock, late)
    })

  it.effect("starts anew when the supervisor itself was stopped", () =>
    withPauses((pause) =>
      Effect.gen(function* () {
        const { processes } = yield* makeServing({ heartbeatTimeout: 5000 })
        pause(60_000)
        yield* pass("5 seconds")
        assert.lengthOf(processes.all, 2)
        yield* pass("4 seconds")
        assert.lengthOf(processes.all, 2)
        yield* pass("1 seconds")
        assert.lengthOf(processes.all, 4)
      })
    )
  )

  it.effect("leaves a worker time to be ready when the supervisor itself was stopped", () =>
    withPauses((pause) =>
      Effect.gen(function* () {
        const fake = yield* makePool({ bootTimeout: 5000 })
        pause(60_000)
        yield* pass("5 seconds")
        yield* after(() => fake.processes.workers.forEach((worker) => worker.ready()))
        yield* pass("1 seconds")
        assert.deepStrictEqual(phases(fake), ["1 serving", "2 serving"])
      })
    )
  )
})
