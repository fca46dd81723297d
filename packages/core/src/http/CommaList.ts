/** Lists in the values of fields, whose elements are separated by commas (RFC 9110 §5.6.1). */
import type { ByteString } from "../bytes/ByteString.ts"
import type { HeaderBlock } from "./HeaderBlock.ts"

const HTAB = 0x09
const SP = 0x20

/** The index of the first byte from `index` on that is not a blank. */
export const skipBlanks = (text: ByteString, index: number): number => {
  let next = index
  while (isBlank(text.charCodeAt(next))) next++
  return next
}

/**
 * The text without blanks at either end. `String.prototype.trim` would take 0xA0 away too, and thereby let a name pass
 * that others do not take for it.
 */
export const trimBlanks = (text: ByteString): ByteString => {
  const start = skipBlanks(text, 0)
  let end = text.length
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === SP || code === HTAB

/** The elements of a list, empty ones included. */
export const listElements = (value: ByteString): ReadonlyArray<ByteString> =>
  value.includes(",") ? value.split(",").map(trimBlanks) : [trimBlanks(value)]

/**
 * Whether the value of an Expect field asks for 100 (Continue); `undefined` when it asks for something else, which nobody
 * knows (RFC 9110 §10.1.1). Empty elements of a list say nothing (RFC 9110 §5.6.1.2).
 */
export const readExpect = (value: ByteString): boolean | undefined => {
  const expectations = listElements(value.toLowerCase()).filter((expectation) => expectation !== "")
  return expectations.every((expectation) => expectation === "100-continue") ? expectations.length > 0 : undefined
}

/** The values of all fields with this lower-case name. */
export const valuesOf = (headers: HeaderBlock, name: string): ReadonlyArray<ByteString> =>
  headers.filter((field) => field[0] === name).map((field) => field[1])
