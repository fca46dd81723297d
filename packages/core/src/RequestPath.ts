import { type ByteString, decodeUtf8 } from "./ByteString.ts"

const PERCENT = 0x25

/** The value of one hexadecimal digit, or -1. */
const hexadecimalValue = (code: number): number => {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Undoes percent-encoding (RFC 3986 §2.1) from the first "%" on; `undefined` when it is malformed. */
const percentDecode = (text: ByteString, firstPercent: number): ByteString | undefined => {
  let decoded = ""
  let literalStart = 0
  for (let at = firstPercent; at !== -1; at = text.indexOf("%", literalStart)) {
    if (at + 2 >= text.length) return undefined
    const high = hexadecimalValue(text.charCodeAt(at + 1))
    const low = hexadecimalValue(text.charCodeAt(at + 2))
    if (high < 0 || low < 0) return undefined
    decoded += text.slice(literalStart, at) + String.fromCharCode(high * 16 + low)
    literalStart = at + 3
  }
  return decoded + text.slice(literalStart)
}

/**
 * The path that an application sees: percent-decoded once, then decoded as UTF-8; when the bytes are not valid UTF-8
 * they stay as they are, one code unit each. `undefined` for malformed percent-encoding and for a NUL, encoded or not,
 * because a path that is cut short at a NUL names something else than the path that was checked.
 */
export const decode = (rawPath: ByteString): string | undefined => {
  let isAscii = true
  let firstPercent = -1
  for (let index = 0; index < rawPath.length; index++) {
    const code = rawPath.charCodeAt(index)
    if (code === PERCENT) {
      firstPercent = index
      break
    }
    if (code === 0) return undefined
    if (code > 0x7f) isAscii = false
  }
  if (firstPercent === -1) return isAscii ? rawPath : (decodeUtf8(rawPath) ?? rawPath)
  const bytes = percentDecode(rawPath, firstPercent)
  if (bytes === undefined || bytes.includes("\0")) return undefined
  return decodeUtf8(bytes) ?? bytes
}
