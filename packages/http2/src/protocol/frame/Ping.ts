/** The PING frame (RFC 9113 §6.7). */
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import { connectionError, type ConnectionError } from "../wire/ProtocolError.ts"
import { ACK } from "./Flag.ts"
import { type FrameHeader, frameHeaderSize, writeFrameHeader } from "./FrameHeader.ts"
import { PING } from "./FrameType.ts"

const payloadSize = 8

/** Checks a frame whose payload is opaque (RFC 9113 §6.7). */
export const readPing = (header: FrameHeader): ConnectionError | undefined => {
  if (header.streamId !== 0) return connectionError("unexpected-stream-id")
  return header.length === payloadSize ? undefined : connectionError("wrong-frame-size")
}

/** Writes a frame with the eight bytes from `start`. */
export const writePing = (out: OutputBuffer, isAck: boolean, bytes: Uint8Array, start: number): void => {
  out.reserve(frameHeaderSize + payloadSize)
  writeFrameHeader(out, payloadSize, PING, isAck ? ACK : 0, 0)
  out.copy(bytes, start, start + payloadSize)
}
