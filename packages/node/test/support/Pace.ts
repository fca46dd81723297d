/** How long something takes, on a machine that may stop for a second or two at any time, and with other tests beside. */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"

/**
 * Makes a server on a clock that nobody moves; all else is on the live one. What happens at such a server while it
 * serves, no time limit has brought about, however long it takes. Its end has the live clock besides.
 */
export const onStillClock = <A, E, R>(serve: Effect.Effect<A, E, R>) => Effect.provide(serve, TestClock.layer())

/** Tries of which one has to take less than the limit. */
const tries = 5

/**
 * Checks that this takes less than so many milliseconds, where it would take longer each time if it waited for a time
 * limit: the quickest of a few tries counts, as a machine that stops makes none of them shorter.
 */
export const takesLess = <E, R>(limit: number, tried: Effect.Effect<Duration.Duration, E, R>) =>
  Effect.gen(function* () {
    let quickest = Number.POSITIVE_INFINITY
    for (let count = 0; count < tries && quickest >= limit; count++) {
      quickest = Math.min(quickest, Duration.toMillis(yield* tried))
    }
    assert.isBelow(quickest, limit)
  })

/** The time that an effect takes. */
export const timeOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Duration.Duration, E, R> =>
  Effect.map(Effect.timed(effect), ([taken]) => taken)
