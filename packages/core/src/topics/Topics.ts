/**
 * Publish and subscribe, and who is there, in one process or many:
 *
 * ```ts
 * const chat = Effect.gen(function* () {
 *   const messages = yield* Topics.subscribe(room("lobby"))
 *   yield* Topics.publish(room("lobby"), { from: "Ada", text: "Hello" })
 *   console.log(yield* Queue.take(messages))
 * })
 * ```
 *
 * `layer` is for one process. What connects several is another layer, such as that of `@pagi/node/PagiTopics`, and changes
 * nothing else in a program.
 */
export type { Gap, MissedReason } from "./Backlog.ts"
export { forward, type ForwardOptions } from "./Forward.ts"
export { join, type Member, members, presence, type PresenceEvent } from "./Members.ts"
export { publish } from "./Publish.ts"
export { layer, layerLink, Topics } from "./Service.ts"
export { events, stream, subscribe, subscribeEvents, type SubscribeOptions, type TopicEvent } from "./Subscribe.ts"
export type { WhenFull } from "./Subscriber.ts"
export { TopicError } from "./TopicError.ts"
export type { LeaveReason } from "./TopicMembers.ts"
