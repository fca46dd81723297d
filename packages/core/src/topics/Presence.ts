/** Who watches the members of a topic, with a bounded buffer of changes. */
import * as Effect from "effect/Effect"
import type { MembersChange, MembersWatcher } from "./TopicMembers.ts"

/** Changes that are kept. Who is further behind gets everybody who is there instead. */
const capacity = 256

export class Presence implements MembersWatcher {
  #changes: Array<MembersChange> = []
  /** Whether somebody was told who is there, and of everything since. */
  #isKnown = false
  #isClosed = false
  #onReady: (() => void) | undefined = undefined

  get isClosed(): boolean {
    return this.#isClosed
  }

  onChange(change: MembersChange): void {
    if (this.#isKnown && this.#changes.push(change) > capacity) {
      this.#isKnown = false
      this.#changes = []
    }
    this.#ready()
  }

  close(): void {
    this.#isClosed = true
    this.#ready()
  }

  /** Changes since the last time; nothing when all who are there are to be told instead, as they are at this moment. */
  take(): ReadonlyArray<MembersChange> | undefined {
    if (!this.#isKnown) {
      this.#isKnown = true
      return undefined
    }
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  /** Completes when there is something to take or it has been closed. */
  readonly ready: Effect.Effect<void> = Effect.suspend(() =>
    this.#isClosed || !this.#isKnown || this.#changes.length > 0 ? Effect.void : this.#wakened
  )

  // Whoever joins must not run what watches: it is only asked to run later.
  readonly #wakened: Effect.Effect<void> = Effect.andThen(
    Effect.callback<void>((resume) => {
      this.#onReady = () => resume(Effect.void)
      return Effect.sync(() => {
        this.#onReady = undefined
      })
    }),
    Effect.yieldNow
  )

  #ready(): void {
    const listener = this.#onReady
    this.#onReady = undefined
    listener?.()
  }
}
