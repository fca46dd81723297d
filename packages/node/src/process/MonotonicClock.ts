import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

const nanosecondsPerMillisecond = 1e6

/** Reads the milliseconds of a clock that is never set back, which processes of one machine share. */
export const makeNow: Effect.Effect<() => number> = Effect.map(
  Clock.Clock,
  (clock) => () => Number(clock.monotonicTimeNanosUnsafe()) / nanosecondsPerMillisecond
)

/**
 * Sleeps until the clock of `now` has reached the next multiple of so many milliseconds, which is the same moment in all
 * processes. Again when that was too short: timers count from when the turn of the event loop has begun that sets them.
 */
export const untilNext = (now: () => number, interval: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const time = now()
    const end = time - (time % interval) + interval
    const rest = Effect.suspend(() => Effect.sleep(Math.ceil(end - now())))
    return Effect.repeat(rest, { while: () => now() < end })
  })
