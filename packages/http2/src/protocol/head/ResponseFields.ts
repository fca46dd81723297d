/**
 * The header and trailer sections of a response: checked when the application gives them, encoded when they are sent.
 */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { trimBlanks } from "@pagi/core/http/FieldList"
import { isValue, nameProblem, normalizeName, parseContentLength, valueProblem } from "@pagi/core/http/FieldSyntax"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { isWithoutContent } from "@pagi/core/http/ResponseContent"
import type { Encoder } from "../hpack/Encoder.ts"
import type { OutputBuffer } from "../wire/OutputBuffer.ts"

/** An application's header or trailer section that has been validated, without what HTTP/2 does not carry. */
export interface PreparedFields {
  readonly fields: Array<readonly [name: ByteString, value: ByteString]>
  contentLength: number | undefined
  hasDate: boolean
}

/** The head of a final response that waits for what is still to be known of its content. */
export interface PreparedHead {
  readonly status: number
  readonly section: PreparedFields
  /** Whether the application will send a trailer section. */
  readonly trailers: boolean
}

/** Validates a section; text says what is wrong with it. */
export const prepareFields = (headers: HeaderBlock): PreparedFields | string => {
  const section: PreparedFields = { fields: [], contentLength: undefined, hasDate: false }
  for (const [given, value] of headers) {
    const name = normalizeName(given)
    if (name === undefined) return nameProblem(given)
    if (!isValue(value)) return valueProblem(given, value)
    switch (name) {
      // Fields about a connection (RFC 9113 §8.2.2).
      case "connection":
      case "keep-alive":
      case "proxy-connection":
      case "transfer-encoding":
      case "upgrade":
        break
      case "content-length": {
        const length = parseContentLength(value)
        // Equal repetitions are one field, different ones have no meaning (RFC 9110 §8.6).
        if (length === undefined || (section.contentLength ?? length) !== length) {
          return "content-length must be one decimal number"
        }
        section.contentLength = length
        break
      }
      default:
        if (name === "date") section.hasDate = true
        // A blank at either end would make the response malformed (RFC 9113 §8.2.1).
        section.fields.push([name, trimBlanks(value)])
    }
  }
  return section
}

/** Encodes the fields of a section, which a status may precede. */
export const encodeFields = (out: OutputBuffer, encoder: Encoder, { fields }: PreparedFields): void => {
  for (const field of fields) encoder.field(out, field[0], field[1])
}

/** Whether the response has no content: the request was HEAD, or the status has none (RFC 9110 §6.4.1). */
export const isContentless = ({ status }: PreparedHead, isHead: boolean): boolean => isHead || isWithoutContent(status)

/**
 * The Content-Length to send: the application's, or the length of content that is complete already. With HEAD it tells
 * what GET would have sent (RFC 9110 §9.3.2), of which empty content is no proof.
 */
export const contentLengthOf = (
  { section, status, trailers }: PreparedHead,
  wholeLength: number | undefined,
  isHead: boolean
): number | undefined => {
  if (status < 200 || status === 204) return undefined
  if (status === 205) return 0
  if (section.contentLength !== undefined) return section.contentLength
  if (trailers || status === 304) return undefined
  return isHead && wholeLength === 0 ? undefined : wholeLength
}
