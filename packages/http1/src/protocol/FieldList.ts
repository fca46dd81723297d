import type { ByteString } from "@pagi/core/ByteString"
import { HTAB, SP } from "./ByteClass.ts"

/** The elements of a comma-separated list in lower case, empty ones included (RFC 9110 §5.6.1). */
export const listElements = (value: ByteString): ReadonlyArray<string> =>
  value.includes(",") ? value.split(",").map(normalize) : [normalize(value)]

const normalize = (element: ByteString): string => trimBlanks(element).toLowerCase()

/** `String.prototype.trim` would take 0xA0 away too, and thereby let a name pass that others do not take for it. */
const trimBlanks = (text: ByteString): ByteString => {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === SP || code === HTAB
