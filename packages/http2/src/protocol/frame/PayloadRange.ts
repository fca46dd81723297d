import { connectionError, type ConnectionError } from "../wire/ProtocolError.ts"
import { PADDED } from "./Flag.ts"
import type { FrameHeader } from "./FrameHeader.ts"

/** The part of a payload that is content, read into the same object again and again. */
export class PayloadRange {
  start = 0
  end = 0

  /**
   * Takes the Pad Length and the padding off the payload at `start` (RFC 9113 §6.1). At least `minimum` bytes have to be
   * left, for the fields between them.
   */
  read(bytes: Uint8Array, start: number, header: FrameHeader, minimum: number): ConnectionError | undefined {
    this.start = start
    this.end = start + header.length
    let padding = 0
    if (header.has(PADDED)) padding = bytes[this.start++] ?? 0
    if (this.end - this.start < minimum) return connectionError("frame-too-short")
    this.end -= padding
    return this.end - this.start < minimum ? connectionError("padding-too-long") : undefined
  }
}
