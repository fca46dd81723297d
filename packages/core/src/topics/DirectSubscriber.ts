/**
 * A client that gets a topic without a fiber for each message: as long as it is not behind, the hub's call goes down to its
 * session. What it cannot take waits in the buffer of a `Subscriber`, and follows when there is room.
 *
 * | state    | a message comes                      | there is room        | what leads on                              |
 * | -------- | ------------------------------------ | -------------------- | ------------------------------------------ |
 * | direct   | is sent, or waits behind others      | sends what waits     | an event that is not sent directly: asking |
 * | asking   | waits                                |                      | the fiber has sent the event: direct       |
 * | ended    | is lost                              |                      |                                            |
 *
 * It begins as asking, until the fiber has sent what comes before the first message.
 * The end of the exchange, of the hub, and of a subscriber that was to end when it is behind, lead from each to ended.
 */
import * as Effect from "effect/Effect"
import { Waiter } from "../contract/Waiter.ts"
import type { DirectSend, Follower, Offered, SharedEvent, SharedMessage } from "../contract/DirectSend.ts"
import type { Gap, Told } from "./Backlog.ts"
import { Subscriber, type SubscriberOptions, type TopicSubscriber } from "./Subscriber.ts"
import type { TopicError } from "./TopicError.ts"
import type { TopicMessage } from "./TopicMessage.ts"
import type { Wait } from "./Wait.ts"

/** What is sent of a message or a gap, if anything. */
export type SharedForm = (told: Told) => SharedMessage | undefined

/** What the fiber has to do: send an event in the ordinary way, or end. */
type Request = { readonly type: "send"; readonly event: SharedEvent } | { readonly type: "end" }

const end: Request = { type: "end" }

export class DirectSubscriber implements TopicSubscriber, Follower {
  readonly #direct: DirectSend
  readonly #form: SharedForm
  readonly #buffer: Subscriber
  readonly #counts: SubscriberOptions["counts"]
  #state: "direct" | "asking" | "ended" = "asking"
  /** For the fiber, until it takes it. */
  #request: Request | undefined = undefined
  readonly #fiber = new Waiter()
  /** Something that was thrown, which must not reach the publisher. */
  #defect: { readonly thrown: unknown } | undefined = undefined

  constructor(direct: DirectSend, form: SharedForm, options: SubscriberOptions) {
    this.#direct = direct
    this.#form = form
    this.#buffer = new Subscriber(options)
    this.#counts = options.counts
  }

  // from the hub -----------------------------------------------------------------------------------------------------

  offer(message: TopicMessage): Wait | undefined {
    if (this.#state === "ended") return undefined
    if (this.#state === "direct" && this.#buffer.isEmpty) {
      const offered = this.#send(message)
      if (offered !== "later") {
        if (offered !== "gone") this.#counts.delivered++
        return undefined
      }
    }
    return this.#buffer.offer(message)
  }

  gap(gap: Gap): void {
    this.#buffer.gap(gap)
    this.#pump()
  }

  close(): void {
    this.#end()
  }

  // from the exchange ------------------------------------------------------------------------------------------------

  onRoom(): void {
    this.#pump()
  }

  onEnd(): void {
    this.#end()
  }

  // from the fiber ---------------------------------------------------------------------------------------------------

  /** The next thing that the fiber has to do. */
  readonly next: Effect.Effect<Request> = Effect.flatMap(
    this.#fiber.until(() => this.#request !== undefined),
    () => {
      const request = this.#request
      if (request === undefined) return this.next
      this.#request = undefined
      return Effect.succeed(request)
    }
  )

  /** The fiber has sent what it was asked to, or what comes before all messages. */
  goOn(): void {
    if (this.#state !== "asking") return
    this.#state = "direct"
    this.#pump()
  }

  /** How it has ended. */
  get result(): Effect.Effect<void, TopicError> {
    if (this.#defect !== undefined) return Effect.die(this.#defect.thrown)
    return this.#buffer.error === undefined ? Effect.void : Effect.fail(this.#buffer.error)
  }

  // by itself --------------------------------------------------------------------------------------------------------

  #send(told: Told): Offered {
    try {
      const message = this.#form(told)
      if (message === undefined) return "sent"
      const offered = this.#direct.offer(message)
      if (offered === "ordinary") this.#ask(message.event)
      else if (offered === "gone") this.#end()
      return offered
    } catch (thrown) {
      this.#defect = { thrown }
      this.#end()
      return "gone"
    }
  }

  #ask(event: SharedEvent): void {
    this.#state = "asking"
    this.#wake({ type: "send", event })
  }

  /** Sends what waits, as long as there is room. */
  #pump(): void {
    while (this.#state === "direct" && this.#direct.hasRoom) {
      const told = this.#buffer.take()
      if (told === undefined) break
      this.#send(told)
    }
    if (this.#state === "direct" && this.#buffer.state === "ended") this.#end()
  }

  #end(): void {
    if (this.#state === "ended") return
    this.#state = "ended"
    this.#direct.unfollow(this)
    // Who waits for room need not wait any more; the error that it has ended with is kept.
    if (this.#buffer.state !== "ended") this.#buffer.close()
    this.#wake(end)
  }

  #wake(request: Request): void {
    this.#request = request
    this.#fiber.notify()
  }
}
