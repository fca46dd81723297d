import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as HealthCheck from "../../src/health/HealthCheck.ts"
import { CheckRegistry, HealthChecks } from "../../src/health/HealthChecks.ts"

class Database extends Context.Service<Database, { readonly problem: string | undefined }>()("test/Database") {}

/** Checks that no other test has. */
const withRegistry = <A, E, R>(use: (registry: CheckRegistry) => Effect.Effect<A, E, R>) => {
  const registry = new CheckRegistry()
  return Effect.provideService(use(registry), HealthChecks, registry)
}

describe("HealthCheck", () => {
  it.effect("knows no problems without checks", () =>
    withRegistry((registry) => Effect.map(registry.problems, (problems) => assert.deepStrictEqual(problems, {})))
  )

  it.effect("tells what is wrong, by the names of the checks, as long as their layer is in use", () =>
    withRegistry((registry) =>
      Effect.gen(function* () {
        const checks = HealthCheck.layer({
          database: Effect.flatMap(Database, ({ problem }) =>
            problem === undefined ? Effect.void : Effect.fail(new Error(`${problem}\nmore`))
          ),
          disk: Effect.succeed("enough"),
          queue: Effect.die("a defect"),
          text: Effect.fail("a text")
        })
        const use = Effect.andThen(registry.problems, Effect.succeed)
        const problems = yield* Effect.provide(
          use,
          Layer.provide(checks, Layer.succeed(Database, { problem: "no route to host" }))
        )
        assert.deepStrictEqual(problems, { database: "no route to host", queue: "a defect", text: "a text" })
        assert.deepStrictEqual(yield* registry.problems, {})
      })
    )
  )

  it.effect("runs once for all who ask within a second", () =>
    withRegistry((registry) =>
      Effect.gen(function* () {
        let runs = 0
        const check = Effect.andThen(
          Effect.sleep(500),
          Effect.sync(() => ++runs)
        )
        yield* HealthCheck.register({ slow: check })
        const first = yield* Effect.forkChild(registry.problems)
        const second = yield* Effect.forkChild(registry.problems)
        yield* TestClock.adjust(1)
        // Whoever has asked first may leave.
        yield* Fiber.interrupt(first)
        yield* TestClock.adjust(500)
        assert.deepStrictEqual(yield* Fiber.join(second), {})
        assert.strictEqual(runs, 1)
        yield* TestClock.adjust(998)
        yield* registry.problems
        assert.strictEqual(runs, 1)
        yield* TestClock.adjust(2)
        const third = yield* Effect.forkChild(registry.problems)
        yield* TestClock.adjust(1)
        yield* TestClock.adjust(500)
        yield* Fiber.join(third)
        assert.strictEqual(runs, 2)
      })
    )
  )

  it.effect("limits the time of a check, also of one that cannot be interrupted, and does not begin that anew", () =>
    withRegistry((registry) =>
      Effect.gen(function* () {
        let runs = 0
        const stubborn = Effect.uninterruptible(
          Effect.andThen(
            Effect.sync(() => ++runs),
            Effect.sleep("1 minute")
          )
        )
        yield* HealthCheck.register({ stubborn }, { timeLimit: "2 seconds" })
        yield* HealthCheck.register({ endless: Effect.never })
        const ask = Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(registry.problems)
          yield* TestClock.adjust("2 seconds")
          return yield* Fiber.join(fiber)
        })
        const endless = "no answer within 1s"
        assert.deepStrictEqual(yield* ask, { stubborn: "no answer within 2s", endless })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* ask, { stubborn: "no answer within 2s, and still none", endless })
        assert.strictEqual(runs, 1)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* ask, { stubborn: "no answer within 2s", endless })
        assert.strictEqual(runs, 2)
      })
    )
  )

  it.effect("asks again after a second though the clock of the machine was set back", () =>
    withRegistry((registry) =>
      Effect.gen(function* () {
        let isWell = false
        yield* TestClock.setTime(7_200_000)
        yield* HealthCheck.register({ database: Effect.suspend(() => (isWell ? Effect.void : Effect.fail("down"))) })
        assert.deepStrictEqual(yield* registry.problems, { database: "down" })
        isWell = true
        yield* TestClock.setTime(3_600_000)
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* registry.problems, {})
      })
    )
  )

  it.effect("says in a line of text what is wrong, whatever a check has failed with", () =>
    withRegistry((registry) =>
      Effect.gen(function* () {
        class NoRoute extends Data.TaggedError("NoRoute") {}
        yield* HealthCheck.register({
          silent: Effect.fail(new NoRoute()),
          value: Effect.fail({ _tag: "Down", since: 5 }),
          bare: Effect.fail(Object.create(null)),
          nothing: Effect.fail(""),
          terminal: Effect.fail(new Error("\u001b[2Jred\rline"))
        })
        assert.deepStrictEqual(yield* registry.problems, {
          silent: "NoRoute",
          value: '{"_tag":"Down","since":5}',
          bare: "{}",
          nothing: "it has failed",
          terminal: "[2Jred line"
        })
      })
    )
  )

  it.effect("counts checks whose names objects have by themselves", () =>
    withRegistry((registry) =>
      Effect.gen(function* () {
        yield* HealthCheck.register({ ["__proto__"]: Effect.fail("one"), constructor: Effect.fail("two") })
        assert.deepStrictEqual(Object.entries(yield* registry.problems), [
          ["__proto__", "one"],
          ["constructor", "two"]
        ])
      })
    )
  )

  it.effect("counts all checks of one name", () =>
    withRegistry((registry) =>
      Effect.gen(function* () {
        yield* HealthCheck.register({ store: Effect.fail("first") })
        yield* HealthCheck.register({ store: Effect.void })
        yield* HealthCheck.register({ store: Effect.fail("third") })
        assert.deepStrictEqual(yield* registry.problems, { store: "first; third" })
      })
    )
  )
})
