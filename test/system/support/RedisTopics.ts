/** Processes with topics by Redis as far as Redis can tell: in the test, each with a connection and a name of its own. */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Topic from "@pagi/core/Topic"
import * as Topics from "@pagi/core/Topics"
import * as RedisTopics from "@pagi/node/RedisTopics"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

export const room = Topic.make("room", Schema.String, { member: Schema.String })

export const prefix = "test"

export type Process = Context.Context<Topics.Topics>

export const connect = (url: string, options: RedisTopics.RedisTopicsOptions = {}) =>
  Layer.build(Layer.fresh(RedisTopics.layer({ prefix, ...options }).pipe(Layer.provide(NodeRedis.layer({ url })))))

/** What comes by the topic, as texts; gaps in their places. */
export const listen = (process: Process, topic: Topic.Topic<string> = room) =>
  Effect.gen(function* () {
    const heard: Array<string> = []
    const events = yield* Topics.subscribeEvents(topic, { capacity: 200_000 })
    yield* Effect.forkScoped(
      Stream.runForEach(events, (event) =>
        Effect.sync(() => heard.push(event.type === "message" ? event.value : `gap: ${event.reason}`))
      )
    )
    return heard
  }).pipe(Effect.provide(process))

export const publish = (process: Process, text: string, topic: Topic.Topic<string> = room) =>
  Effect.provide(Topics.publish(topic, text), process)

export const joinAs = (process: Process, name: string) => Effect.provide(Topics.join(room, name), process)
