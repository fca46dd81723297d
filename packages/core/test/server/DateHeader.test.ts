import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { DateHeader } from "../../src/server/DateHeader.ts"

const still = { isTurning: false, now: 0 }

describe("DateHeader", () => {
  it.effect("is an IMF-fixdate", () =>
    Effect.gen(function* () {
      // The example of RFC 9110 §5.6.7.
      yield* TestClock.setTime(Date.UTC(1994, 10, 6, 8, 49, 37))
      assert.strictEqual(new DateHeader(yield* Clock.Clock, still).value, "Sun, 06 Nov 1994 08:49:37 GMT")
    })
  )

  it.effect("follows the clock by the second", () =>
    Effect.gen(function* () {
      const date = new DateHeader(yield* Clock.Clock, still)
      const seconds: Array<string> = [date.value]
      for (const millis of [999, 1, 999, 1]) {
        yield* TestClock.adjust(millis)
        seconds.push(date.value)
      }
      assert.deepStrictEqual(
        seconds.map((value) => value.slice(-6, -4)),
        ["00", "00", "01", "01", "02"]
      )
    })
  )

  it.effect("follows a clock that is set back", () =>
    Effect.gen(function* () {
      const date = new DateHeader(yield* Clock.Clock, still)
      yield* TestClock.setTime(90_000)
      assert.include(date.value, "00:01:30")
      yield* TestClock.setTime(30_000)
      assert.include(date.value, "00:00:30")
    })
  )

  it.effect("reads the clock once for each tick of a wheel that turns", () =>
    Effect.gen(function* () {
      const wheel = { isTurning: true, now: 7 }
      const date = new DateHeader(yield* Clock.Clock, wheel)
      assert.include(date.value, "00:00:00")
      yield* TestClock.adjust(2000)
      assert.include(date.value, "00:00:00")
      wheel.now = 8
      assert.include(date.value, "00:00:02")
    })
  )
})
