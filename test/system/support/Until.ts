import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** How long anything in these tests may take before it counts as never happening. */
const patience = "30 seconds"

/** Time between two looks: what is looked at is in another process, which does not announce it. */
const pause = Effect.sleep("10 millis")

/** Waits for a condition, for as long as these tests are patient unless it is known to take longer. */
export const until = <E = never>(
  what: string,
  condition: Effect.Effect<boolean, E>,
  duration: Duration.Input = patience
): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    while (!(yield* condition)) yield* pause
  }).pipe(Effect.timeoutOrElse({ duration, orElse: () => Effect.die(new Error(`never happened: ${what}`)) }))

/** Waits until a number has been the same in so many looks, one after the other, and yields it. */
export const standstill = <E = never>(
  what: string,
  read: Effect.Effect<number, E>,
  looks = 100
): Effect.Effect<number, E> =>
  Effect.gen(function* () {
    let last = Number.NaN
    let same = 0
    yield* until(
      `${what} comes to a standstill`,
      Effect.map(read, (value) => {
        same = value === last ? same + 1 : 0
        last = value
        return same === looks
      })
    )
    return last
  })
