import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** Runs an Effect with the services of the application, beginning on the caller's stack. */
export type Fork = <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
