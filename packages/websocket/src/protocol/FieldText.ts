import type { ByteString } from "@pagi/core/ByteString"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"

const HTAB = 0x09
const SP = 0x20

/** The index of the first byte from `index` on that is not a blank. */
export const skipBlanks = (text: ByteString, index: number): number => {
  let next = index
  while (isBlank(text.charCodeAt(next))) next++
  return next
}

/** `String.prototype.trim` would take 0xA0 away too, which is not white space in a field. */
const trimBlanks = (text: ByteString): ByteString => {
  let end = text.length
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(skipBlanks(text, 0), end)
}

const isBlank = (code: number): boolean => code === SP || code === HTAB

/** The elements of a comma-separated list, empty ones included (RFC 9110 §5.6.1). */
export const listElements = (value: ByteString): ReadonlyArray<ByteString> => value.split(",").map(trimBlanks)

/** The values of all fields with this lower-case name. */
export const valuesOf = (headers: HeaderBlock, name: string): ReadonlyArray<ByteString> =>
  headers.filter((field) => field[0] === name).map((field) => field[1])
