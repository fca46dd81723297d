/**
 * What processes tell each other through Redis, as texts. What another program has published to these channels is not
 * understood, and has no effect.
 */
import type { GapReason } from "@pagi/core/topics/TopicLink"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** The length of a process's id, which is in front of each message. */
export const idLength = 16

const letters = { message: "m", disconnected: "d", overloaded: "o" } as const

/** What comes by a topic's channel. */
export type TopicText =
  | { readonly type: "message"; readonly process: string; readonly text: string }
  | { readonly type: "gap"; readonly process: string; readonly reason: GapReason }

/** A message to a topic. */
export const message = (process: string, text: string): string => letters.message + process + text

/** That messages of this process may be missing: to the topic, or to all when it comes by the channel of all. */
export const gap = (process: string, reason: GapReason): string => letters[reason] + process

export const readTopicText = (text: string): TopicText | undefined => {
  if (text.length <= idLength) return undefined
  const process = text.slice(1, idLength + 1)
  switch (text[0]) {
    case letters.message:
      return { type: "message", process, text: text.slice(idLength + 1) }
    case letters.disconnected:
      return { type: "gap", process, reason: "disconnected" }
    case letters.overloaded:
      return { type: "gap", process, reason: "overloaded" }
    default:
      return undefined
  }
}

const MemberChange = Schema.Union([
  Schema.Tuple([Schema.Literal("join"), Schema.String, Schema.String, Schema.String]),
  Schema.Tuple([Schema.Literal("leave"), Schema.String, Schema.String]),
  Schema.Tuple([Schema.Literal("anew"), Schema.String])
])

/**
 * What comes by the channel of a topic's changes: `join` with process, id and text; `leave` with process and id; `anew`
 * when what Redis knows of a process in this topic is to be read again.
 */
export type MemberChange = typeof MemberChange.Type

export const memberChange = (change: MemberChange): string => JSON.stringify(change)

const decodeMemberChange = Schema.decodeUnknownOption(Schema.fromJsonString(MemberChange))

export const readMemberChange = (text: string): MemberChange | undefined =>
  Option.getOrUndefined(decodeMemberChange(text))

/** That a process has ended or is lost; the second, because its connection was not seen any more. */
export const goneLetter = "g"
export const unseenLetter = "u"

/** The process that is gone, where the text is what comes by the channel of all then. */
export const readGone = (text: string): { readonly process: string; readonly wasUnseen: boolean } | undefined => {
  const [letter] = text
  if (text.length <= idLength || (letter !== goneLetter && letter !== unseenLetter)) return undefined
  return { process: text.slice(1), wasUnseen: letter === unseenLetter }
}
