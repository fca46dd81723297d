import type { ReceiveBuffer } from "@pagi/core/bytes/ReceiveBuffer"
import { type BodyPiece, type EndOfMessage, endWithoutTrailers, NeedData } from "./Event.ts"

/** Reads a body of a length that Content-Length stated (RFC 9112 §6.2). */
export class LengthDecoder {
  private remaining: number
  private isWanted = true

  constructor(length: number) {
    this.remaining = length
  }

  /** How many bytes are certainly still to come. */
  get knownRemaining(): number {
    return this.remaining
  }

  /** The body is not wanted any more. */
  discard(): void {
    this.isWanted = false
  }

  next(buffer: ReceiveBuffer): BodyPiece | EndOfMessage | NeedData {
    if (this.remaining === 0) return endWithoutTrailers
    if (buffer.length === 0) return NeedData
    const bytes = buffer.take(this.remaining, this.isWanted)
    this.remaining -= bytes.length
    return { type: "body", bytes }
  }
}
