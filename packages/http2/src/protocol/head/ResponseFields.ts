/**
 * The header and trailer sections of a response: checked when the application gives them, encoded when they are sent.
 */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { contentLengthProblem, readContentLength } from "@pagi/core/http/ContentLength"
import { trimBlanks } from "@pagi/core/http/CommaList"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { checkField } from "@pagi/core/http/ResponseField"
import { readTrailers } from "@pagi/core/http/ResponseTrailers"
import type { Encoder } from "../hpack/Encoder.ts"
import type { OutputBuffer } from "../wire/OutputBuffer.ts"

/**
 * An application's header or trailer section that has been validated, without what HTTP/2 does not carry. Values have no
 * blanks at their ends, which would make the response malformed (RFC 9113 §8.2.1).
 */
export interface PreparedFields {
  readonly fields: Array<readonly [name: ByteString, value: ByteString]>
  contentLength: number | undefined
  hasDate: boolean
}

/** The head of a final response that waits for what is still to be known of its content. */
export interface PreparedHead {
  readonly status: number
  readonly section: PreparedFields
}

/** Validates a header section; text says what is wrong with it. */
export const prepareFields = (headers: HeaderBlock): PreparedFields | string => {
  const section: PreparedFields = { fields: [], contentLength: undefined, hasDate: false }
  for (const [given, value] of headers) {
    const field = checkField(given, value)
    if (typeof field === "string") return field
    switch (field.role) {
      // HTTP/2 has no fields about a connection (RFC 9113 §8.2.2).
      case "connection":
      case "upgrade":
      case "hop":
        break
      case "content-length":
        section.contentLength = readContentLength(value, section.contentLength)
        if (section.contentLength === undefined) return contentLengthProblem
        break
      default:
        if (field.role === "date") section.hasDate = true
        section.fields.push([field.name, trimBlanks(value)])
    }
  }
  return section
}

/** Validates a trailer section, and leaves out what may not be in one; text says what is wrong with it. */
export const prepareTrailers = (headers: HeaderBlock): PreparedFields | string => {
  const trailers = readTrailers(headers)
  if (typeof trailers === "string") return trailers
  return {
    fields: trailers.map(([name, value]) => [name, trimBlanks(value)]),
    contentLength: undefined,
    hasDate: false
  }
}

/** Encodes the fields of a section, which a status may precede. */
export const encodeFields = (out: OutputBuffer, encoder: Encoder, { fields }: PreparedFields): void => {
  for (const field of fields) encoder.field(out, field[0], field[1])
}
