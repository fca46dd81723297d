import type { ReceiveBuffer } from "@pagi/core/bytes/ReceiveBuffer"
import { CR, LF } from "./ByteClass.ts"
import type { Limits } from "./Limits.ts"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"

/**
 * Looks for the empty line that ends a header or trailer section, and remembers how far it came, so that no byte is
 * looked at twice however the section arrives. The limits are kept meanwhile: what exceeds them is never buffered.
 * Offsets count from the buffer's `start`, which must not move between two calls for the same section.
 */
export class SectionSearch {
  /** Bytes already searched. */
  private searched = 0
  /** Where the first field line starts; -1 while the request line is incomplete. */
  private fieldsStart: number
  private lineStart = 0
  private lineCount = 0

  constructor(kind: "request-head" | "trailers") {
    this.fieldsStart = kind === "trailers" ? 0 : -1
  }

  /** Whether the request line has come whole. */
  get hasRequestLine(): boolean {
    return this.fieldsStart >= 0
  }

  /** The index in `buffer.bytes` after the empty line, `undefined` while it is missing. */
  find(buffer: ReceiveBuffer, limits: Limits): number | ProtocolError | undefined {
    const { bytes, start, end } = buffer
    let index = indexOfLineFeed(bytes, start + this.searched, end)
    while (index < end) {
      if (index === start || bytes[index - 1] !== CR) return protocolError("bare-line-feed")
      const next = index + 1 - start
      const isEmpty = next - this.lineStart === 2
      if (isEmpty && this.fieldsStart >= 0) return index + 1
      const problem = this.fieldsStart < 0 ? this.endRequestLine(next, limits) : this.endFieldLine(next, limits)
      if (problem !== undefined) return problem
      index = indexOfLineFeed(bytes, index + 1, end)
    }
    this.searched = end - start
    return this.checkIncompleteLine(limits)
  }

  /** RFC 9112 §3 asks for 414 when the request line is longer than what the server is willing to parse. */
  private endRequestLine(next: number, limits: Limits): ProtocolError | undefined {
    if (next - 2 > limits.maxHeaderSize) return protocolError("request-line-too-long")
    this.fieldsStart = next
    this.lineStart = next
    return undefined
  }

  /** RFC 6585 §5. */
  private endFieldLine(next: number, limits: Limits): ProtocolError | undefined {
    this.lineCount++
    if (this.lineCount > limits.maxHeaderCount) return protocolError("too-many-headers")
    if (next - this.fieldsStart > limits.maxHeaderSize) return protocolError("headers-too-large")
    this.lineStart = next
    return undefined
  }

  /** One byte more than the limit may be the CR of a line that is just short enough. */
  private checkIncompleteLine(limits: Limits): ProtocolError | undefined {
    if (this.fieldsStart < 0) {
      return this.searched > limits.maxHeaderSize + 1 ? protocolError("request-line-too-long") : undefined
    }
    const excess = this.searched - this.fieldsStart - limits.maxHeaderSize
    return excess > 1 ? protocolError("headers-too-large") : undefined
  }
}

/** The index of the next LF, `end` without one. Lines are so short that a loop beats `Uint8Array.prototype.indexOf`. */
const indexOfLineFeed = (bytes: Uint8Array, start: number, end: number): number => {
  for (let index = start; index < end; index++) {
    if (bytes[index] === LF) return index
  }
  return end
}
