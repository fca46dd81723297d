import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** Waits until the condition holds. */
export const until = (condition: () => boolean): Effect.Effect<boolean> =>
  Effect.repeat(Effect.sync(condition), { until: (holds) => holds, schedule: Schedule.spaced("5 millis") })
