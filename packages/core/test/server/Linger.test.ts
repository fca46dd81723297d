import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { Deadline, make } from "../../src/server/Deadlines.ts"
import { Linger, lingerBytes } from "../../src/server/Linger.ts"

const begin = (maxBodySize = 10_000_000) =>
  Effect.map(make, (deadlines) => {
    const state = { hasExpired: false }
    const deadline = new Deadline(deadlines, {
      onDeadline: () => {
        state.hasExpired = true
      }
    })
    return { linger: new Linger(deadlines, deadline, maxBodySize), state }
  })

describe("Linger", () => {
  it.effect("ends after 5 s of silence", () =>
    Effect.gen(function* () {
      const { linger, state } = yield* begin()
      yield* TestClock.adjust("4 seconds")
      assert.isTrue(linger.receive(1))
      yield* TestClock.adjust("4900 millis")
      assert.isFalse(state.hasExpired)
      yield* TestClock.adjust("300 millis")
      assert.isTrue(state.hasExpired)
    })
  )

  it.effect("ends after 30 s, however much comes", () =>
    Effect.gen(function* () {
      const { linger, state } = yield* begin()
      for (let second = 1; second < 30; second++) {
        yield* TestClock.adjust("1 second")
        assert.isTrue(linger.receive(1_000_000), `after ${second} s`)
      }
      assert.isFalse(state.hasExpired)
      yield* TestClock.adjust("1200 millis")
      assert.isTrue(state.hasExpired)
      assert.isFalse(linger.receive(1))
    })
  )

  it.effect("begins anew when the peer had something to read until now", () =>
    Effect.gen(function* () {
      const { linger } = yield* begin()
      for (let second = 0; second < 29; second++) {
        yield* TestClock.adjust("1 second")
        linger.receive(1)
      }
      linger.restart()
      yield* TestClock.adjust("4 seconds")
      assert.isTrue(linger.receive(1))
    })
  )

  it.effect("is short while the server drains: a second of silence, five altogether", () =>
    Effect.gen(function* () {
      const { linger, state } = yield* begin()
      linger.hurry()
      for (let step = 0; step < 9; step++) {
        yield* TestClock.adjust("500 millis")
        assert.isTrue(linger.receive(1))
      }
      yield* TestClock.adjust("700 millis")
      assert.isFalse(linger.receive(1))
      const other = yield* begin()
      other.linger.hurry()
      yield* TestClock.adjust("1300 millis")
      assert.deepStrictEqual([state.hasExpired, other.state.hasExpired], [true, true])
    })
  )

  it.effect("is short also when it begins anew then", () =>
    Effect.gen(function* () {
      const { linger } = yield* begin()
      linger.hurry()
      linger.restart()
      for (let step = 0; step < 9; step++) {
        yield* TestClock.adjust("500 millis")
        assert.isTrue(linger.receive(1))
      }
      yield* TestClock.adjust("700 millis")
      assert.isFalse(linger.receive(1))
    })
  )

  it.effect("takes a GiB at least, and far more than a body may have", () =>
    Effect.gen(function* () {
      const { linger } = yield* begin(1000)
      assert.isTrue(linger.receive(2 ** 30))
      assert.isFalse(linger.receive(1))
      assert.strictEqual(lingerBytes(1_000_000_000), 100_000_000_000)
      assert.strictEqual(lingerBytes(0), Number.POSITIVE_INFINITY)
    })
  )
})
