import type { ByteString } from "./ByteString.ts"

/**
 * Header or trailer fields in arrival order, duplicates kept. Names are lower case in everything that the server hands
 * to an application; names that an application sends may have any case and are written in lower case.
 */
export type HeaderBlock = ReadonlyArray<readonly [name: ByteString, value: ByteString]>

/** The value of the first field with this lower-case name. */
export const get = (headers: HeaderBlock, name: string): ByteString | undefined => {
  for (const header of headers) {
    if (header[0] === name) return header[1]
  }
  return undefined
}

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

const NAME_CACHE_SIZE = 512
const nameCache = new Map<string, string>()

/**
 * A name that an application sends, in lower case; `undefined` when it is not a token (RFC 9110 §5.1). Programs send the
 * same few names over and over, so the answer is remembered; the memory is emptied when made-up names have filled it.
 */
export const normalizeName = (name: string): string | undefined => {
  const known = nameCache.get(name)
  if (known !== undefined) return known
  if (!isToken(name)) return undefined
  const lower = name.toLowerCase()
  if (nameCache.size >= NAME_CACHE_SIZE) nameCache.clear()
  nameCache.set(name, lower)
  return lower
}

/**
 * Whether an application may send this as a field value (RFC 9110 §5.5): bytes without control bytes, except HTAB. CR,
 * LF and NUL are what would let a value end its line and start another field or another response.
 */
export const isValue = (value: string): boolean => {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false
  }
  return true
}
