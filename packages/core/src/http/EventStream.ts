/** The format of event streams (HTML standard, "Server-sent events"), as the server writes it. */
import type { HeaderBlock } from "./HeaderBlock.ts"

/** What an event consists of. `event` and `id` have no line break. */
export interface StreamEvent {
  readonly data: string
  readonly event?: string
  readonly id?: string
  /** Milliseconds after which the client connects again when the stream has ended. */
  readonly retry?: number
}

const lineBreak = /\r\n|\r|\n/g

/** One line of the stream for each line of the text, whichever way its lines end. */
const writeLines = (prefix: string, text: string): string =>
  text.includes("\n") || text.includes("\r")
    ? `${prefix}${text.replaceAll(lineBreak, `\n${prefix}`)}\n`
    : `${prefix}${text}\n`

/** An event with the blank line that dispatches it. */
export const encodeEvent = ({ data, event, id, retry }: StreamEvent): string => {
  let text = ""
  if (event !== undefined) text += `event: ${event}\n`
  if (id !== undefined) text += `id: ${id}\n`
  if (retry !== undefined) text += `retry: ${retry}\n`
  return `${text}${writeLines("data: ", data)}\n`
}

/** A comment, which clients ignore. Its lines get a colon, except that a first one which has it already keeps it. */
export const encodeComment = (comment: string): string =>
  `${writeLines(":", comment.startsWith(":") ? comment.slice(1) : comment)}\n`

/** Whether an Accept field lists event streams, with a weight other than 0 (RFC 9110 §12.5.1). */
export const accepts = (accept: string): boolean =>
  accept.toLowerCase().includes("text/event-stream") && accept.split(",").some(isEventStream)

const nameLength = "content-type".length

/** Whether the fields of a response say that its content is an event stream; their names may be in any case. */
export const isContent = (headers: HeaderBlock): boolean => {
  for (const header of headers) {
    const name = header[0]
    if (name.length === nameLength && name.toLowerCase() === "content-type") return accepts(header[1])
  }
  return false
}

const isEventStream = (range: string): boolean => {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase())
  return type === "text/event-stream" && !parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter))
}
