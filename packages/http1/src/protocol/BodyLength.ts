/** The length of a request body, or why it is in doubt (RFC 9112 §6.3). */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { listElements } from "@pagi/core/http/CommaList"
import { isToken, parseContentLength } from "@pagi/core/http/FieldSyntax"
import type { Limits } from "./Limits.ts"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"
import type { RoutingFields } from "./RoutingFields.ts"

/** Stands for a body whose length the chunked coding will tell. */
export const CHUNKED = -1

/**
 * The length of a request body (RFC 9112 §6.3), `CHUNKED`, or why it is in doubt. Whatever two recipients might read
 * differently is refused, since such a difference is what request smuggling lives on (RFC 9112 §11.2).
 */
export const requestBodyLength = (
  fields: RoutingFields,
  httpVersion: "1.0" | "1.1",
  limits: Limits
): number | ProtocolError => {
  const { contentLength, transferEncoding } = fields
  if (transferEncoding !== undefined) {
    if (httpVersion === "1.0") return protocolError("transfer-encoding-in-1.0")
    if (contentLength !== undefined) return protocolError("conflicting-framing")
    return checkTransferEncoding(transferEncoding) ?? CHUNKED
  }
  if (contentLength === undefined) return 0
  if (fields.contentLengthCount > 1) return protocolError("duplicate-content-length")
  const length = parseContentLength(contentLength)
  if (length === undefined) return protocolError("invalid-content-length")
  return limits.maxBodySize > 0 && length > limits.maxBodySize ? protocolError("body-too-large") : length
}

/**
 * The one acceptable value is `chunked`. Other codings before a final `chunked` could have been understood, so they get
 * 501 (RFC 9112 §6.1); without a final `chunked`, or with two, the body has no certain end: 400 (RFC 9112 §6.3).
 */
const checkTransferEncoding = (value: ByteString): ProtocolError | undefined => {
  const codings = listElements(value.toLowerCase())
  const last = codings.at(-1)
  if (last === "chunked" && codings.length === 1) return undefined
  const others = codings.slice(0, -1)
  const isUnderstandable = last === "chunked" && others.every((coding) => isToken(coding) && coding !== "chunked")
  return protocolError(isUnderstandable ? "unknown-transfer-coding" : "invalid-transfer-encoding")
}
