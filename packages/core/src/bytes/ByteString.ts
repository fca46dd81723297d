/**
 * Strings whose code units are bytes (0x00 to 0xFF). The contract uses them for header names and values,
 * `rawPath` and `queryString`; the protocol machines also write heads as such strings, because one latin1 string
 * reaches the socket in one system call and without an intermediate buffer.
 *
 * Text is made from bytes through the global `Buffer`, the only fast way in JavaScript; this module is its one home.
 */

/** A string in which every code unit is one byte. Nothing checks it at run time; the name states the intent. */
export type ByteString = string

const { latin1Slice, latin1Write, utf8Slice } = Buffer.prototype as unknown as {
  // Undeclared in @types/node. They accept any Uint8Array as `this`, which `Buffer.from(view)` would have to wrap.
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string
  readonly utf8Slice: (this: Uint8Array, start: number, end: number) => string
  readonly latin1Write: (this: Uint8Array, text: string, offset: number, length: number) => number
}

/** The bytes from `start` up to `end` as a byte string. */
export const fromBytes = (bytes: Uint8Array, start: number, end: number): ByteString =>
  latin1Slice.call(bytes, start, end)

/** The bytes from `start` up to `end`, which are UTF-8, as text; what is not valid in them becomes U+FFFD. */
export const textFromBytes = (bytes: Uint8Array, start: number, end: number): string =>
  utf8Slice.call(bytes, start, end)

/** A copy of the bytes from `start` up to `end`, for memory that is only lent. */
export const copyBytes = (bytes: Uint8Array, start: number, end: number): Uint8Array =>
  Buffer.from(bytes.subarray(start, end))

/** The bytes of a byte string. */
export const toBytes = (text: ByteString): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  latin1Write.call(bytes, text, 0, text.length)
  return bytes
}

/** Writes a byte string into an array that has room for it from `offset`. */
export const writeBytes = (bytes: Uint8Array, text: ByteString, offset: number): void => {
  latin1Write.call(bytes, text, offset, text.length)
}

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Reads the bytes of a byte string as UTF-8; `undefined` when they are not valid UTF-8. */
export const decodeUtf8 = (text: ByteString): string | undefined => {
  try {
    return utf8Decoder.decode(toBytes(text))
  } catch {
    return undefined
  }
}

/** How many bytes the text has as UTF-8. A surrogate without its other half is replaced by a character of three bytes. */
export const utf8Length = (text: string): number => Buffer.byteLength(text)

/** Text as UTF-8: a byte string when it is all ASCII, which costs no copy, else an array. */
export const encodeText = (text: string): ByteString | Uint8Array =>
  utf8Length(text) === text.length ? text : Buffer.from(text)
