/** Makes what is costly to tell once for all who ask for it meanwhile, and in a part of the process's time only. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** So many times as long as something has taken, nothing else is made: a fifth of the time is for that at most. */
const rest = 4n

/** Nanoseconds of rest at most, should the process have stood still in between. */
const longestRest = 1_000_000_000n

/** Takes turns, with a rest after each. */
export class Pace {
  /** By a clock that nobody sets back. */
  #freeAt = 0n

  /** Runs something, which should not wait for anything, when the rest after what came before is over. */
  run<A>(make: Effect.Effect<A>): Effect.Effect<A> {
    return Effect.gen({ self: this }, function* () {
      let now = yield* Clock.monotonicTimeNanos
      while (now < this.#freeAt) {
        yield* Effect.sleep(Duration.nanos(this.#freeAt - now))
        now = yield* Clock.monotonicTimeNanos
      }
      const made = yield* make
      const end = yield* Clock.monotonicTimeNanos
      const wanted = (end - now) * rest
      this.#freeAt = end + (wanted < longestRest ? wanted : longestRest)
      return made
    })
  }
}

/** An answer that is as new as the question: who asks while it waits for its turn shares it with those before. */
export class SharedAnswer<A> {
  readonly #pace: Pace
  readonly #make: Effect.Effect<A>
  /** The one that is to be made. */
  #next: Deferred.Deferred<A> | undefined = undefined

  constructor(pace: Pace, make: Effect.Effect<A>) {
    this.#pace = pace
    this.#make = make
  }

  readonly get: Effect.Effect<A> = Effect.suspend(() => {
    if (this.#next !== undefined) return Deferred.await(this.#next)
    const next = (this.#next = Deferred.makeUnsafe<A>())
    const begun = Effect.suspend(() => {
      this.#next = undefined
      return this.#make
    })
    const making = Effect.flatMap(Effect.exit(this.#pace.run(begun)), (exit) =>
      Effect.sync(() => Deferred.doneUnsafe(next, exit))
    )
    // Whoever has asked first may leave, and the others still wait for it.
    return Effect.andThen(Effect.forkDetach(making), Deferred.await(next))
  })
}
