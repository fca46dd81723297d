/** Writes frames, as they are or masked (RFC 6455 §5.2 and §5.3). */
import type { ByteSink } from "@pagi/core/bytes/ByteSink"
import { type ByteString, fromBytes, toBytes, writeBytes } from "@pagi/core/bytes/ByteString"
import { applyMask } from "./Masking.ts"
import { BINARY, MAX_SHORT_LENGTH, TEXT } from "./Opcode.ts"

/** The first byte of a frame that is a whole message (RFC 6455 §5.2). */
export const FINAL = 0x80
/** The same, of a compressed message (RFC 7692 §6). */
export const FINAL_COMPRESSED = 0xc0

const MASKED = 0x80

const shortHeaders = (firstByte: number): ReadonlyArray<ByteString> =>
  Array.from({ length: MAX_SHORT_LENGTH + 1 }, (_, length) => String.fromCharCode(firstByte, length))

const shortTextHeaders = shortHeaders(FINAL | TEXT)
const shortBinaryHeaders = shortHeaders(FINAL | BINARY)

const headerOf = (firstByte: number, length: number): ByteString => {
  if (firstByte === (FINAL | TEXT)) return shortTextHeaders[length] ?? encodeHeader(firstByte, length, 0)
  if (firstByte === (FINAL | BINARY)) return shortBinaryHeaders[length] ?? encodeHeader(firstByte, length, 0)
  return encodeHeader(firstByte, length, 0)
}

/** A length has to be in its shortest form (RFC 6455 §5.2). */
const encodeHeader = (firstByte: number, length: number, maskBit: number): ByteString => {
  if (length <= MAX_SHORT_LENGTH) return String.fromCharCode(firstByte, maskBit | length)
  if (length <= 0xffff) return String.fromCharCode(firstByte, maskBit | 126, length >>> 8, length & 0xff)
  return String.fromCharCode(firstByte, maskBit | 127) + encodeInteger(length / 0x1_0000_0000) + encodeInteger(length)
}

/** The lowest 32 bits in network order. */
const encodeInteger = (value: number): ByteString =>
  String.fromCharCode((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)

/**
 * Writes a frame as it is. What is short goes out in one piece with its header, as a byte string, which is cheaper than
 * a second piece; a long array is not copied.
 */
export const writeFrame = (sink: ByteSink, firstByte: number, payload: ByteString | Uint8Array): void => {
  const header = headerOf(firstByte, payload.length)
  if (typeof payload === "string") return sink.write(header + payload)
  if (payload.length <= MAX_SHORT_LENGTH) return sink.write(header + fromBytes(payload, 0, payload.length))
  sink.write(header)
  sink.write(payload)
}

/**
 * Up to here a frame for many connections is a byte string, which is the cheapest thing to write. Beyond, a byte string
 * would be copied for each of them that has to wait.
 */
const sharedStringLimit = 16_384

/** A whole frame in one piece, to be written to many connections. */
export const encodeFrame = (firstByte: number, payload: ByteString | Uint8Array): ByteString | Uint8Array => {
  const header = headerOf(firstByte, payload.length)
  if (payload.length <= sharedStringLimit) {
    return header + (typeof payload === "string" ? payload : fromBytes(payload, 0, payload.length))
  }
  const frame = new Uint8Array(header.length + payload.length)
  writeBytes(frame, header, 0)
  if (typeof payload === "string") writeBytes(frame, payload, header.length)
  else frame.set(payload, header.length)
  return frame
}

/** Writes a frame with a masked copy of the payload (RFC 6455 §5.3); the key is a 32-bit integer in network order. */
export const writeMaskedFrame = (
  sink: ByteSink,
  firstByte: number,
  payload: ByteString | Uint8Array,
  key: number
): void => {
  const header = encodeHeader(firstByte, payload.length, MASKED) + encodeInteger(key)
  const text = typeof payload === "string" ? payload : fromBytes(payload, 0, payload.length)
  const frame = toBytes(header + text)
  const view = new DataView(frame.buffer, frame.byteOffset)
  applyMask(view, header.length, frame.length, view.getInt32(header.length - 4, true))
  sink.write(frame)
}
