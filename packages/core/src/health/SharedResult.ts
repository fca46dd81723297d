/** Runs something for all who ask at once, and not more often than it is of use. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

/** Nanoseconds for which a result is as good as a new one, by a clock that nobody sets back. */
const freshness = 1_000_000_000n

/** The results of an Effect that cannot fail. */
export class SharedResult<A> {
  readonly #run: Effect.Effect<A>
  #running: Deferred.Deferred<A> | undefined = undefined
  #last: { readonly at: bigint; readonly result: A } | undefined = undefined

  constructor(run: Effect.Effect<A>) {
    this.#run = run
  }

  /** What it has yielded last is not to be told any more. */
  forget(): void {
    this.#last = undefined
  }

  /** Runs it, or takes what it has yielded within the last second; several who ask at once share one run. */
  readonly get: Effect.Effect<A> = Effect.suspend(() => {
    if (this.#running !== undefined) return Deferred.await(this.#running)
    return Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
      if (this.#last !== undefined && now - this.#last.at < freshness) return Effect.succeed(this.#last.result)
      const running = (this.#running = Deferred.makeUnsafe<A>())
      // Whoever has asked first may leave, and the others still wait for it.
      return Effect.andThen(Effect.forkDetach(this.#runFor(running)), Deferred.await(running))
    })
  })

  #runFor(running: Deferred.Deferred<A>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const exit = yield* Effect.exit(this.#run)
      if (exit._tag === "Success") this.#last = { at: yield* Clock.monotonicTimeNanos, result: exit.value }
      this.#running = undefined
      Deferred.doneUnsafe(running, exit)
    })
  }
}
