/** The WINDOW_UPDATE frame (RFC 9113 §6.9). */
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import { connectionError, type ProtocolError, streamError } from "../wire/ProtocolError.ts"
import { type FrameHeader, frameHeaderSize, writeFrameHeader } from "./FrameHeader.ts"
import { WINDOW_UPDATE } from "./FrameType.ts"
import { readUint31 } from "./Integer.ts"

const payloadSize = 4

/** The increment in the payload at `start` (RFC 9113 §6.9). */
export const readWindowUpdate = (bytes: Uint8Array, start: number, header: FrameHeader): number | ProtocolError => {
  if (header.length !== payloadSize) return connectionError("wrong-frame-size")
  const increment = readUint31(bytes, start)
  if (increment > 0) return increment
  return header.streamId === 0 ? connectionError("zero-increment") : streamError("zero-increment")
}

/** Writes a frame for a stream, or for the connection as stream 0. */
export const writeWindowUpdate = (out: OutputBuffer, streamId: number, increment: number): void => {
  out.reserve(frameHeaderSize + payloadSize)
  writeFrameHeader(out, payloadSize, WINDOW_UPDATE, 0, streamId)
  out.uint32(increment)
}
