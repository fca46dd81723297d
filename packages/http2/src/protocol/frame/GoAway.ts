/** The GOAWAY frame (RFC 9113 §6.8). */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import { connectionError, type ConnectionError } from "../wire/ProtocolError.ts"
import { type FrameHeader, frameHeaderSize, writeFrameHeader } from "./FrameHeader.ts"
import { GOAWAY } from "./FrameType.ts"
import { readUint31, readUint32 } from "./Integer.ts"

/** The peer opens no more streams, and serves none of ours beyond the last one. */
export interface GoAway {
  readonly lastStreamId: number
  readonly code: number
}

/** Bytes before the debug data. */
const fixedSize = 8

/** What the payload at `start` says, without its debug data (RFC 9113 §6.8). */
export const readGoAway = (bytes: Uint8Array, start: number, header: FrameHeader): GoAway | ConnectionError => {
  if (header.streamId !== 0) return connectionError("unexpected-stream-id")
  if (header.length < fixedSize) return connectionError("wrong-frame-size")
  return { lastStreamId: readUint31(bytes, start), code: readUint32(bytes, start + 4) }
}

/** Writes a frame with a message as debug data. */
export const writeGoAway = (out: OutputBuffer, lastStreamId: number, code: number, message: ByteString): void => {
  const length = fixedSize + message.length
  out.reserve(frameHeaderSize + length)
  writeFrameHeader(out, length, GOAWAY, 0, 0)
  out.uint32(lastStreamId)
  out.uint32(code)
  out.text(message)
}
