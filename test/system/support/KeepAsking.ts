import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"

/** Time between two requests of a client. */
const pause = Effect.sleep("5 millis")

/**
 * Has clients ask from now on, each what it asks again and again with a short pause after it. Yields how to end that,
 * which lets the requests under way finish.
 */
export const keepAsking = (
  clients: ReadonlyArray<Effect.Effect<void>>
): Effect.Effect<Effect.Effect<void>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const course = { hasEnded: false }
    const repeat = (ask: Effect.Effect<void>) =>
      Effect.gen(function* () {
        while (!course.hasEnded) {
          yield* ask
          yield* pause
        }
      })
    const fiber = yield* Effect.forkScoped(Effect.forEach(clients, repeat, { concurrency: "unbounded", discard: true }))
    return Effect.suspend(() => {
      course.hasEnded = true
      return Fiber.join(fiber)
    })
  })
