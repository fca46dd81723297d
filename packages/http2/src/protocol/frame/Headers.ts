/**
 * The HEADERS frame, and the CONTINUATION frames behind one that is too short for its block (RFC 9113 §6.2 and §6.10).
 */
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import { connectionError, type ProtocolError } from "../wire/ProtocolError.ts"
import { END_HEADERS, END_STREAM, PRIORITY } from "./Flag.ts"
import { type FrameHeader, frameHeaderSize, putFrameHeader } from "./FrameHeader.ts"
import { CONTINUATION, HEADERS } from "./FrameType.ts"
import type { PayloadRange } from "./PayloadRange.ts"
import { checkPriority, prioritySize } from "./Priority.ts"

/**
 * Finds the field block fragment in the payload at `start` (RFC 9113 §6.2). After a stream error it is there all the
 * same, since it has to be decoded.
 */
export const readHeaders = (
  bytes: Uint8Array,
  start: number,
  header: FrameHeader,
  range: PayloadRange
): ProtocolError | undefined => {
  if (header.streamId === 0) return connectionError("missing-stream-id")
  const hasPriority = header.has(PRIORITY)
  const problem = range.read(bytes, start, header, hasPriority ? prioritySize : 0)
  if (problem !== undefined || !hasPriority) return problem
  range.start += prioritySize
  return checkPriority(bytes, range.start - prioritySize, header.streamId)
}

/** Leaves room for the header of a HEADERS frame, behind which the field block is to be written; answers its offset. */
export const beginHeaders = (out: OutputBuffer): number => {
  const offset = out.length
  out.reserve(frameHeaderSize)
  out.length += frameHeaderSize
  return offset
}

/** Completes the frame that begins at `offset`. A block longer than a frame goes on in CONTINUATIONs (RFC 9113 §6.10). */
export const finishHeaders = (
  out: OutputBuffer,
  offset: number,
  streamId: number,
  isEnd: boolean,
  maxFrameSize: number
): void => {
  const length = out.length - offset - frameHeaderSize
  const endStream = isEnd ? END_STREAM : 0
  if (length <= maxFrameSize) {
    putFrameHeader(out.bytes, offset, length, HEADERS, END_HEADERS | endStream, streamId)
    return
  }
  splitBlock(out, offset + frameHeaderSize, streamId, maxFrameSize)
  putFrameHeader(out.bytes, offset, maxFrameSize, HEADERS, endStream, streamId)
}

/** Moves what does not fit into HEADERS, the last fragment first, so that there is a header before each. */
const splitBlock = (out: OutputBuffer, start: number, streamId: number, maxFrameSize: number): void => {
  const length = out.length - start
  const count = Math.ceil(length / maxFrameSize) - 1
  out.reserve(count * frameHeaderSize)
  const { bytes } = out
  for (let index = count; index > 0; index--) {
    const from = start + index * maxFrameSize
    const size = Math.min(maxFrameSize, start + length - from)
    const to = from + index * frameHeaderSize
    bytes.copyWithin(to, from, from + size)
    putFrameHeader(bytes, to - frameHeaderSize, size, CONTINUATION, index === count ? END_HEADERS : 0, streamId)
  }
  out.length += count * frameHeaderSize
}
