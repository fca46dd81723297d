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

/** `tchar` of RFC 9110 §5.6.2. */
const isTokenCharacter = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x30 && code <= 0x39) ||
  (code < 0x80 && "!#$%&'*+-.^_`|~".includes(String.fromCharCode(code)))

/** Whether the text is a token (RFC 9110 §5.6.2), as field names, methods and transfer codings are. */
export const isToken = (text: string): boolean => {
  for (let index = 0; index < text.length; index++) {
    if (!isTokenCharacter(text.charCodeAt(index))) return false
  }
  return text.length > 0
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
