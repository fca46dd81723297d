/** Subscribes to topics, as a queue or a stream. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Gap, Told } from "./Backlog.ts"
import { QueueSubscriber } from "./QueueSubscriber.ts"
import { Topics } from "./Service.ts"
import { Subscriber, type TopicSubscriber, type WhenFull } from "./Subscriber.ts"
import { nameProblem, type Topic } from "./Topic.ts"
import { TopicCodec } from "./TopicCodec.ts"
import { invalidOption, type TopicError } from "./TopicError.ts"
import type { TopicHub } from "./TopicHub.ts"
import { TopicMessage } from "./TopicMessage.ts"
import { whileOpen } from "./whileOpen.ts"

export interface SubscribeOptions {
  /** How many messages are kept that have not been taken: 256 by default, and at least 1. */
  readonly capacity?: number
  /**
   * What happens with a message when there are as many: `"dropOldest"`, the default, and `"dropNewest"` lose one,
   * `"wait"` has its publisher wait, and `"end"` ends the subscriber with an error.
   */
  readonly whenFull?: WhenFull
}

/** What there is in a topic, in order. */
export type TopicEvent<A> = { readonly type: "message"; readonly value: A } | Gap

/**
 * Subscribes until the scope closes: once this has succeeded, everything comes that is published from then on, in any
 * process. What has been lost nevertheless is not told here but by `events`.
 *
 * The queue fails when the subscriber was to be ended when it is full, and is shut down with the scope. A message that
 * another version of the program has published, and that is nothing of this topic's schema, is left out and logged.
 */
export const subscribe = <A>(
  topic: Topic<A>,
  options?: SubscribeOptions
): Effect.Effect<Queue.Dequeue<A, TopicError>, TopicError, Topics | Scope.Scope> =>
  Effect.gen(function* () {
    const { hub } = yield* Topics
    const subscriber = yield* QueueSubscriber.make({
      ...(yield* subscriberOptions(hub, topic, options)),
      codec: TopicCodec.of(topic.schema),
      fork: hub.fork,
      onUnreadable: hub.onUnreadable
    })
    yield* enter(hub, topic, subscriber)
    return subscriber.queue
  })

/** The messages of a topic from when the stream begins, as with `subscribe`. */
export const stream = <A>(topic: Topic<A>, options?: SubscribeOptions): Stream.Stream<A, TopicError, Topics> =>
  Stream.unwrap(
    subscribeAs(topic, options, (told, read) =>
      told.flatMap((one) => {
        const event = read(one)
        return event.type === "message" ? [event.value] : []
      })
    )
  )

/** The messages of a topic from when the stream begins, and in their places where some are missing. */
export const events = <A>(
  topic: Topic<A>,
  options?: SubscribeOptions
): Stream.Stream<TopicEvent<A>, TopicError, Topics> => Stream.unwrap(subscribeEvents(topic, options))

/**
 * Subscribes until the scope closes, like `subscribe`, and yields a stream of messages, and in their places where some are
 * missing. It may be run once. For those who look up what was before, once they are sure of everything that is to come.
 */
export const subscribeEvents = <A>(
  topic: Topic<A>,
  options?: SubscribeOptions
): Effect.Effect<Stream.Stream<TopicEvent<A>, TopicError>, TopicError, Topics | Scope.Scope> =>
  subscribeAs(topic, options, (told, read) => told.map(read))

const subscribeAs = <A, B>(
  topic: Topic<A>,
  options: SubscribeOptions | undefined,
  convert: (told: ReadonlyArray<Told>, read: (told: Told) => TopicEvent<A>) => ReadonlyArray<B>
): Effect.Effect<Stream.Stream<B, TopicError>, TopicError, Topics | Scope.Scope> =>
  Effect.gen(function* () {
    const { hub } = yield* Topics
    const codec = TopicCodec.of(topic.schema)
    const subscriber = new Subscriber(yield* subscriberOptions(hub, topic, options))
    yield* enter(hub, topic, subscriber)
    const read = (told: Told) => readTold(hub, topic.name, codec, told)
    return Stream.fromPull(Effect.succeed(pull(subscriber, (told) => convert(told, read))))
  })

const unreadable: Gap = { type: "gap", reason: "unreadable", missed: 1 }

/** What is told, as a value of the topic's schema. */
export const readTold = <A>(hub: TopicHub, topic: string, codec: TopicCodec<A>, told: Told): TopicEvent<A> => {
  if (!(told instanceof TopicMessage)) return told
  const value = told.value(codec)
  if (Result.isSuccess(value)) return { type: "message", value: value.success }
  hub.counts.dropped.unreadable++
  hub.onUnreadable(topic, value.failure)
  return unreadable
}

const pull = <B>(
  subscriber: Subscriber,
  convert: (told: ReadonlyArray<Told>) => ReadonlyArray<B>
): Pull.Pull<Arr.NonEmptyReadonlyArray<B>, TopicError> =>
  Effect.flatMap(subscriber.ready, () => {
    const found = convert(subscriber.takeAll())
    if (Arr.isReadonlyArrayNonEmpty(found)) return Effect.succeed(found)
    if (subscriber.state !== "ended") return pull(subscriber, convert)
    return subscriber.error === undefined ? Cause.done() : Effect.fail(subscriber.error)
  })

const policies: ReadonlyArray<unknown> = ["dropOldest", "dropNewest", "wait", "end"] satisfies ReadonlyArray<WhenFull>

/** What a subscriber is made of, once it is sound. */
export const subscriberOptions = (
  hub: TopicHub,
  { name: topic }: { readonly name: string },
  { capacity = 256, whenFull = "dropOldest" }: SubscribeOptions = {}
) =>
  Effect.suspend(() => {
    const problem = nameProblem(topic)
    if (problem !== undefined) return Effect.fail(problem)
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      return Effect.fail(invalidOption(topic, `capacity is a whole number from 1 on, and not ${capacity}`))
    }
    if (!policies.includes(whenFull)) {
      return Effect.fail(invalidOption(topic, `whenFull is one of ${policies.join(", ")}`))
    }
    return Effect.succeed({ topic, capacity, whenFull, counts: hub.counts })
  })

/** Adds a subscriber until the scope closes, and waits until everything comes. */
export const enter = (
  hub: TopicHub,
  { name }: { readonly name: string },
  subscriber: TopicSubscriber
): Effect.Effect<void, TopicError, Scope.Scope> =>
  whileOpen(
    () => hub.subscribe(name, subscriber),
    Effect.sync(() => hub.unsubscribe(name, subscriber))
  )
