/** Who watches the members of a topic, with a bounded buffer of changes. */
import type * as Effect from "effect/Effect"
import { Waiter } from "../contract/Waiter.ts"
import type { MembersChange, MembersWatcher } from "./TopicMembers.ts"

/** Changes that are kept. Who is further behind gets everybody who is there instead. */
const capacity = 256

export class Presence implements MembersWatcher {
  #changes: Array<MembersChange> = []
  /** Whether somebody was told who is there, and of everything since. */
  #isKnown = false
  #isClosed = false
  readonly #taker = new Waiter()

  get isClosed(): boolean {
    return this.#isClosed
  }

  onChange(change: MembersChange): void {
    if (this.#isKnown && this.#changes.push(change) > capacity) {
      this.#isKnown = false
      this.#changes = []
    }
    this.#taker.notify()
  }

  close(): void {
    this.#isClosed = true
    this.#taker.notify()
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
  readonly ready: Effect.Effect<void> = this.#taker.until(
    () => this.#isClosed || !this.#isKnown || this.#changes.length > 0
  )
}
