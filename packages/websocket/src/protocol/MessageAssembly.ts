import { fromBytes, textFromBytes } from "@pagi/core/bytes/ByteString"
import type { BytesMessage, CompressedMessage, TextMessage } from "./Event.ts"
import { advanceKey } from "./Masking.ts"
import { TEXT } from "./Opcode.ts"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"
import { Utf8Validator } from "./Utf8.ts"

/** The first allocation for a message that arrives in parts. */
const INITIAL_CAPACITY = 1024

/**
 * A message that arrives in several frames, or in a frame of several pieces (RFC 6455 §5.4). It takes memory for what
 * has come, never for what was announced: the capacity doubles. Text is checked as it comes.
 */
export class MessageAssembly {
  private readonly isText: boolean
  private readonly isCompressed: boolean
  private readonly validator: Utf8Validator | undefined
  /** Whether no other characters have come, so that the text can be made of its bytes at less cost. */
  private isAscii = true
  /** What has come, and room for more. */
  private bytes: Uint8Array
  /** Bytes that have come. */
  length = 0
  /** Frames that have begun. */
  frames = 0
  /** Bytes of the current frame that have not come. */
  remaining = 0
  /** Whether the current frame is the last. */
  isLastFrame = false
  /** The masking key of the current frame, as it applies to what is still to come of it. */
  key = 0

  constructor(opcode: number, isCompressed: boolean) {
    this.isText = opcode === TEXT
    this.isCompressed = isCompressed
    this.validator = this.isText && !isCompressed ? new Utf8Validator() : undefined
    this.bytes = new Uint8Array(0)
  }

  beginFrame(isLast: boolean, length: number, key: number): void {
    this.frames++
    this.remaining = length
    this.isLastFrame = isLast
    this.key = key
  }

  /**
   * Adds unmasked bytes of the current frame; `isAscii` is `false` when that is not known. The message will have up to
   * `maxSize` bytes. Answers whether text is valid so far.
   */
  append(bytes: Uint8Array, start: number, end: number, isAscii: boolean, maxSize: number): boolean {
    if (this.validator !== undefined && !this.checkText(this.validator, bytes, start, end, isAscii)) return false
    const count = end - start
    const length = this.length + count
    if (length > this.bytes.length) this.grow(length, this.isLastFrame ? this.length + this.remaining : maxSize)
    this.bytes.set(bytes.subarray(start, end), this.length)
    this.length = length
    this.remaining -= count
    this.key = advanceKey(this.key, count)
    return true
  }

  private checkText(
    validator: Utf8Validator,
    bytes: Uint8Array,
    start: number,
    end: number,
    isAscii: boolean
  ): boolean {
    if (isAscii && validator.isComplete) return true
    this.isAscii = false
    return validator.findInvalid(bytes, start, end) === end
  }

  private grow(length: number, maxLength: number): void {
    const grown = new Uint8Array(Math.min(maxLength, Math.max(INITIAL_CAPACITY, 2 * length)))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  /** The message, when its last frame has come. */
  finish(): TextMessage | BytesMessage | CompressedMessage | ProtocolError {
    const { bytes, length } = this
    if (this.validator !== undefined) {
      if (!this.validator.isComplete) return protocolError("invalid-text")
      return { type: "text", text: this.isAscii ? fromBytes(bytes, 0, length) : textFromBytes(bytes, 0, length) }
    }
    const whole = length === bytes.length ? bytes : bytes.subarray(0, length)
    return this.isCompressed
      ? { type: "compressed", isText: this.isText, bytes: whole }
      : { type: "bytes", bytes: whole }
  }
}
