/** Tables over all 256 bytes, so that a scan costs one load per byte. */
import { tokenBytes } from "@pagi/core/http/FieldSyntax"

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const COLON = 0x3a

const fillRange = (table: Uint8Array, first: number, last: number): void => {
  for (let byte = first; byte <= last; byte++) table[byte] = 1
}

export const isToken = tokenBytes

/** The lower case of each `tchar`, 0 for every other byte. */
export const lowerToken = isToken.map((allowed, byte) => {
  const isUpper = byte >= 0x41 && byte <= 0x5a
  return allowed === 0 ? 0 : isUpper ? byte + 0x20 : byte
})

/** Bytes of a field value: `field-vchar`, SP and HTAB (RFC 9110 §5.5). */
export const isFieldValue = new Uint8Array(256)
isFieldValue[HTAB] = 1
fillRange(isFieldValue, 0x20, 0x7e)
fillRange(isFieldValue, 0x80, 0xff)

/**
 * Bytes of a request-target: every visible byte except "#", which RFC 9112 §3.2 keeps out of a request. That is wider
 * than RFC 3986, because browsers send `|`, `{`, `"` and the like, and curl sends UTF-8, without encoding them.
 */
export const isTarget = new Uint8Array(256)
fillRange(isTarget, 0x21, 0x7e)
fillRange(isTarget, 0x80, 0xff)
isTarget["#".charCodeAt(0)] = 0
