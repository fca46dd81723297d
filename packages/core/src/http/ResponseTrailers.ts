/** The trailer section of a response: what an application may send as one (RFC 9110 §6.5). */
import type { ByteString } from "../bytes/ByteString.ts"
import type { HeaderBlock } from "./HeaderBlock.ts"
import { checkField } from "./ResponseField.ts"

/** What is wrong with trailers of which the start of the response said nothing. */
export const trailersNotAnnounced = "the response did not announce trailers"

/** Trailer fields as they are sent, without those that may not be trailers; text says what is wrong with one. */
export const readTrailers = (
  headers: HeaderBlock
): ReadonlyArray<readonly [name: ByteString, value: ByteString]> | string => {
  const fields: Array<readonly [name: ByteString, value: ByteString]> = []
  for (const [given, value] of headers) {
    const field = checkField(given, value)
    if (typeof field === "string") return field
    if (!field.isForbiddenTrailer) fields.push([field.name, value])
  }
  return fields
}
