/**
 * Writes the head of a response: checks its fields, chooses the framing, and adds what is the server's to say (RFC 9112
 * §4 to §6).
 */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { contentLengthProblem, contentLengthToSend, readContentLength } from "@pagi/core/http/ContentLength"
import { listElements } from "@pagi/core/http/CommaList"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { checkField } from "@pagi/core/http/ResponseField"
import { isContentless } from "@pagi/core/http/ResponseStatus"
import { readTrailers } from "@pagi/core/http/ResponseTrailers"
import { BodyEncoder, type BodyFraming } from "./BodyEncoder.ts"
import { statusLine } from "./StatusLine.ts"

/** A response head that has been validated, and waits for what is still to be known of its body. */
export interface PreparedHead {
  readonly status: number
  readonly fields: EncodedFields
  /** Whether the application will send a trailer section after the body. */
  readonly trailers: boolean
  /** A ready-made IMF-fixdate, used when the application sent no Date (RFC 9110 §6.6.1). */
  readonly date: string
}

/** What the response has to know of its request. */
export interface ResponseContext {
  readonly isHead: boolean
  readonly httpVersion: "1.0" | "1.1"
  /** Whether the connection could be used again after this response. */
  readonly persistent: boolean
}

/** A head that is ready to be written, and what was decided with it. */
export interface EncodedHead {
  readonly text: ByteString
  readonly encoder: BodyEncoder
  readonly persistent: boolean
  readonly isUpgrade: boolean
}

/** Validates the head of a final response, or of 101; text says what is wrong with it. */
export const prepareHead = (
  status: number,
  headers: HeaderBlock,
  trailers: boolean,
  date: string
): PreparedHead | string => {
  const fields = encodeFields(headers)
  return typeof fields === "string" ? fields : { status, fields, trailers, date }
}

/** Encodes a head (RFC 9112 §4 and §5). `wholeLength` is the length of the body, when all of it is there already. */
export const encodeHead = (
  prepared: PreparedHead,
  wholeLength: number | undefined,
  context: ResponseContext
): EncodedHead => {
  const { status, fields } = prepared
  const framing = chooseFraming(prepared, wholeLength, context)
  const length = chooseContentLength(prepared, framing, wholeLength, context)
  const wantsClose = fields.connection !== undefined && listElements(fields.connection.toLowerCase()).includes("close")
  const isUpgrade = status === 101
  const persistent = context.persistent && !wantsClose && framing !== "until-close" && !isUpgrade
  let text = statusLine(status) + fields.lines
  if (framing === "chunked") text += "transfer-encoding: chunked\r\n"
  else if (length !== undefined) text += lengthLine(length)
  if (!isUpgrade) text += connectionField(persistent, context)
  else if (fields.connection !== undefined) text += `connection: ${fields.connection}\r\n`
  // Also a chunked body, which trailers make of it, has to keep to the length that the application stated.
  const encoder = new BodyEncoder(framing, length ?? fields.contentLength, prepared.trailers)
  text += fields.hasDate ? "\r\n" : endWithDate(prepared.date)
  return { text, encoder, persistent, isUpgrade }
}

// Lines that are the same for many responses are made once: each part of a text costs when the whole is written.

/** The same text, in one piece: V8 keeps one that was put together as its parts until somebody looks at a character. */
const flat = (text: ByteString): ByteString => {
  text.charCodeAt(0)
  return text
}

interface KnownLine {
  readonly given: string
  readonly value: ByteString
  readonly line: ByteString
}

/** How many fields of a response are compared with those before, and bytes of a value. */
const knownPlaces = 8
const longestKnown = 128

/** The field that was last sent at each place: programs send the same ones again and again. */
const lastLines: Array<KnownLine | undefined> = Array.from({ length: knownPlaces }, () => undefined)

const shortLengthLines: Array<ByteString | undefined> = Array.from({ length: 1024 }, () => undefined)

const lengthLine = (length: number): ByteString => {
  if (length >= shortLengthLines.length) return `content-length: ${length}\r\n`
  return (shortLengthLines[length] ??= flat(`content-length: ${length}\r\n`))
}

let lastDate = ""
let lastEnd = ""

/** The line with the date, which is the same for a second, and the empty line behind it. */
const endWithDate = (date: string): ByteString => {
  if (date !== lastDate) {
    lastDate = date
    lastEnd = flat(`date: ${date}\r\n\r\n`)
  }
  return lastEnd
}

/** Encodes an interim response (RFC 9110 §15.2), which has neither content nor framing of its own. */
export const encodeInformational = (status: number, fields: EncodedFields): ByteString =>
  `${statusLine(status)}${fields.lines}\r\n`

/** What an application's header section comes to, without the fields that are the server's to write. */
export interface EncodedFields {
  lines: ByteString
  contentLength: number | undefined
  connection: ByteString | undefined
  hasDate: boolean
}

/** Validates fields and writes them as lines, so that no value can end its line (RFC 9112 §11.1). */
export const encodeFields = (headers: HeaderBlock): EncodedFields | string => {
  const fields: EncodedFields = { lines: "", contentLength: undefined, connection: undefined, hasDate: false }
  let place = -1
  for (const [given, value] of headers) {
    const known = lastLines[++place]
    if (known !== undefined && known.given === given && known.value === value) {
      fields.lines += known.line
      continue
    }
    const field = checkField(given, value)
    if (typeof field === "string") return field
    switch (field.role) {
      case "content-length":
        fields.contentLength = readContentLength(value, fields.contentLength)
        if (fields.contentLength === undefined) return contentLengthProblem
        break
      case "connection":
        fields.connection = fields.connection === undefined ? value : `${fields.connection}, ${value}`
        break
      case "hop":
        break
      case "date":
        fields.hasDate = true
        fields.lines += `date: ${value}\r\n`
        break
      default: {
        const line = `${field.name}: ${value}\r\n`
        fields.lines += line
        if (place < knownPlaces && value.length <= longestKnown) lastLines[place] = { given, value, line: flat(line) }
      }
    }
  }
  return fields
}

/** A trailer section as lines. */
export interface EncodedTrailers {
  readonly lines: ByteString
}

/** Validates trailer fields and writes them as lines, without those that may not be trailers. */
export const encodeTrailers = (headers: HeaderBlock): EncodedTrailers | string => {
  const trailers = readTrailers(headers)
  if (typeof trailers === "string") return trailers
  return { lines: trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("") }
}

/** How the recipient finds the end of the body (RFC 9112 §6.3). */
const chooseFraming = (
  { status, fields, trailers }: PreparedHead,
  wholeLength: number | undefined,
  { isHead, httpVersion }: ResponseContext
): BodyFraming => {
  if (isContentless(status, isHead)) return "none"
  const canChunk = httpVersion === "1.1"
  if (trailers && canChunk) return "chunked"
  if (fields.contentLength !== undefined || wholeLength !== undefined) return "length"
  return canChunk ? "chunked" : "until-close"
}

/** The value of Content-Length to send. Where a length frames the content, as for HTTP/1.0, no trailers follow it. */
const chooseContentLength = (
  { status, fields, trailers }: PreparedHead,
  framing: BodyFraming,
  wholeLength: number | undefined,
  { isHead }: ResponseContext
): number | undefined =>
  framing === "chunked"
    ? undefined
    : contentLengthToSend(status, fields.contentLength, wholeLength, isHead, trailers && framing !== "length")

/** Only what differs from the version's default is said (RFC 9112 §9.3 and §9.6). */
const connectionField = (persistent: boolean, { httpVersion }: ResponseContext): ByteString => {
  if (httpVersion === "1.1") return persistent ? "" : "connection: close\r\n"
  return persistent ? "connection: keep-alive\r\n" : ""
}
