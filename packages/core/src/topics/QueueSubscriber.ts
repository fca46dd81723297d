/** A subscriber whose messages go into a `Queue`, as values. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type { Gap } from "./Backlog.ts"
import type { SubscriberOptions, TopicSubscriber, WhenFull } from "./Subscriber.ts"
import type { TopicCodec } from "./TopicCodec.ts"
import { behind, type TopicError } from "./TopicError.ts"
import type { TopicMessage } from "./TopicMessage.ts"
import type { Wait } from "./Wait.ts"

/** The policies as Effect's queues have them; `end` sees for itself that one is full. */
const strategies = {
  dropOldest: "sliding",
  dropNewest: "dropping",
  wait: "suspend",
  end: "dropping"
} as const satisfies Record<WhenFull, string>

export interface QueueSubscriberOptions<A> extends SubscriberOptions {
  readonly codec: TopicCodec<A>
  /** Starts what waits. */
  readonly fork: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>
  readonly onUnreadable: (topic: string, problem: string) => void
}

export class QueueSubscriber<in out A> implements TopicSubscriber {
  readonly queue: Queue.Queue<A, TopicError>
  readonly #options: QueueSubscriberOptions<A>

  private constructor(queue: Queue.Queue<A, TopicError>, options: QueueSubscriberOptions<A>) {
    this.queue = queue
    this.#options = options
  }

  static readonly make = <A>(options: QueueSubscriberOptions<A>): Effect.Effect<QueueSubscriber<A>> =>
    Effect.map(
      Queue.make<A, TopicError>({ capacity: options.capacity, strategy: strategies[options.whenFull] }),
      (queue) => new QueueSubscriber(queue, options)
    )

  offer(message: TopicMessage): Wait | undefined {
    if (this.queue.state._tag !== "Open") return undefined
    const { codec, counts, onUnreadable, topic } = this.#options
    const value = message.value(codec)
    if (Result.isFailure(value)) {
      counts.dropped.unreadable++
      onUnreadable(topic, value.failure)
      return undefined
    }
    if (Queue.isFullUnsafe(this.queue)) return this.#overflow(value.success)
    Queue.offerUnsafe(this.queue, value.success)
    counts.delivered++
    return undefined
  }

  /** Values have no gaps between them. */
  gap(_gap: Gap): void {}

  close(): void {
    Queue.shutdownUnsafe(this.queue)
  }

  #overflow(value: A): Wait | undefined {
    const { capacity, counts, topic, whenFull } = this.#options
    if (whenFull === "wait") return this.#makeWait(value)
    counts.dropped.behind++
    if (whenFull === "end") Queue.failCauseUnsafe(this.queue, Cause.fail(behind(topic, capacity)))
    // It makes room for itself.
    if (whenFull === "dropOldest" && Queue.offerUnsafe(this.queue, value)) counts.delivered++
    return undefined
  }

  /** The queue knows who waits in which order; a fiber that has begun to wait has its place there. */
  #makeWait(value: A): Wait {
    const { counts, fork } = this.#options
    const fiber = fork(Queue.offer(this.queue, value))
    fiber.addObserver((exit) => {
      if (Exit.isSuccess(exit) && exit.value) counts.delivered++
      else counts.dropped.behind++
    })
    return {
      done: Effect.callback<void>((resume) => {
        const remove = fiber.addObserver(() => resume(Effect.void))
        return Effect.sync(remove)
      }),
      cancel: () => fiber.interruptUnsafe()
    }
  }
}
