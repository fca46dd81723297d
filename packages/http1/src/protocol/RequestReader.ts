import { ReceiveBuffer } from "@pagi/core/bytes/ReceiveBuffer"
import { CHUNKED } from "./BodyLength.ts"
import { ChunkedDecoder } from "./ChunkedDecoder.ts"
import { Closed, type Event, NeedData, Paused } from "./Event.ts"
import { HeadReader } from "./HeadReader.ts"
import { LengthDecoder } from "./LengthDecoder.ts"
import type { Limits } from "./Limits.ts"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"

/**
 * How far the current request has been read:
 *
 * ```
 * head ─► body ─► complete ─(resume)─► head
 *   └─ without body ─┘         any state ─► closed
 * ```
 */
type State = "head" | "body" | "complete" | "closed"

/** The reading half of a connection: bytes in, requests out, one at a time. */
export class RequestReader {
  private readonly limits: Limits
  private readonly buffer = new ReceiveBuffer()
  private readonly headReader = new HeadReader()
  private state: State = "head"
  private hasEnded = false
  private decoder: LengthDecoder | ChunkedDecoder | undefined = undefined
  private isSkipping = false

  constructor(limits: Limits) {
    this.limits = limits
  }

  get bufferedLength(): number {
    return this.buffer.length
  }

  get isComplete(): boolean {
    return this.state === "complete"
  }

  get isClosed(): boolean {
    return this.state === "closed"
  }

  /** The bytes of the current body that `next` has not reported, `undefined` while only the chunked coding knows. */
  get bodyRemaining(): number | undefined {
    if (this.decoder === undefined) return 0
    return this.decoder instanceof LengthDecoder ? this.decoder.knownRemaining : undefined
  }

  receive(bytes: Uint8Array, isLent: boolean): void {
    if (this.state !== "closed" && !this.hasEnded) this.buffer.append(bytes, isLent)
  }

  keep(): void {
    this.buffer.keep()
  }

  receiveEnd(): void {
    this.hasEnded = true
  }

  next(): Event {
    switch (this.state) {
      case "head":
        return this.nextHead()
      case "body":
        return this.nextOfBody()
      case "complete":
        return Paused
      case "closed":
        return Closed
    }
  }

  private nextHead(): Event {
    const event = this.headReader.read(this.buffer, this.limits)
    switch (event.type) {
      case "request":
        this.startBody(event.bodyLength)
        return event
      case "error":
        return this.fail(event)
      case "need-data":
        if (!this.hasEnded) return NeedData
        if (this.buffer.length > 0) return this.fail(protocolError("incomplete-head"))
        this.close()
        return Closed
    }
  }

  private startBody(length: number): void {
    this.state = length === 0 ? "complete" : "body"
    if (length === 0) return
    this.decoder = length === CHUNKED ? new ChunkedDecoder(this.limits) : new LengthDecoder(length)
  }

  private nextOfBody(): Event {
    while (this.decoder !== undefined) {
      const event = this.decoder.next(this.buffer)
      if (event.type === "error") return this.fail(event)
      if (event.type === "end") {
        this.decoder = undefined
        this.state = "complete"
        return event
      }
      if (event.type === "need-data") return this.hasEnded ? this.fail(protocolError("incomplete-body")) : NeedData
      if (!this.isSkipping) return event
    }
    return Closed
  }

  /** Discards the rest of the body from now on, whatever its size: who drives this bounds how long that may go on. */
  skipBody(): void {
    if (this.state !== "body") return
    this.isSkipping = true
    this.decoder?.discard()
  }

  /** Goes on to the next request, once the current one is complete. */
  resume(): void {
    if (this.state !== "complete") return
    this.state = "head"
    this.isSkipping = false
  }

  /** Takes all bytes that are left; they do not belong to HTTP any more. */
  takeBuffered(): Uint8Array {
    const bytes = this.buffer.take(this.buffer.length)
    this.close()
    return bytes
  }

  /** After a framing error, leftover bytes must never be taken for a request (RFC 9112 §6.3 and §11.2). */
  private fail(error: ProtocolError): ProtocolError {
    this.close()
    return error
  }

  close(): void {
    this.state = "closed"
    this.decoder = undefined
    this.buffer.clear()
  }
}
