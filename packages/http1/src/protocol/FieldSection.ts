/** Checks and reads the field lines of a header or trailer section (RFC 9112 §5). */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { COLON, CR, HTAB, isFieldValue, LF, lowerToken, SP } from "./ByteClass.ts"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"

/**
 * The positions that a scan found, four for each field: name start and end, value start and end. One array serves all
 * connections: it is filled and read within one synchronous step, and a position is cheaper there than in an object.
 */
const positions: Array<number> = []

const at = (index: number): number => positions[index] ?? 0

/**
 * Checks the field lines (RFC 9112 §5) in `bytes` from `start` up to the empty line, whose CRLF ends at `end`, and puts
 * their names into lower case in place. Gives the number of fields; their positions are kept for `readFields`.
 *
 * - A name is a token, with the colon directly behind it (RFC 9112 §5.1).
 * - A value has no control bytes except HTAB, and the blanks around it are not part of it (RFC 9110 §5.5).
 * - A line may not start with a blank: neither folded (RFC 9112 §5.2) nor as the first one (RFC 9112 §2.2).
 */
export const scanFields = (bytes: Uint8Array, start: number, end: number): number | ProtocolError => {
  const stop = end - 2
  let count = 0
  let index = start
  while (index < stop) {
    const nameStart = index
    index = lowerName(bytes, index)
    if (bytes[index] !== COLON || index === nameStart) {
      return protocolError(isBlank(bytes[nameStart]) ? "obsolete-folding" : "malformed-header")
    }
    const nameEnd = index
    index++
    while (isBlank(bytes[index])) index++
    const valueStart = index
    while (isFieldValue[bytes[index] ?? 0] === 1) index++
    if (bytes[index] !== CR || bytes[index + 1] !== LF) return protocolError("malformed-header")
    let valueEnd = index
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1])) valueEnd--
    index += 2
    const slot = count * 4
    positions[slot] = nameStart
    positions[slot + 1] = nameEnd
    positions[slot + 2] = valueStart
    positions[slot + 3] = valueEnd
    count++
  }
  return count
}

/** Puts a token into lower case; gives the index of the first byte behind it. */
const lowerName = (bytes: Uint8Array, start: number): number => {
  let index = start
  for (;;) {
    const lower = lowerToken[bytes[index] ?? 0] ?? 0
    if (lower === 0) return index
    bytes[index] = lower
    index++
  }
}

const isBlank = (byte: number | undefined): boolean => byte === SP || byte === HTAB

/** Cuts the `count` fields of the last scan out of `text`, whose first code unit is the byte at `textStart`. */
export const readFields = (
  text: ByteString,
  textStart: number,
  count: number
): Array<[name: string, value: string]> => {
  const fields: Array<[string, string]> = []
  for (let slot = 0; slot < count * 4; slot += 4) {
    const name = text.slice(at(slot) - textStart, at(slot + 1) - textStart)
    const value = text.slice(at(slot + 2) - textStart, at(slot + 3) - textStart)
    fields.push([name, value])
  }
  return fields
}
