/** What runners of a cluster in this worker ask its parent for, and the answers that they wait for. */
import type * as Effect from "effect/Effect"
import type { PoolClusterChannel } from "../process/Pool.ts"
import type { WorkerChannel } from "./WorkerChannel.ts"

type Answer = (answer: object | undefined) => void

export class ClusterQuestions implements PoolClusterChannel {
  readonly #run: (effect: Effect.Effect<void>) => unknown
  readonly #channel: Pick<WorkerChannel, "send">
  readonly #waiting = new Map<number, Answer>()
  readonly #listeners = new Set<() => void>()
  #count = 0
  #isLost = false

  constructor(run: (effect: Effect.Effect<void>) => unknown, channel: Pick<WorkerChannel, "send">) {
    this.#run = run
    this.#channel = channel
  }

  readonly ask = (request: object, answer: Answer): void => {
    if (this.#isLost) return answer(undefined)
    const number = ++this.#count
    this.#waiting.set(number, answer)
    this.#run(this.#channel.send({ type: "cluster", number, request }))
  }

  readonly onLost = (listener: () => void): (() => void) => {
    if (this.#isLost) listener()
    else this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  answered(number: number, answer: object): void {
    this.#waiting.get(number)?.(answer)
    this.#waiting.delete(number)
  }

  /** Nobody answers any more. */
  lost(): void {
    if (this.#isLost) return
    this.#isLost = true
    for (const listener of this.#listeners) listener()
    for (const answer of this.#waiting.values()) answer(undefined)
    this.#listeners.clear()
    this.#waiting.clear()
  }
}
