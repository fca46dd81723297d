import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import { readUint24, readUint31 } from "./Integer.ts"

/** Bytes of a frame's header, before its payload (RFC 9113 §4.1). */
export const frameHeaderSize = 9

/** The header of one frame (RFC 9113 §4.1), read into the same object again and again. */
export class FrameHeader {
  /** Bytes of the payload. */
  length = 0
  type = 0
  flags = 0
  streamId = 0

  /** Reads the nine bytes at `offset`. */
  read(bytes: Uint8Array, offset: number): void {
    this.length = readUint24(bytes, offset)
    this.type = bytes[offset + 3] ?? 0
    this.flags = bytes[offset + 4] ?? 0
    this.streamId = readUint31(bytes, offset + 5)
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0
  }
}

/** Fills in a header for which there is room at `offset`. */
export const putFrameHeader = (
  bytes: Uint8Array,
  offset: number,
  length: number,
  type: number,
  flags: number,
  streamId: number
): void => {
  bytes[offset] = length >>> 16
  bytes[offset + 1] = length >>> 8
  bytes[offset + 2] = length
  bytes[offset + 3] = type
  bytes[offset + 4] = flags
  bytes[offset + 5] = streamId >>> 24
  bytes[offset + 6] = streamId >>> 16
  bytes[offset + 7] = streamId >>> 8
  bytes[offset + 8] = streamId
}

/** Writes a header. The payload behind it needs room of its own, unless that has been made for both. */
export const writeFrameHeader = (
  out: OutputBuffer,
  length: number,
  type: number,
  flags: number,
  streamId: number
): void => {
  out.reserve(frameHeaderSize)
  putFrameHeader(out.bytes, out.length, length, type, flags, streamId)
  out.length += frameHeaderSize
}
