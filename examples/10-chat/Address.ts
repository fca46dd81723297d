/** What the addresses of the chat say: `/rooms/lobby?name=Ada` for a member, `/rooms/lobby/members` for a look inside. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Letters and digits of any script, so that it needs no quoting where it is shown or written down. */
const RoomName = Schema.String.check(Schema.isPattern(/^[\p{L}\p{M}\p{N}_-]{1,30}$/u))

/** One line of text, with something to see. */
const MemberName = Schema.String.check(Schema.isPattern(/^(?=.*\S)[^\p{Cc}\p{Cs}]{1,30}$/u))

const decodeRoom = Schema.decodeUnknownOption(Schema.Struct({ room: RoomName }))
const decodeEntrance = Schema.decodeUnknownOption(Schema.Struct({ room: RoomName, name: MemberName }))

/** Phones begin words with a capital letter, which is not meant to lead into another room. */
const roomIn = (path: RegExpExecArray | null): string | undefined => path?.[1]?.normalize().toLowerCase()

/** The room that somebody wants to enter, and under which name; none when the address says nothing of the kind. */
export const readEntrance = (path: string, queryString: string): Option.Option<{ room: string; name: string }> =>
  decodeEntrance({
    room: roomIn(/^\/rooms\/([^/]+)$/.exec(path)),
    name: new URLSearchParams(queryString).get("name")?.trim()
  })

/** The room whose members somebody wants to see. */
export const readMembersRoom = (path: string): Option.Option<string> =>
  Option.map(decodeRoom({ room: roomIn(/^\/rooms\/([^/]+)\/members$/.exec(path)) }), ({ room }) => room)
