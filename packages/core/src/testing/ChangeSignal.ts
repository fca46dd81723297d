import * as Effect from "effect/Effect"

/** How the test, which is the peer, learns that there may be something new to see. */
export class ChangeSignal {
  readonly #watchers = new Set<() => void>()

  /** Something has changed. */
  notify(): void {
    for (const look of [...this.#watchers]) look()
  }

  /** Waits until `read` finds what it looks for. */
  when<A, E>(read: () => Effect.Effect<A, E> | undefined): Effect.Effect<A, E> {
    return Effect.callback((resume) => {
      const present = read()
      if (present !== undefined) return resume(present)
      const look = () => {
        const found = read()
        if (found === undefined) return
        this.#watchers.delete(look)
        // Lets the application's step, in which this happens, come to its end.
        resume(Effect.andThen(Effect.yieldNow, found))
      }
      this.#watchers.add(look)
      return Effect.sync(() => this.#watchers.delete(look))
    })
  }
}
