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

/** Both. */
export const and = (one: Wait | undefined, other: Wait | undefined): Wait | undefined => {
  if (one === undefined || other === undefined) return one ?? other
  return {
    done: Effect.andThen(one.done, other.done),
    cancel: () => {
      one.cancel()
      other.cancel()
    }
  }
}

/** Waits, and cancels unless it has waited to the end. */
export const await_ = (wait: Wait, restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) =>
  Effect.onError(restore(wait.done), () => Effect.sync(wait.cancel))
