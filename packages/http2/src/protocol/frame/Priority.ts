/** The PRIORITY frame, and the same fields in HEADERS, with which nothing is done (RFC 9113 §5.3.2 and §6.3). */
import { connectionError, type ProtocolError, streamError, type StreamError } from "../wire/ProtocolError.ts"
import type { FrameHeader } from "./FrameHeader.ts"
import { readUint31 } from "./Integer.ts"

/** Bytes of a stream dependency and a weight, as PRIORITY and HEADERS can have them (RFC 9113 §6.2 and §6.3). */
export const prioritySize = 5

/**
 * Checks the priority at `offset`. Nothing is done with it (RFC 9113 §5.3.2), but a stream that depends on itself is the
 * error that it was in RFC 7540 §5.3.1.
 */
export const checkPriority = (bytes: Uint8Array, offset: number, streamId: number): StreamError | undefined =>
  readUint31(bytes, offset) === streamId ? streamError("self-dependency") : undefined

/** Checks the payload at `start` (RFC 9113 §6.3). */
export const readPriority = (bytes: Uint8Array, start: number, header: FrameHeader): ProtocolError | undefined => {
  if (header.streamId === 0) return connectionError("missing-stream-id")
  if (header.length !== prioritySize) return streamError("wrong-frame-size")
  return checkPriority(bytes, start, header.streamId)
}
