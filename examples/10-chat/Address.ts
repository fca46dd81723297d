/**
 * What the addresses of the chat say: `/rooms/lobby?name=Ada` for a member, with `&after=` and the id of the last message
 * for one who was there before, and `/rooms/lobby/members` for a look inside.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Letters and digits of any script, so that it needs no quoting where it is shown or written down. */
const RoomName = Schema.String.check(Schema.isPattern(/^[\p{L}\p{M}\p{N}_-]{1,30}$/u))

/** One line of text, with something to see. */
const MemberName = Schema.String.check(Schema.isPattern(/^(?=.*\S)[^\p{Cc}\p{Cs}]{1,30}$/u))

/** The id of a message, as far as it can be one. */
const MessageId = Schema.String.check(Schema.isPattern(/^[\d-]{1,40}$/))

const decodeRoom = Schema.decodeUnknownOption(Schema.Struct({ room: RoomName }))
const entrance = { room: RoomName, name: MemberName, after: Schema.optionalKey(MessageId) }
const decodeEntrance = Schema.decodeUnknownOption(Schema.Struct(entrance))

/** Phones begin words with a capital letter, which is not meant to lead into another room. */
const roomIn = (path: RegExpExecArray | null): string | undefined => path?.[1]?.normalize().toLowerCase()

/** Who wants to enter which room. */
export interface Entrance {
  readonly room: string
  readonly name: string
  /** The last message that this member knows; absent for one who knows none. */
  readonly after?: string
}

/** The room that somebody wants to enter, and under which name; none when the address says nothing of the kind. */
export const readEntrance = (path: string, queryString: string): Option.Option<Entrance> => {
  const query = new URLSearchParams(queryString)
  const after = query.get("after")
  return decodeEntrance({
    room: roomIn(/^\/rooms\/([^/]+)$/.exec(path)),
    name: query.get("name")?.trim(),
    ...(after === null ? {} : { after })
  })
}

/** The room whose members somebody wants to see. */
export const readMembersRoom = (path: string): Option.Option<string> =>
  Option.map(decodeRoom({ room: roomIn(/^\/rooms\/([^/]+)\/members$/.exec(path)) }), ({ room }) => room)
