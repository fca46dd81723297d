import type { ByteSink } from "@pagi/core/bytes/ByteSink"
import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { finalStatusProblem, informationalStatusProblem } from "@pagi/core/http/ResponseStatus"
import { trailersNotAnnounced } from "@pagi/core/http/ResponseTrailers"
import type { BodyEncoder } from "./BodyEncoder.ts"
import { Closed, type Event } from "./Event.ts"
import type { Limits } from "./Limits.ts"
import type { RequestHead } from "./RequestHead.ts"
import { RequestReader } from "./RequestReader.ts"
import {
  type EncodedHead,
  encodeFields,
  encodeHead,
  encodeInformational,
  encodeTrailers,
  type PreparedHead,
  prepareHead
} from "./ResponseHead.ts"
import { statusLine } from "./StatusLine.ts"

/**
 * How far the response to the current request has come:
 *
 * ```
 * idle ─(request)─► ready ─(startResponse)─► held ─(head written)─┬─► body ─(last, trailers)─► complete ─(nextCycle)─► idle
 *                                                                 └─(101)─► upgraded
 * ```
 */
type Writing = "idle" | "ready" | "held" | "body" | "complete" | "upgraded"

/** Bytes that every peer takes without reading them: less than the smallest window. */
const UNREAD_LIMIT = 1024

/**
 * The server's half of an HTTP/1.x connection. `receive` takes bytes in and `next` reports what they mean, one event per
 * call; the send methods write the response to the current request. No method throws, whatever the peer or the
 * application does; a send method answers what is wrong with what it was given, and then has written nothing.
 */
export class Connection {
  private readonly reader: RequestReader
  private writing: Writing = "idle"
  private request: RequestHead | undefined = undefined
  private prepared: PreparedHead | undefined = undefined
  private encoder: BodyEncoder | undefined = undefined
  private persistent = true
  private isClosing = false
  /** The client waits for 100 (Continue), and has not sent anything of its body. */
  private isContinueAwaited = false
  /** Bytes of all responses, roughly. */
  private sentLength = 0

  constructor(limits: Limits) {
    this.reader = new RequestReader(limits)
  }

  /**
   * Takes bytes from the peer, and owns them from then on: it may change them, and body pieces are views of them. Lent
   * bytes it may use only until `keep` is called, and body pieces are copies.
   */
  receive(bytes: Uint8Array, isLent = false): void {
    if (bytes.length > 0) this.isContinueAwaited = false
    this.reader.receive(bytes, isLent)
  }

  /** Must be called before lent bytes are used for something else; copies what has not become events yet. */
  keep(): void {
    this.reader.keep()
  }

  /** The peer will not send any more. */
  receiveEnd(): void {
    this.reader.receiveEnd()
  }

  /** The next thing that the received bytes mean. */
  next(): Event {
    if (this.reader.isComplete && !this.persistent) {
      if (this.writing === "upgraded") return Closed
      if (this.writing === "complete") this.reader.close()
    }
    const event = this.reader.next()
    if (event.type === "request") this.startCycle(event)
    else if (event.type === "error") this.persistent = false
    return event
  }

  private startCycle(request: RequestHead): void {
    this.request = request
    this.writing = "ready"
    this.persistent = request.keepAlive && !this.isClosing
    this.isContinueAwaited = request.expectContinue && this.reader.bufferedLength === 0
  }

  /** Received bytes that have not become events yet. */
  get bufferedLength(): number {
    return this.reader.bufferedLength
  }

  /** Whether the current request has been read to its end. */
  get bodyIsComplete(): boolean {
    return this.reader.isComplete
  }

  /** The bytes of the current body that `next` has not reported, `undefined` while only the chunked coding knows. */
  get bodyRemaining(): number | undefined {
    return this.reader.bodyRemaining
  }

  /** Whether the current request has the method HEAD. */
  get isHeadRequest(): boolean {
    return this.request?.method === "HEAD"
  }

  /**
   * From now on the body of the current request is read and thrown away, whatever its size: `next` reports its end, but no
   * pieces. The caller bounds how long that may go on.
   */
  skipBody(): void {
    this.reader.skipBody()
  }

  /** After 101: the bytes behind the request, which belong to the other protocol. This machine is finished then. */
  takeBuffered(): Uint8Array {
    this.persistent = false
    return this.reader.takeBuffered()
  }

  /** Sends 100 (Continue) when the client is waiting for it (RFC 9110 §10.1.1); otherwise does nothing. */
  sendContinue(sink: ByteSink): void {
    if (!this.isContinueAwaited || (this.writing !== "ready" && this.writing !== "held")) return
    this.isContinueAwaited = false
    sink.write(`${statusLine(100)}\r\n`)
  }

  /** Sends an interim response (RFC 9110 §15.2), except to an HTTP/1.0 client, which would not understand it. */
  sendInformational(sink: ByteSink, status: number, headers: HeaderBlock): string | undefined {
    const fields = this.checkReady() ?? informationalStatusProblem(status) ?? encodeFields(headers)
    if (typeof fields === "string") return fields
    if (this.request?.httpVersion === "1.0") return undefined
    if (status === 100) this.isContinueAwaited = false
    sink.write(encodeInformational(status, fields))
    return undefined
  }

  /**
   * Validates the head of the final response, and holds it back for the first piece of the body: when that is the whole
   * body, its length is known. `date` is a ready-made IMF-fixdate, used when the application sent no Date.
   */
  startResponse(status: number, headers: HeaderBlock, trailers: boolean, date: string): string | undefined {
    const problem = this.checkReady() ?? (status === 101 ? undefined : finalStatusProblem(status))
    if (problem !== undefined) return problem
    const prepared = prepareHead(status, headers, trailers, date)
    if (typeof prepared === "string") return prepared
    this.prepared = prepared
    this.writing = "held"
    return undefined
  }

  /** Takes back a response whose head is held back; answers whether it was. */
  withdrawResponse(): boolean {
    if (this.writing !== "held") return false
    this.prepared = undefined
    this.writing = "ready"
    return true
  }

  /** Sends a head that is held back; 101 is complete then, and the connection is not HTTP any more. */
  flushHead(sink: ByteSink): void {
    const head = this.encodeHeld(undefined)
    if (head === undefined) return
    this.commit(head)
    sink.write(head.text)
  }

  private encodeHeld(wholeLength: number | undefined): EncodedHead | undefined {
    const { request, prepared } = this
    if (request === undefined || prepared === undefined || this.writing !== "held") return undefined
    const { httpVersion } = request
    return encodeHead(prepared, wholeLength, {
      isHead: this.isHeadRequest,
      httpVersion,
      persistent: this.canPersist()
    })
  }

  /**
   * A client that waits for 100 (Continue) may or may not send its body after a final response (RFC 9110 §10.1.1), so that
   * the next request could not be found. Any other body is skipped.
   */
  private canPersist(): boolean {
    return this.keepAlive && !this.isContinueAwaited
  }

  private commit(head: EncodedHead): void {
    this.encoder = head.encoder
    this.prepared = undefined
    this.sentLength += head.text.length
    this.persistent = head.persistent
    this.writing = head.isUpgrade ? "upgraded" : "body"
  }

  /** Sends a piece of the body; a string is a byte string. `last` ends the response, without trailers. */
  sendBody(sink: ByteSink, data: ByteString | Uint8Array, last: boolean): string | undefined {
    const head = this.encodeHeld(last ? data.length : undefined)
    const encoder = head?.encoder ?? this.encoder
    if (encoder === undefined || this.responseComplete) return this.checkBody()
    const problem = encoder.check(data.length, last)
    if (problem !== undefined) return this.refuse(problem)
    this.settle(head, last)
    this.sentLength += data.length
    encoder.write(sink, head?.text ?? "", data, last)
    return undefined
  }

  /**
   * States that the rest of the body has this many bytes, in pieces to come. When nothing of the body was sent before, the
   * head goes out with its length. `last` says whether the response ends with them, without trailers.
   */
  announceBody(sink: ByteSink, length: number, last: boolean): string | undefined {
    const head = this.encodeHeld(length)
    const encoder = head?.encoder ?? this.encoder
    if (encoder === undefined || this.responseComplete) return this.checkBody()
    const problem = encoder.check(length, last)
    if (problem !== undefined) return this.refuse(problem)
    if (head === undefined) return undefined
    this.commit(head)
    sink.write(head.text)
    return undefined
  }

  /** Whether the client gets the body of the response: not with HEAD, 204, 205 and 304. Known once the head is sent. */
  get carriesBody(): boolean {
    return this.encoder?.framing !== "none"
  }

  /** Ends the response with trailers. They are left out where the framing cannot carry them. */
  sendTrailers(sink: ByteSink, headers: HeaderBlock): string | undefined {
    const head = this.encodeHeld(undefined)
    const encoder = head?.encoder ?? this.encoder
    if (encoder === undefined || this.responseComplete) return this.checkBody()
    if (!encoder.hasTrailers) return trailersNotAnnounced
    const trailers = encodeTrailers(headers)
    if (typeof trailers === "string") return trailers
    const problem = encoder.check(0, true)
    if (problem !== undefined) return this.refuse(problem)
    this.settle(head, true)
    encoder.writeTrailers(sink, head?.text ?? "", trailers.lines)
    return undefined
  }

  /** A body that contradicts its declared length cannot be made good, so the connection has to close. */
  private refuse(problem: string): string {
    this.persistent = false
    return problem
  }

  /** Comes before the write, because whoever takes the bytes may ask for more at once. */
  private settle(head: EncodedHead | undefined, last: boolean): void {
    if (head !== undefined) this.commit(head)
    if (last && this.writing === "body") this.writing = "complete"
  }

  // What only a driver can do wrong: exchanges see to the order in which applications send.

  private checkReady(): string | undefined {
    if (this.writing === "ready") return undefined
    return this.writing === "idle" ? "there is no request to answer" : "the response has already started"
  }

  private checkBody(): string {
    return this.responseComplete ? "the response is already complete" : "the response has not started"
  }

  /**
   * Ends the connection after the next response whose head can say so: the current one, unless that has said otherwise. The
   * client may then send another request as soon as it has the response, which must not be lost.
   *
   * @param atOnce ends the connection after the current response, whatever its head has said
   */
  closeAfterResponse(atOnce = false): void {
    this.isClosing = true
    if (atOnce || !this.isHeadSent) this.persistent = false
  }

  /** Whether another request may follow on this connection. Final once the response is complete. */
  get keepAlive(): boolean {
    return this.persistent && !this.reader.isClosed
  }

  /**
   * Whether nothing that may still come can destroy the response: the client has sent its only request, by its own word and
   * without a body, behind which some send an empty line, and takes all that it was sent even while it does not read.
   */
  get isSafelyOver(): boolean {
    const { reader, request } = this
    if (request === undefined || request.keepAlive || request.bodyLength !== 0) return false
    return reader.isComplete && reader.bufferedLength === 0 && this.sentLength <= UNREAD_LIMIT
  }

  /** Whether a final response was accepted, also while its head is held back. */
  get responseStarted(): boolean {
    return this.writing !== "idle" && this.writing !== "ready"
  }

  /** Whether the head of the final response has been written. */
  get isHeadSent(): boolean {
    return this.responseStarted && this.writing !== "held"
  }

  /** Whether only the end of the connection will tell the client that the body is complete. */
  get isCloseDelimited(): boolean {
    return this.writing === "body" && this.encoder?.framing === "until-close"
  }

  get responseComplete(): boolean {
    return this.writing === "complete" || this.writing === "upgraded"
  }

  /**
   * Lets `next` go on to the next request, or to `Closed` when the connection does not persist. Does nothing before the
   * request has been read and the response sent to their ends.
   */
  nextCycle(): void {
    if (this.writing !== "complete" || !this.reader.isComplete) return
    if (!this.keepAlive) {
      this.reader.close()
      return
    }
    this.reader.resume()
    this.writing = "idle"
    this.request = undefined
    this.encoder = undefined
  }
}
