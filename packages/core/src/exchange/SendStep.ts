import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import { type DirectSend, directKey } from "../contract/DirectSend.ts"
import type { SendError } from "../contract/SendError.ts"

/** Who sends the event when the time has come. */
interface Sender<SendEvent> {
  perform(event: SendEvent): Effect.Effect<void, SendError>
}

/** A `send` that has not been run yet. A class of its own saves the closure that `Effect.suspend` would need. */
export class SendStep<SendEvent> extends Effectable.Class<void, SendError> {
  readonly exchange: Sender<SendEvent>
  readonly event: SendEvent

  constructor(exchange: Sender<SendEvent>, event: SendEvent) {
    super()
    this.exchange = exchange
    this.event = event
  }

  /** To be bound to an exchange: its `send`. */
  static of<SendEvent>(this: Sender<SendEvent>, event: SendEvent): SendStep<SendEvent> {
    return new SendStep(this, event)
  }

  asEffect(): Effect.Effect<void, SendError> {
    return this.exchange.perform(this.event)
  }

  override [Symbol.iterator](): Effect.EffectIterator<Effect.Effect<void, SendError>> {
    return new YieldedSend(this.exchange, this.event) as never // Its first and last steps are those of such an iterator.
  }
}

/**
 * A bound function has the prototype of the one that it is made from. So every `send` that is bound has the direct way
 * without a property of its own, and a function around it has not.
 */
const sendPrototype: object = Object.create(Function.prototype, {
  [directKey]: {
    get(this: (event: undefined) => { readonly exchange: Partial<DirectSend> }) {
      const { exchange } = this(undefined)
      return exchange.offer === undefined ? undefined : exchange
    }
  }
})

Object.setPrototypeOf(SendStep.of, sendPrototype)

const ended: IteratorReturnResult<void> = { value: undefined, done: true }

/**
 * A `send` behind `yield*`. While an Effect runs, the generator that yielded it is not on the stack, so an error made then
 * does not say where in the application it comes from. So the failure is handed to the generator first, as a value which
 * ends up here, with the generator's line on the stack, and only then it fails. One that succeeds takes no more steps
 * than any Effect.
 */
class YieldedSend<SendEvent> extends Effectable.Class<SendError | void> {
  readonly exchange: Sender<SendEvent>
  readonly event: SendEvent
  #isYielded = false

  constructor(exchange: Sender<SendEvent>, event: SendEvent) {
    super()
    this.exchange = exchange
    this.event = event
  }

  next(failure: SendError | undefined): IteratorResult<Effect.Effect<SendError | void, SendError>, void> {
    if (!this.#isYielded) {
      this.#isYielded = true
      return { value: this, done: false }
    }
    if (failure === undefined) return ended
    Error.captureStackTrace(failure, this.next)
    return { value: Exit.fail(failure), done: false }
  }

  asEffect(): Effect.Effect<SendError | void> {
    const performed = this.exchange.perform(this.event)
    return performed === Effect.void ? Effect.void : Effect.catch(performed, Effect.succeed)
  }
}
