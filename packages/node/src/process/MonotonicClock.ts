import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

const nanosecondsPerMillisecond = 1e6

/** Reads the milliseconds of a clock that is never set back, which processes of one machine share. */
export const makeNow: Effect.Effect<() => number> = Effect.map(
  Clock.Clock,
  (clock) => () => Number(clock.monotonicTimeNanosUnsafe()) / nanosecondsPerMillisecond
)
