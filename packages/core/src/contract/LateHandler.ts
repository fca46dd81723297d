/** Native handlers that need something before they can answer. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Answers once `ready` has what that takes, by the fiber that `answer` starts. Who interrupts the fiber that is given back
 * interrupts that one too.
 */
export const answerOnce = <A>(
  context: Context.Context<never>,
  ready: Effect.Effect<A>,
  answer: (found: A) => Fiber.Fiber<unknown, unknown>
): Fiber.Fiber<unknown, unknown> =>
  Effect.runForkWith(context)(
    Effect.flatMap(ready, (found) => {
      const fiber = answer(found)
      return Effect.onInterrupt(Fiber.join(fiber), () => Fiber.interrupt(fiber))
    })
  )

/** A module that an adapter needs when the first request comes, and that other programs should not load. */
export class LateModule<A> {
  /** Undefined until it is loaded. */
  current: A | undefined = undefined
  readonly #loading: Promise<A>

  /** Begins to load it. */
  constructor(load: () => Promise<A>) {
    this.#loading = load().then((loaded) => (this.current = loaded))
    // Each request that needs it is told; before the first one a failure concerns nobody, and must not end the process.
    this.#loading.catch(() => {})
  }

  readonly loaded: Effect.Effect<A> = Effect.suspend(() =>
    this.current === undefined ? Effect.promise(() => this.#loading) : Effect.succeed(this.current)
  )
}
