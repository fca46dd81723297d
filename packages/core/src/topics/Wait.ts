/** What a publisher is to wait for, which others have asked for who are behind. */
import * as Effect from "effect/Effect"
import type { TopicError } from "./TopicError.ts"

export interface Wait {
  readonly done: Effect.Effect<void, TopicError>
  /** The publisher does not wait any more: nothing of its message is kept for that. */
  readonly cancel: () => void
}

const ignore = (): void => {}

/** What somebody else has to be waited for, who sees to it that nothing is left of what is interrupted. */
export const waitFor = (done: Effect.Effect<void, TopicError>): Wait => ({ done, cancel: ignore })

/** Several, one after the other: as a list, since they may be as many as there are subscribers. */
class Waits implements Wait {
  readonly all: Array<Wait>

  constructor(...all: ReadonlyArray<Wait>) {
    this.all = [...all]
  }

  readonly done = Effect.suspend(() => Effect.forEach(this.all, ({ done }) => done, { discard: true }))

  readonly cancel = (): void => {
    for (const wait of this.all) wait.cancel()
  }
}

/** Both. What this has answered before is the first of them, and nobody else's. */
export const and = (one: Wait | undefined, other: Wait | undefined): Wait | undefined => {
  if (one === undefined || other === undefined) return one ?? other
  if (!(one instanceof Waits)) return new Waits(one, other)
  one.all.push(other)
  return one
}

/** Waits, and cancels unless it has waited to the end. */
export const await_ = (wait: Wait, restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) =>
  Effect.onError(restore(wait.done), () => Effect.sync(wait.cancel))
