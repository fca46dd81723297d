/** What names and values of fields consist of (RFC 9110 §5), and what is said of those that do not. */
import type { ByteString } from "../bytes/ByteString.ts"

/** 1 for every byte that is a `tchar` (RFC 9110 §5.6.2), 0 for the others. */
export const tokenBytes: Uint8Array = new Uint8Array(256).map((_, byte) =>
  /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(byte)) ? 1 : 0
)

/** Whether the text is a token (RFC 9110 §5.6.2), as field names, methods and transfer codings are. */
export const isToken = (text: string): boolean => {
  for (let index = 0; index < text.length; index++) {
    if (tokenBytes[text.charCodeAt(index)] !== 1) return false
  }
  return text.length > 0
}

/**
 * The number that a Content-Length states (RFC 9110 §8.6): digits alone, and not more than an integer can be exact;
 * `undefined` otherwise.
 */
export const parseContentLength = (value: ByteString): number | undefined => {
  let length = 0
  for (let index = 0; index < value.length; index++) {
    const digit = value.charCodeAt(index) - 0x30
    if (!(digit >= 0 && digit <= 9)) return undefined
    length = length * 10 + digit
    if (length > Number.MAX_SAFE_INTEGER) return undefined
  }
  return value.length === 0 ? undefined : length
}

/**
 * Whether an application may send this as a field value (RFC 9110 §5.5): bytes without control bytes, except HTAB. CR,
 * LF and NUL are what would let a value end its line and start another field or another response.
 */
export const isValue = (value: string): boolean => {
  for (let index = 0; index < value.length; index++) {
    if (!isValueCode(value.charCodeAt(index))) return false
  }
  return true
}

const isValueCode = (code: number): boolean => !((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff)

/** What is wrong with a name that is not a token. */
export const nameProblem = (name: string): string => {
  const index = firstIndex(name, (code) => tokenBytes[code] === 1)
  const why = index < 0 ? "it is empty" : characterAt(name, index)
  return `header name ${JSON.stringify(name)} is not a token: ${why}`
}

/** What is wrong with a value that `isValue` refuses. */
export const valueProblem = (name: string, value: string): string => {
  const index = firstIndex(value, isValueCode)
  const advice = value.charCodeAt(index) > 0xff ? "; values are byte strings, so text has to be encoded" : ""
  return `the value of header ${JSON.stringify(name)} has a forbidden character: ${characterAt(value, index)}${advice}`
}

/** Where the first character is that is not allowed; -1 when all are. */
const firstIndex = (text: string, isAllowed: (code: number) => boolean): number => {
  for (let index = 0; index < text.length; index++) {
    if (!isAllowed(text.charCodeAt(index))) return index
  }
  return -1
}

const controlNames = new Map([
  [0x00, "NUL"],
  [0x09, "a tab"],
  [0x0a, "a line feed"],
  [0x0d, "a carriage return"],
  [0x20, "a space"]
])

/** A character and its place, counted from 1. */
const characterAt = (text: string, index: number): string => {
  const code = text.codePointAt(index) ?? 0
  const number = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`
  const isVisible = code > 0x20 && !(code >= 0x7f && code < 0xa0)
  const name =
    controlNames.get(code) ?? (isVisible ? JSON.stringify(String.fromCodePoint(code)) : "a control character")
  return `${name} (${number}) at position ${index + 1} of ${text.length}`
}
