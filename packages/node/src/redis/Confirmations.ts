/** Effects that wait until Redis has confirmed something that they have begun, by its name. */
import type { LinkError } from "@pagi/core/topics/LinkError"
import * as Effect from "effect/Effect"

export interface Asked {
  /** What is to be confirmed; one Effect at a time waits for it. */
  readonly name: string
  readonly begin: () => void
  /** Undoes what was begun: it has failed, or nobody waits any more. */
  readonly undo: () => void
  /** Milliseconds to wait. */
  readonly timeout: number
  readonly late: () => LinkError
}

export class Confirmations {
  private readonly waiting = new Map<string, (result: Effect.Effect<void, LinkError>) => void>()

  wait({ begin, late, name, timeout, undo }: Asked): Effect.Effect<void, LinkError> {
    const confirmed = Effect.callback<void, LinkError>((resume) => {
      this.waiting.set(name, resume)
      begin()
      return Effect.sync(() => this.waiting.delete(name))
    })
    return confirmed.pipe(
      Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(late()) }),
      Effect.onExit((exit) => (exit._tag === "Success" ? Effect.void : Effect.sync(undo)))
    )
  }

  settle(name: string, result: Effect.Effect<void, LinkError>): void {
    const resume = this.waiting.get(name)
    this.waiting.delete(name)
    resume?.(result)
  }
}
