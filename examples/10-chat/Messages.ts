/** What goes over the WebSocket of a member, as JSON. `public/chat.js` has the other end. */
import * as Schema from "effect/Schema"

export const Text = Schema.String.check(
  Schema.isPattern(/\S/, { message: "There is nothing in it." }),
  Schema.isMaxLength(2000, { message: "It has more than 2000 characters." })
)

/** What a member has chosen for a message, so that it is told once even if it comes twice, over another connection. */
export const Key = Schema.String.check(Schema.isPattern(/^[\w-]{1,40}$/))

/** From a member: to be told to everyone. */
const Say = Schema.Struct({ type: Schema.Literal("say"), key: Schema.optionalKey(Key), text: Text })

/** To everyone, the speaker included: somebody has said something. */
export const Said = Schema.Struct({
  type: Schema.Literal("said"),
  /** Different from that of all other messages, so that nobody shows one twice that is repeated. */
  id: Schema.String,
  /** As the speaker has sent it, who knows by it that the message has arrived. */
  key: Schema.optionalKey(Key),
  from: Schema.String,
  text: Text,
  /** Milliseconds since 1970. */
  at: Schema.Int
})

/** To a member whose message was not taken. */
const Refused = Schema.Struct({
  type: Schema.Literal("refused"),
  key: Schema.optionalKey(Key),
  reason: Schema.String
})

/** Anything may come from a client, so it is checked before anything else is done with it. */
export const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Say))

export const encode = Schema.encodeSync(Schema.fromJsonString(Schema.Union([Said, Refused])))
