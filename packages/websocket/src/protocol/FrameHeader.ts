import { CONTINUATION, isControl, isReserved, MAX_SHORT_LENGTH } from "./Opcode.ts"
import type { ErrorReason } from "./ProtocolError.ts"

/** One end of a connection. What a client sends is masked, and what a server sends is not (RFC 6455 §5.1). */
export type Role = "server" | "client"

const FINAL = 0x80
const COMPRESSED = 0x40
const RESERVED = 0x30
const OPCODE = 0x0f
const MASKED = 0x80
const SHORT_LENGTH = 0x7f

/** What the length in the second byte says about where the length is (RFC 6455 §5.2). */
const LENGTH_IN_2_BYTES = 126
const LENGTH_IN_8_BYTES = 127

/** The header of one frame (RFC 6455 §5.2), read into the same object again and again. */
export class FrameHeader {
  private readonly expectedMask: number
  private readonly compression: boolean
  isFinal = false
  isCompressed = false
  opcode = CONTINUATION
  /** Bytes of the payload. Beyond 2^53 it is not exact. */
  length = 0
  /** The masking key as a little-endian integer; 0 without one. */
  key = 0
  /** Bytes of the header itself; 0 while it is incomplete, when the other properties mean nothing. */
  size = 0

  /** `role` is that of the recipient; `compression` tells whether it has been agreed on (RFC 7692). */
  constructor(role: Role, compression: boolean) {
    this.expectedMask = role === "server" ? MASKED : 0
    this.compression = compression
  }

  /** Reads a header from the bytes between `start` and `end`; answers which rule it breaks. */
  read(view: DataView, start: number, end: number, isInsideMessage: boolean): ErrorReason | undefined {
    this.size = 0
    if (end - start < 2) return undefined
    const first = view.getUint8(start)
    const second = view.getUint8(start + 1)
    const problem = this.check(first, second, isInsideMessage)
    if (problem !== undefined) return problem
    this.isFinal = (first & FINAL) !== 0
    this.isCompressed = (first & COMPRESSED) !== 0
    this.opcode = first & OPCODE
    this.length = second & SHORT_LENGTH
    if (this.length > MAX_SHORT_LENGTH) return this.readLongLength(view, start, end)
    this.readKey(view, start, 2, end)
    return undefined
  }

  /** Everything that the first two bytes alone tell. */
  private check(first: number, second: number, isInsideMessage: boolean): ErrorReason | undefined {
    const opcode = first & OPCODE
    const hasReserved = (first & (this.compression ? RESERVED : RESERVED | COMPRESSED)) !== 0
    if (hasReserved) return "reserved-bits"
    if ((first & COMPRESSED) !== 0 && (opcode === CONTINUATION || isControl(opcode))) return "unexpected-compression"
    if (isReserved(opcode)) return "reserved-opcode"
    if (isControl(opcode)) {
      if ((first & FINAL) === 0) return "fragmented-control-frame"
      if ((second & SHORT_LENGTH) > MAX_SHORT_LENGTH) return "control-frame-too-long"
    }
    if ((second & MASKED) !== this.expectedMask) return this.expectedMask === 0 ? "masked-frame" : "unmasked-frame"
    if (isControl(opcode) || (opcode === CONTINUATION) === isInsideMessage) return undefined
    return isInsideMessage ? "unfinished-message" : "unexpected-continuation"
  }

  private readLongLength(view: DataView, start: number, end: number): ErrorReason | undefined {
    const isLonger = this.length === LENGTH_IN_8_BYTES
    const size = isLonger ? 10 : 4
    if (end - start < size) return undefined
    const high = isLonger ? view.getUint32(start + 2) : 0
    const low = isLonger ? view.getUint32(start + 6) : view.getUint16(start + 2)
    const isNegative = high > 0x7fff_ffff
    this.length = high * 0x1_0000_0000 + low
    if (isNegative || this.length < (isLonger ? 0x1_0000 : LENGTH_IN_2_BYTES)) return "malformed-length"
    this.readKey(view, start, size, end)
    return undefined
  }

  /** The key is the last part of the header (RFC 6455 §5.2). */
  private readKey(view: DataView, start: number, offset: number, end: number): void {
    if (this.expectedMask === 0) {
      this.size = offset
    } else if (end - start >= offset + 4) {
      this.key = view.getInt32(start + offset, true)
      this.size = offset + 4
    }
  }
}
