import * as Effect from "effect/Effect"

/** How the one fiber that is to go on learns that there may be something new to see. */
export class Waiter {
  #look: (() => void) | undefined = undefined

  /** Something has changed. */
  notify(): void {
    this.#look?.()
  }

  /** Goes on with what `read` finds, as soon as it finds something. */
  when<A, E>(read: () => Effect.Effect<A, E> | undefined): Effect.Effect<A, E> {
    return Effect.suspend(() => read() ?? this.#wait(read))
  }

  /**
   * Goes on as soon as `isThere` says so. Where it has had to wait it goes on a little later, so that whoever notifies does
   * not run what follows, and more may come meanwhile.
   */
  until(isThere: () => boolean): Effect.Effect<void> {
    return Effect.suspend(() =>
      isThere()
        ? Effect.void
        : Effect.andThen(
            this.#wait(() => (isThere() ? Effect.void : undefined)),
            Effect.yieldNow
          )
    )
  }

  #wait<A, E>(read: () => Effect.Effect<A, E> | undefined): Effect.Effect<A, E> {
    return Effect.callback((resume) => {
      const look = () => {
        const found = read()
        if (found === undefined) return
        if (this.#look === look) this.#look = undefined
        resume(found)
      }
      this.#look = look
      // It may have come while the fiber was scheduled away.
      look()
      return Effect.sync(() => {
        if (this.#look === look) this.#look = undefined
      })
    })
  }
}
