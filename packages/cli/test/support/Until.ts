import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** Between two looks at what another process does: who looked all the time would keep that from doing it. */
export const looks = Schedule.spaced("5 millis")

/** Waits until the condition holds. */
export const until = (condition: () => boolean): Effect.Effect<boolean> =>
  Effect.repeat(Effect.sync(condition), { until: (holds) => holds, schedule: looks })
