/** Sends a topic to a client. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { SseSendEvent, WebSocketSendEvent } from "../contract/Event.ts"
import { directOf, type SharedEvent, type SharedMessage, sharedMessage } from "../contract/DirectSend.ts"
import type { Send } from "../contract/ReceiveSend.ts"
import type { SendError } from "../contract/SendError.ts"
import type { Gap } from "./Backlog.ts"
import { DirectSubscriber, type SharedForm } from "./DirectSubscriber.ts"
import { Topics } from "./Service.ts"
import { enter, readTold, type SubscribeOptions, subscriberOptions } from "./Subscribe.ts"
import { Subscriber } from "./Subscriber.ts"
import type { Topic } from "./Topic.ts"
import { TopicCodec } from "./TopicCodec.ts"
import type { TopicError } from "./TopicError.ts"
import type { TopicHub } from "./TopicHub.ts"
import { TopicMessage } from "./TopicMessage.ts"

/** How a topic is sent to a client. */
export interface ForwardOptions<in A, out Event, out E = never, out R = never> extends SubscribeOptions {
  /**
   * Run once everything comes that is published from then on, and before the first message is sent: accepts the client, or
   * sends it what was before. Messages of meanwhile are kept.
   */
  readonly onSubscribed?: Effect.Effect<unknown, E, R>
  /**
   * What the client gets of a message, such as `(said) => ({ type: "websocket.send", text: said.text })`. It is run once
   * for all clients of the process with the same function, so that should be made once, and not for each client.
   */
  readonly message?: (value: A) => Event
  /** What the client gets where messages are missing; nothing by default. */
  readonly gap?: (gap: Gap) => Event | undefined
}

/**
 * Subscribes, and sends every message to the client of `send`, until it is interrupted or the client has gone: its JSON as
 * a text message of the WebSocket, or, with `as: "event"`, as the `data` of an event. JSON is sent as it was published and
 * not checked against the schema again. Messages that a client cannot take yet wait in a buffer as with `subscribe`.
 *
 * With the `send` that the server hands to the application, a message goes down to the connection in the call that
 * publishes it, as the same bytes for all clients. Through a function around that, such as one that counts events, each
 * takes the ordinary way with the same result, except that this does not end by itself when the client has gone: then it
 * should be interrupted when the application is told so, as at the end of its scope.
 */
export const forward: {
  <A, E = never, R = never>(
    topic: Topic<A>,
    send: Send<WebSocketSendEvent>,
    options?: ForwardOptions<A, WebSocketSendEvent, E, R> & { readonly as?: "text" }
  ): Effect.Effect<void, TopicError | SendError | E, Topics | R>
  <A, E = never, R = never>(
    topic: Topic<A>,
    send: Send<SseSendEvent>,
    options: ForwardOptions<A, SseSendEvent, E, R> & { readonly as: "event" }
  ): Effect.Effect<void, TopicError | SendError | E, Topics | R>
} = <A, Event extends { readonly type: string }, E, R>(
  topic: Topic<A>,
  send: Send<Event>,
  options: ForwardOptions<A, Event, E, R> & { readonly as?: "text" | "event" } = {}
): Effect.Effect<void, TopicError | SendError | E, Topics | R> =>
  Effect.gen(function* () {
    const { hub } = yield* Topics
    const subscriberOf = yield* subscriberOptions(hub, topic, options)
    // The overloads see to it that these are events of the client; of others `send` tells.
    const form = formOf(hub, topic, options as unknown as AnyOptions<A>)
    const sendAny = send as unknown as Send<SharedEvent>
    const begin = options.onSubscribed ?? Effect.void
    const direct = directOf(send)
    if (direct === undefined) {
      const subscriber = new Subscriber(subscriberOf)
      yield* enter(hub, topic, subscriber)
      yield* begin
      return yield* sendEach(subscriber, form, sendAny)
    }
    const subscriber = new DirectSubscriber(direct, form, subscriberOf)
    yield* Effect.acquireRelease(
      Effect.sync(() => direct.follow(subscriber)),
      () => Effect.sync(() => direct.unfollow(subscriber))
    )
    yield* enter(hub, topic, subscriber)
    yield* begin
    subscriber.goOn()
    return yield* sendDirectly(subscriber, sendAny)
  }).pipe(Effect.scoped)

/** By a `send` that may do anything with the events. */
const sendEach = Effect.fnUntraced(function* (subscriber: Subscriber, form: SharedForm, send: Send<SharedEvent>) {
  for (;;) {
    yield* subscriber.ready
    // One by one: what is not sent yet stays where it counts.
    const told = subscriber.take()
    if (told !== undefined) {
      const message = form(told)
      if (message !== undefined) yield* send(message.event)
    } else if (subscriber.state === "ended") {
      return subscriber.error === undefined ? undefined : yield* Effect.fail(subscriber.error)
    }
  }
})

/** The fiber sends only what cannot be sent without it. */
const sendDirectly = Effect.fnUntraced(function* (subscriber: DirectSubscriber, send: Send<SharedEvent>) {
  for (;;) {
    const request = yield* subscriber.next
    if (request.type === "end") return yield* subscriber.result
    yield* send(request.event)
    subscriber.goOn()
  }
})

type AnyOptions<A> = ForwardOptions<A, SharedEvent> & { readonly as?: "text" | "event" }

/** What is sent of a message or a gap, if anything: made once for all who are sent the same. */
const formOf = <A>(hub: TopicHub, topic: Topic<A>, { as = "text", gap, message }: AnyOptions<A>): SharedForm => {
  const gapForm = (told: Gap) => {
    const event = gap?.(told)
    return event && sharedMessage(event)
  }
  if (message === undefined) {
    const plain = plainForms[as]
    return (told) => (told instanceof TopicMessage ? told.derive(plain, makePlain) : gapForm(told))
  }
  const codec = TopicCodec.of(topic.schema)
  const make = (form: (value: A) => SharedEvent, told: TopicMessage) =>
    Result.map(told.value(codec), (value) => sharedMessage(form(value)))
  return (told) => {
    if (!(told instanceof TopicMessage)) return gapForm(told)
    const shared = told.derive(message, make)
    if (Result.isSuccess(shared)) return shared.success
    const read = readTold(hub, topic.name, codec, told)
    return read.type === "gap" ? gapForm(read) : undefined
  }
}

const plainForms = {
  text: ({ text }: TopicMessage): SharedEvent => ({ type: "websocket.send", text }),
  event: ({ text }: TopicMessage): SharedEvent => ({ type: "sse.send", data: text })
}

const makePlain = (plain: (told: TopicMessage) => SharedEvent, told: TopicMessage): SharedMessage =>
  sharedMessage(plain(told))
