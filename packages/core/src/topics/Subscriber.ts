/**
 * Who is told of a topic, with a bounded buffer of what has not been taken yet.
 *
 * | state  | a message comes, there is room | a message comes, there is none           | what is taken            |
 * | ------ | ------------------------------ | ---------------------------------------- | ------------------------ |
 * | open   | is kept                        | as `whenFull` says; `end` leads to ending | what is kept, or waits   |
 * | ending | is lost                        | is lost                                  | what is kept, then ended |
 * | ended  | is lost                        | is lost                                  | the error, or nothing    |
 *
 * `close` leads from each state to ended, without an error.
 */
import * as Effect from "effect/Effect"
import { Waiter } from "../contract/Waiter.ts"
import { Backlog, type Gap, type Told, type Waiting } from "./Backlog.ts"
import type { TopicCounts } from "./TopicCounts.ts"
import { behind, type TopicError } from "./TopicError.ts"
import type { TopicMessage } from "./TopicMessage.ts"
import type { Wait } from "./Wait.ts"

/** What happens with a message for which a subscriber has no room. */
export type WhenFull =
  /** The oldest one that has not been taken is lost. */
  | "dropOldest"
  /** This one is lost. */
  | "dropNewest"
  /** The publisher waits until there is room. */
  | "wait"
  /** The subscriber gets what it has room for, and then an error. */
  | "end"

/** Whom the hub tells of a topic, by plain calls. */
export interface TopicSubscriber {
  /** A message. Answers what its publisher is to wait for; nothing as a rule. */
  readonly offer: (message: TopicMessage) => Wait | undefined
  /** Messages are missing here. */
  readonly gap: (gap: Gap) => void
  /** Nothing comes any more, and what has not been taken is forgotten. */
  readonly close: () => void
}

export interface SubscriberOptions {
  readonly topic: string
  readonly capacity: number
  readonly whenFull: WhenFull
  readonly counts: TopicCounts
}

type State = "open" | "ending" | "ended"

export class Subscriber implements TopicSubscriber {
  #state: State = "open"
  #error: TopicError | undefined = undefined
  readonly #backlog: Backlog
  readonly #options: SubscriberOptions
  readonly #taker = new Waiter()

  constructor(options: SubscriberOptions) {
    this.#options = options
    this.#backlog = new Backlog(options.capacity)
  }

  get state(): State {
    return this.#state
  }

  /** Why it has ended by itself, once it has. */
  get error(): TopicError | undefined {
    return this.#error
  }

  /** Whether there is nothing to take, not even a gap. */
  get isEmpty(): boolean {
    return this.#backlog.isEmpty
  }

  // from the hub -----------------------------------------------------------------------------------------------------

  offer(message: TopicMessage): Wait | undefined {
    if (this.#state !== "open") return undefined
    return this.#backlog.isFull ? this.#overflow(message) : this.#keep(message)
  }

  gap(gap: Gap): void {
    if (this.#state !== "open") return
    this.#backlog.miss(gap)
    this.#taker.notify()
  }

  close(): void {
    if (this.#state === "ended") return
    this.#state = "ended"
    this.#error = undefined
    this.#backlog.clear()
    this.#taker.notify()
  }

  // from whoever takes -----------------------------------------------------------------------------------------------

  /** What is next, if there is something. */
  take(): Told | undefined {
    const told = this.#backlog.take()
    this.#endWhenEmpty()
    return told
  }

  /** All that there is, up to the capacity. */
  takeAll(): Array<Told> {
    const told = this.#backlog.takeAll()
    this.#endWhenEmpty()
    return told
  }

  /** Completes when there is something to take or it has ended. What comes in the same turn is there then, too. */
  readonly ready: Effect.Effect<void> = this.#taker.until(() => this.#state !== "open" || !this.#backlog.isEmpty)

  // by itself --------------------------------------------------------------------------------------------------------

  #keep(message: TopicMessage): undefined {
    this.#backlog.push(message)
    this.#options.counts.delivered++
    this.#taker.notify()
  }

  #overflow(message: TopicMessage): Wait | undefined {
    const { capacity, counts, topic, whenFull } = this.#options
    if (whenFull === "wait") return this.#makeWait(message)
    counts.dropped.behind++
    if (whenFull === "dropNewest") {
      this.#backlog.missOne()
    } else if (whenFull === "dropOldest") {
      this.#backlog.dropFirst()
      this.#keep(message)
    } else {
      this.#state = "ending"
      this.#error = behind(topic, capacity)
      this.#taker.notify()
    }
    return undefined
  }

  #makeWait(message: TopicMessage): Wait {
    const entry = this.#backlog.push(message)
    let resume: (() => void) | undefined = undefined
    entry.onRoom = () => {
      if (this.#state !== "ended") this.#options.counts.delivered++
      resume?.()
    }
    return {
      done: Effect.callback<void>((done) => {
        if (!entry.isBeyond) return done(Effect.void)
        resume = () => done(Effect.void)
        return Effect.sync(() => {
          resume = undefined
        })
      }),
      cancel: () => this.#giveUp(entry)
    }
  }

  #giveUp(entry: Waiting): void {
    if (!entry.isBeyond) return
    this.#options.counts.dropped.behind++
    this.#backlog.giveUp(entry)
  }

  #endWhenEmpty(): void {
    if (this.#state === "ending" && this.#backlog.isEmpty) this.#state = "ended"
  }
}
