/** The DATA frame (RFC 9113 §6.1). */
import { copyBytes } from "@pagi/core/bytes/ByteString"
import type { ReceiveBuffer } from "@pagi/core/bytes/ReceiveBuffer"
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import { connectionError, type ConnectionError } from "../wire/ProtocolError.ts"
import { END_STREAM } from "./Flag.ts"
import { type FrameHeader, writeFrameHeader } from "./FrameHeader.ts"
import { DATA } from "./FrameType.ts"
import type { PayloadRange } from "./PayloadRange.ts"

/** Finds the content in the payload at `start` (RFC 9113 §6.1). */
export const readData = (
  bytes: Uint8Array,
  start: number,
  header: FrameHeader,
  range: PayloadRange
): ConnectionError | undefined =>
  header.streamId === 0 ? connectionError("missing-stream-id") : range.read(bytes, start, header, 0)

/** A payload that is less than such a part of the memory that it came in is copied out of it. */
const smallPart = 8

/** The content that was found, to be kept for as long as it takes: a view of what was received, or a copy. */
export const takeContent = (buffer: ReceiveBuffer, { end, start }: PayloadRange): Uint8Array => {
  const isSmall = (end - start) * smallPart < buffer.bytes.buffer.byteLength
  return buffer.isLent || isSmall ? copyBytes(buffer.bytes, start, end) : buffer.bytes.subarray(start, end)
}

/** Writes what comes before the content. */
export const writeDataHeader = (out: OutputBuffer, length: number, streamId: number, isEnd: boolean): void =>
  writeFrameHeader(out, length, DATA, isEnd ? END_STREAM : 0, streamId)
