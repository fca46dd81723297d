import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { SpanClock } from "../../src/tracing/SpanClock.ts"

describe("the clock of spans", () => {
  it.effect("reads what the clock reads", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const spans = new SpanClock(clock)
      for (const step of [0, 1, 999, 1, 5000]) {
        yield* TestClock.adjust(step)
        assert.strictEqual(spans.now(), clock.currentTimeNanosUnsafe())
      }
    })
  )

  it.live("follows a wall clock that was set, within a second", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const time = { monotonic: 5_000_000_000n, wall: 1_000_000_000_000n }
      const spans = new SpanClock(
        Object.assign(Object.create(clock) as Clock.Clock, {
          monotonicTimeNanosUnsafe: () => time.monotonic,
          currentTimeNanosUnsafe: () => time.wall
        })
      )
      assert.strictEqual(spans.now(), 1_000_000_000_000n)
      time.wall = 2_000_000_000_000n
      time.monotonic += 999_999_999n
      assert.strictEqual(spans.now(), 1_000_999_999_999n)
      time.monotonic += 1n
      assert.strictEqual(spans.now(), 2_000_000_000_000n)
    })
  )
})
