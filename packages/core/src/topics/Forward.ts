/** Sends a topic to a client. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { SseSendEvent, WebSocketSendEvent } from "../contract/Event.ts"
import type { Send } from "../contract/ReceiveSend.ts"
import type { SendError } from "../contract/SendError.ts"
import type { Gap, Told } from "./Backlog.ts"
import { Topics } from "./Service.ts"
import { enter, readTold, type SubscribeOptions, subscriberOptions } from "./Subscribe.ts"
import { Subscriber } from "./Subscriber.ts"
import type { Topic } from "./Topic.ts"
import { TopicCodec } from "./TopicCodec.ts"
import type { TopicError } from "./TopicError.ts"
import type { TopicHub } from "./TopicHub.ts"
import { TopicMessage } from "./TopicMessage.ts"

/** How a topic is sent to a client. */
export interface ForwardOptions<in A, out Event> extends SubscribeOptions {
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
 */
export const forward: {
  <A>(
    topic: Topic<A>,
    send: Send<WebSocketSendEvent>,
    options?: ForwardOptions<A, WebSocketSendEvent> & { readonly as?: "text" }
  ): Effect.Effect<void, TopicError | SendError, Topics>
  <A>(
    topic: Topic<A>,
    send: Send<SseSendEvent>,
    options: ForwardOptions<A, SseSendEvent> & { readonly as: "event" }
  ): Effect.Effect<void, TopicError | SendError, Topics>
} = <A, Event extends { readonly type: string }>(
  topic: Topic<A>,
  send: Send<Event>,
  options: ForwardOptions<A, Event> & { readonly as?: "text" | "event" } = {}
): Effect.Effect<void, TopicError | SendError, Topics> =>
  Effect.gen(function* () {
    const { hub } = yield* Topics
    const subscriber = new Subscriber(yield* subscriberOptions(hub, topic, options))
    yield* enter(hub, topic, subscriber)
    const form = formOf(hub, topic, options)
    for (;;) {
      yield* subscriber.ready
      // One by one: what is not sent yet stays where it counts.
      const told = subscriber.take()
      if (told !== undefined) {
        const event = form(told)
        if (event !== undefined) yield* send(event)
      } else if (subscriber.state === "ended") {
        return subscriber.error === undefined ? undefined : yield* Effect.fail(subscriber.error)
      }
    }
  }).pipe(Effect.scoped)

/** What is sent of a message or a gap, if anything. */
const formOf = <A, Event>(
  hub: TopicHub,
  topic: Topic<A>,
  { as = "text", gap, message }: ForwardOptions<A, Event> & { readonly as?: "text" | "event" }
): ((told: Told) => Event | undefined) => {
  // The overloads of `forward` see to it that these are events of the client.
  const plain = plainForms[as] as unknown as (told: TopicMessage) => Event
  if (message === undefined) return (told) => (told instanceof TopicMessage ? plain(told) : gap?.(told))
  const codec = TopicCodec.of(topic.schema)
  const make = (form: (value: A) => Event, told: TopicMessage) => Result.map(told.value(codec), form)
  return (told) => {
    if (!(told instanceof TopicMessage)) return gap?.(told)
    const event = told.derive(message, make)
    if (Result.isSuccess(event)) return event.success
    const read = readTold(hub, topic.name, codec, told)
    return read.type === "gap" ? gap?.(read) : undefined
  }
}

const plainForms = {
  text: ({ text }: TopicMessage): WebSocketSendEvent => ({ type: "websocket.send", text }),
  event: ({ text }: TopicMessage): SseSendEvent => ({ type: "sse.send", data: text })
}
