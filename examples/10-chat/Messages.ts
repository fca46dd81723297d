/** What goes over the WebSocket of a member, as JSON. `public/chat.js` has the other end. */
import * as Schema from "effect/Schema"

const Text = Schema.String.check(
  Schema.isPattern(/\S/, { message: "There is nothing in it." }),
  Schema.isMaxLength(2000, { message: "It has more than 2000 characters." })
)

/** From a member: to be told to everyone. */
const Say = Schema.Struct({ type: Schema.Literal("say"), text: Text })

/** To everyone, the speaker included: somebody has said something. */
const Said = Schema.Struct({
  type: Schema.Literal("said"),
  /** Different from that of all other messages, so that nobody shows one twice that is repeated. */
  id: Schema.String,
  from: Schema.String,
  text: Text,
  /** Milliseconds since 1970. */
  at: Schema.Int
})

/** To a member whose message was not understood. */
const Refused = Schema.Struct({ type: Schema.Literal("refused"), reason: Schema.String })

/** Anything may come from a client, so it is checked before anything else is done with it. */
export const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Say))

export const encode = Schema.encodeSync(Schema.fromJsonString(Schema.Union([Said, Refused])))
