import { type ByteString, toBytes } from "@pagi/core/bytes/ByteString"

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** What the platform makes of a byte string, `undefined` when it is not UTF-8. */
export const decodeStrictly = (text: ByteString): string | undefined => {
  try {
    return decoder.decode(toBytes(text))
  } catch {
    return undefined
  }
}

/** Every incomplete character becomes complete by one of these. */
const completions = ["", "\x80", "\xbf", "\x80\x80", "\xbf\x80", "\x80\x80\x80", "\xbf\x80\x80"]

const isPossible = (beginning: ByteString): boolean =>
  completions.some((completion) => decodeStrictly(beginning + completion) !== undefined)

/** The index of the first byte behind which no continuation is UTF-8; the length when there is none. */
export const firstImpossible = (text: ByteString): number => {
  for (let length = 1; length <= text.length; length++) {
    if (!isPossible(text.slice(0, length))) return length - 1
  }
  return text.length
}
