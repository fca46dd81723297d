/** The RST_STREAM frame (RFC 9113 §6.4). */
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import { connectionError, type ConnectionError } from "../wire/ProtocolError.ts"
import { type FrameHeader, frameHeaderSize, writeFrameHeader } from "./FrameHeader.ts"
import { RST_STREAM } from "./FrameType.ts"
import { readUint32 } from "./Integer.ts"

const payloadSize = 4

/** The error code in the payload at `start` (RFC 9113 §6.4). */
export const readRstStream = (bytes: Uint8Array, start: number, header: FrameHeader): number | ConnectionError => {
  if (header.streamId === 0) return connectionError("missing-stream-id")
  return header.length === payloadSize ? readUint32(bytes, start) : connectionError("wrong-frame-size")
}

export const writeRstStream = (out: OutputBuffer, streamId: number, code: number): void => {
  out.reserve(frameHeaderSize + payloadSize)
  writeFrameHeader(out, payloadSize, RST_STREAM, 0, streamId)
  out.uint32(code)
}
