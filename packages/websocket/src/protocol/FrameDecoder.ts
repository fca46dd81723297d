import { copyBytes, fromBytes } from "@pagi/core/bytes/ByteString"
import { isCloseCode, NO_STATUS } from "@pagi/core/http/CloseCode"
import { type CloseFrame, Closed, type Event, NeedData } from "./Event.ts"
import { FrameBuffer } from "./FrameBuffer.ts"
import { applyMask } from "./Masking.ts"
import { MessageAssembly } from "./MessageAssembly.ts"
import { CLOSE, isControl, PING, TEXT } from "./Opcode.ts"
import { type ErrorReason, protocolError, type ProtocolError } from "./ProtocolError.ts"
import type { Rules } from "./Rules.ts"
import { decodeText } from "./Utf8.ts"

/** A payload that is less than an eighth of the memory that it came in is copied out of it. */
const smallPart = 8

/**
 * The receiving half of a connection: bytes in, messages and control frames out. A message of one frame that has come
 * whole is taken where it lies; any other is put together piece by piece, as they come.
 */
export class FrameDecoder {
  readonly rules: Rules
  private readonly buffer = new FrameBuffer()
  /** The message of which a part has come. */
  private message: MessageAssembly | undefined = undefined
  /** Why nothing further is read. */
  private ending: "close" | "error" | undefined = undefined

  constructor(rules: Rules) {
    this.rules = rules
  }

  /** Whether a close frame has come. */
  get isCloseReceived(): boolean {
    return this.ending === "close"
  }

  /** Received bytes that have not been looked at; those of an unfinished message have. */
  get bufferedLength(): number {
    return this.buffer.length
  }

  receive(bytes: Uint8Array, isLent: boolean): void {
    if (this.ending === undefined) this.buffer.append(bytes, isLent)
  }

  keep(): void {
    this.buffer.keep()
  }

  next(): Event {
    if (this.ending !== undefined) return Closed
    for (;;) {
      const { message } = this
      const event = message !== undefined && message.remaining > 0 ? this.takePayload(message) : this.nextFrame(message)
      if (event !== undefined) return event
    }
  }

  /**
   * The next frame; `undefined` after one that tells nothing yet. Its header is read into `rules.header`, which all
   * connections share: it is true until the next call.
   */
  private nextFrame(message: MessageAssembly | undefined): Event | undefined {
    const { buffer } = this
    const { header } = this.rules
    const problem = header.read(buffer.view, buffer.start, buffer.end, message !== undefined)
    if (problem !== undefined) return this.fail(problem)
    const { size, length } = header
    if (size === 0) return NeedData
    const isWhole = size + length <= buffer.end - buffer.start
    if (isControl(header.opcode)) return isWhole ? this.takeControl() : NeedData
    const excess = this.findExcess(message)
    if (excess !== undefined) return this.fail(excess)
    if (isWhole && header.isFinal && message === undefined) return this.takeMessage()
    buffer.consumeTo(buffer.start + size)
    this.message = message ?? new MessageAssembly(header.opcode, header.isCompressed)
    this.message.beginFrame(header.isFinal, length, header.key)
    return this.takePayload(this.message)
  }

  /** The limit that the current data frame exceeds. */
  private findExcess(message: MessageAssembly | undefined): ErrorReason | undefined {
    const { header, maxFragments, maxFrameSize, maxMessageSize } = this.rules
    if (header.length > maxFrameSize) return "frame-too-large"
    if (header.length + (message?.length ?? 0) > maxMessageSize) return "message-too-large"
    return message !== undefined && message.frames >= maxFragments ? "too-many-fragments" : undefined
  }

  /** A message of one frame, which has come whole. */
  private takeMessage(): Event {
    const { buffer } = this
    const { header, isMasked } = this.rules
    const { bytes } = buffer
    const start = buffer.start + header.size
    const end = start + header.length
    const isAscii = isMasked && applyMask(buffer.view, start, end, header.key)
    if (header.opcode !== TEXT || header.isCompressed) {
      const payload = this.takeBytes(start, end)
      return header.isCompressed
        ? { type: "compressed", isText: header.opcode === TEXT, bytes: payload }
        : { type: "bytes", bytes: payload }
    }
    const text = isAscii ? fromBytes(bytes, start, end) : decodeText(bytes, start, end)
    if (text === undefined) return this.fail("invalid-text")
    buffer.consumeTo(end)
    return { type: "text", text }
  }

  /** As much of the current frame as there is; the message, when that was the last of it. */
  private takePayload(message: MessageAssembly): Event | undefined {
    const { buffer } = this
    const { isMasked, maxMessageSize } = this.rules
    const { start } = buffer
    const count = Math.min(message.remaining, buffer.length)
    const end = start + count
    const isAscii = isMasked && applyMask(buffer.view, start, end, message.key)
    if (!message.append(buffer.bytes, start, end, isAscii, maxMessageSize)) return this.fail("invalid-text")
    buffer.consumeTo(end)
    if (message.remaining > 0) return NeedData
    return message.isLastFrame ? this.finishMessage(message) : undefined
  }

  private finishMessage(message: MessageAssembly): Event {
    this.message = undefined
    const event = message.finish()
    if (event.type === "error") this.finish("error")
    return event
  }

  private takeControl(): Event {
    const { buffer } = this
    const { header, isMasked } = this.rules
    const { opcode } = header
    const start = buffer.start + header.size
    const end = start + header.length
    if (isMasked) applyMask(buffer.view, start, end, header.key)
    if (opcode !== CLOSE) return { type: opcode === PING ? "ping" : "pong", bytes: this.takeBytes(start, end) }
    const event = readClose(buffer.bytes, start, end)
    this.finish(event.type)
    return event
  }

  /** Takes the payload of a frame out, as a view of memory that nobody will write to again. */
  private takeBytes(start: number, end: number): Uint8Array {
    const { buffer } = this
    // A view keeps all of its memory alive, which for a small part of it would be out of proportion.
    const isSmall = (end - start) * smallPart < buffer.bytes.buffer.byteLength
    const bytes = buffer.isLent || isSmall ? copyBytes(buffer.bytes, start, end) : buffer.bytes.subarray(start, end)
    buffer.consumeTo(end)
    return bytes
  }

  private fail(reason: ErrorReason): ProtocolError {
    this.finish("error")
    return protocolError(reason)
  }

  /** Whatever follows a close frame or an error is not for us (RFC 6455 §5.5.1 and §7.1.7). */
  private finish(ending: "close" | "error"): void {
    this.ending = ending
    this.message = undefined
    this.buffer.clear()
  }
}

/** The payload of a close frame (RFC 6455 §5.5.1). */
const readClose = (bytes: Uint8Array, start: number, end: number): CloseFrame | ProtocolError => {
  if (start === end) return { type: "close", code: NO_STATUS, reason: "" }
  if (end - start === 1) return protocolError("malformed-close")
  const code = (bytes[start] ?? 0) * 256 + (bytes[start + 1] ?? 0)
  if (!isCloseCode(code)) return protocolError("invalid-close-code")
  const reason = decodeText(bytes, start + 2, end)
  return reason === undefined ? protocolError("invalid-close-reason") : { type: "close", code, reason }
}
