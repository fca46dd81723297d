/** What programs import from `@pagi/websocket`: the upgrade for drivers, and the protocol machine by itself. */
export { Connection } from "./protocol/Connection.ts"
export type { Event } from "./protocol/Event.ts"
export type { Limits } from "./protocol/Limits.ts"
export { Rules } from "./protocol/Rules.ts"
export type { MessageCompression, WebSocketPlatform } from "./WebSocketPlatform.ts"
export * as WebSocketUpgrade from "./WebSocketUpgrade.ts"
