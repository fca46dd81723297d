/**
 * A chat on several servers: Redis carries what is said from one to the others, and remembers it.
 *
 *     npm run example:cluster-chat
 *
 * - `start.ts` and `launcher`: start Redis, the servers and HAProxy (`haproxy.cfg`) on this machine
 * - `Messages.ts`: what goes over a WebSocket and through a topic
 * - `History.ts`: what was said, in a stream of Redis
 * - `Room.ts` and `Rooms.ts`: tell those who are here what is said anywhere
 * - `Conversation.ts`: the WebSocket of a member
 * - `Presence.ts`: the event stream about those who are there
 * - `Chat.ts`: the application, of all of these
 * - `entities.ts`: the second variant, whose rooms are entities of a cluster
 */
import * as RedisTopics from "@pagi/node/RedisTopics"
import * as Layer from "effect/Layer"
import * as Chat from "./Chat.ts"
import * as History from "./History.ts"

/** Redis is where REDIS_URL says; what the topics connect to it with is there for the history as well. */
export default Chat.layer.pipe(Layer.provide(History.layerRedis), Layer.provide(RedisTopics.layerConfig))
