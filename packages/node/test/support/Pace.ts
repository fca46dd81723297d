/** How long something takes, on a machine that may stop for a second or two at any time, and with other tests beside. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { stopwatch } from "../../../../test/support/Stopwatch.ts"

/**
 * Makes a server on a clock that nobody moves; all else is on the live one. What happens at such a server while it
 * serves, no time limit has brought about, however long it takes. Its end has the live clock besides.
 */
export const onStillClock = <A, E, R>(serve: Effect.Effect<A, E, R>) => Effect.provide(serve, TestClock.layer())

/** Checks that this takes less than so many milliseconds; those in which the process was kept from running do not count. */
export const takesLess = <A, E, R>(limit: number, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const elapsed = stopwatch()
    const value = yield* effect
    assert.isBelow(elapsed(), limit)
    return value
  })
