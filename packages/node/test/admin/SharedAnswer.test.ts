import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Pace, SharedAnswer } from "../../src/admin/SharedAnswer.ts"

/** Something that takes 10 ms of the clock, and counts. */
const make = () => {
  const state = { made: 0 }
  const answer = Effect.andThen(
    TestClock.adjust(10),
    Effect.sync(() => ++state.made)
  )
  return { answer, state }
}

describe("a shared answer", () => {
  it.effect("is made at once for the first, and once for all who ask while the time for others is", () =>
    Effect.gen(function* () {
      const { answer, state } = make()
      const shared = new SharedAnswer(new Pace(), answer)
      assert.strictEqual(yield* shared.get, 1)
      const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.forkChild(shared.get))
      yield* TestClock.adjust(39)
      assert.strictEqual(state.made, 1)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(new Set(yield* Effect.forEach(fibers, Fiber.join)), new Set([2]))
      yield* TestClock.adjust(40)
      assert.strictEqual(yield* shared.get, 3)
    })
  )

  it.effect("takes turns with others", () =>
    Effect.gen(function* () {
      const [pace, one, two] = [new Pace(), make(), make()]
      yield* new SharedAnswer(pace, one.answer).get
      const second = yield* Effect.forkChild(new SharedAnswer(pace, two.answer).get)
      yield* TestClock.adjust(39)
      assert.strictEqual(two.state.made, 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(second), 1)
    })
  )

  it.effect("comes also when the first who asked has left, and is as new as the question", () =>
    Effect.gen(function* () {
      const { answer } = make()
      const shared = new SharedAnswer(new Pace(), answer)
      yield* shared.get
      const [first, second] = [yield* Effect.forkChild(shared.get), yield* Effect.forkChild(shared.get)]
      yield* TestClock.adjust(1)
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust(39)
      assert.strictEqual(yield* Fiber.join(second), 2)
    })
  )

  it.effect("rests for a second at most, should the process have stood still", () =>
    Effect.gen(function* () {
      const shared = new SharedAnswer(new Pace(), TestClock.adjust("1 hour"))
      yield* shared.get
      const fiber = yield* Effect.forkChild(shared.get)
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
    })
  )
})
