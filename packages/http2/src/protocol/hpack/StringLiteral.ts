import { type ByteString, fromBytes } from "@pagi/core/bytes/ByteString"
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import type { BlockInput } from "./BlockInput.ts"
import { decode, encode, encodedLength } from "./Huffman.ts"
import { maxIntegerLength, readInteger, writeInteger } from "./Integer.ts"

const isEncoded = 0x80
const lengthPrefix = 0x7f

/** Reads a string (RFC 7541 §5.2); `undefined` when it is malformed or does not end in the block. */
export const readString = (input: BlockInput): ByteString | undefined => {
  if (input.isAtEnd) return undefined
  const hasCode = input.peek() >= isEncoded
  const length = readInteger(input, lengthPrefix)
  const start = input.position
  if (length < 0 || length > input.end - start) return undefined
  input.position = start + length
  return hasCode ? decode(input.bytes, start, start + length) : fromBytes(input.bytes, start, start + length)
}

/** What `writeString` writes at most. */
export const maxStringLength = (text: ByteString): number => maxIntegerLength + text.length

/** Writes a string, Huffman-encoded if that makes it shorter. There must be room. */
export const writeString = (out: OutputBuffer, text: ByteString): void => {
  const length = encodedLength(text)
  if (length < text.length) {
    writeInteger(out, isEncoded, lengthPrefix, length)
    encode(out.bytes, text, out.length)
    out.length += length
  } else {
    writeInteger(out, 0, lengthPrefix, text.length)
    out.text(text)
  }
}
