/** What goes over the WebSocket of a member, and through the topic of a room. The page is that of `10-chat`. */
import * as Topic from "@pagi/core/Topic"
import * as Schema from "effect/Schema"
import { Said } from "../10-chat/Messages.ts"

/** To a member who has come in: which of the servers this is. */
const Welcome = Schema.Struct({ type: Schema.Literal("welcome"), server: Schema.String })

export const encode = Schema.encodeSync(Schema.fromJsonString(Schema.Union([Welcome, Said])))

/** A message as all rooms of this name are told of it, in all processes. */
export const Told = Schema.Struct({
  message: Said,
  /** The id of the message before it in this room. Who does not have that one has missed something. */
  previous: Schema.String
})

export type Told = typeof Told.Type

const member = Schema.Struct({ name: Schema.String })

/** The topic of a room, whose members are those of the room. */
export const topicOf = (room: string) => Topic.make(`room/${room}`, Told, { member })
