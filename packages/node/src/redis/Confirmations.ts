/** Effects that wait until Redis has confirmed something that they have begun, by its name. */
import type { LinkError } from "@pagi/core/topics/LinkError"
import * as Effect from "effect/Effect"

export class Confirmations {
  private readonly waiting = new Map<string, (result: Effect.Effect<void, LinkError>) => void>()

  /** What is waited for. */
  get names(): Iterable<string> {
    return this.waiting.keys()
  }

  /** Begins something and waits until it is settled; one Effect at a time waits for a name. */
  wait(name: string, begin: () => void): Effect.Effect<void, LinkError> {
    return Effect.callback((resume) => {
      this.waiting.set(name, resume)
      begin()
      return Effect.sync(() => this.waiting.delete(name))
    })
  }

  settle(name: string, result: Effect.Effect<void, LinkError>): void {
    const resume = this.waiting.get(name)
    this.waiting.delete(name)
    resume?.(result)
  }
}
