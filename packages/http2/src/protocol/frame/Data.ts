/** The DATA frame (RFC 9113 §6.1). */
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

/** Writes what comes before the content. */
export const writeDataHeader = (out: OutputBuffer, length: number, streamId: number, isEnd: boolean): void =>
  writeFrameHeader(out, length, DATA, isEnd ? END_STREAM : 0, streamId)
