import { goneMessage } from "@pagi/core/bytes/ByteQueue"
import { ConnectionFibers, type ScopedConnection } from "@pagi/core/server/ConnectionFibers"
import { Deadline, type DeadlineOwner } from "@pagi/core/server/Deadlines"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import type { HttpRequestEvent } from "@pagi/core/contract/Event"
import type { Ending } from "@pagi/core/exchange/Exchange"
import { beginExchange, type BegunExchange, type HttpHost } from "@pagi/core/exchange/HttpHost"
import type { HttpRequestHead, ScopeConnection } from "@pagi/core/exchange/RequestScope"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { type Limit, tellProblem } from "@pagi/core/observe/Observer"
import { isBodyLimited } from "@pagi/core/server/ServerContext"
import { overdue, type Refusal } from "@pagi/core/server/Refusal"
import type { Turn, TurnHost } from "@pagi/core/server/Turn"
import * as Effect from "effect/Effect"
import type { OpenWebSocket, UpgradedConnection, WebSocketHandshake } from "@pagi/core/exchange/WebSocketUpgrade"
import type { Fiber } from "effect/Fiber"
import { admit, type IncomingRequest } from "./Admission.ts"
import { CANCEL, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR } from "../protocol/wire/ErrorCode.ts"
import type { Data } from "../protocol/Event.ts"
import type { Stream } from "../protocol/streams/Stream.ts"
import type { ConnectedRequest, RequestConnection } from "./RequestConnection.ts"
import { RequestContent } from "./RequestContent.ts"
import { StreamResponse } from "./StreamResponse.ts"
import { StreamTransport } from "./StreamTransport.ts"

/** Bytes that a client may go on to send of a request whose response is complete. */
const skipLimit = 65_536

/** Statuses of refusals that are about a limit. */
const limits: Readonly<Record<number, Limit>> = { 431: "h2MaxHeaderListSize", 503: "maxConnections" }

/** One request on its stream: joins it to the application, as the driver of HTTP/1.1 joins its connection. */
export class RequestStream implements HttpHost, TurnHost, ConnectedRequest, DeadlineOwner, ScopedConnection {
  readonly response: StreamResponse
  readonly #connection: RequestConnection
  readonly #stream: Stream<RequestStream>
  /** Made when there is some, or the application asks for it. */
  #contentPart: RequestContent | undefined = undefined
  /** Made when the application has to wait for something, or might go on as a session. */
  #fibers: ConnectionFibers | undefined = undefined
  #exchange: BegunExchange | undefined = undefined
  /** Where requests may have to wait or have a time limit. */
  #turn: Turn | undefined = undefined
  /** What the stream has become when a session goes on with it. */
  #tunnel: StreamTransport | undefined = undefined
  /** Whether what follows the request belongs to another protocol, if that is accepted (RFC 8441). */
  readonly #asksForTunnel: boolean
  /** Whether the client waits for 100 (Continue) before it sends content. */
  #isContinueAwaited = false
  /** Whether the application has asked for a piece of the body, and nothing has come since. */
  #isBodyAwaited = false
  /** The tick at which nothing has happened for too long; 0 means none. */
  #stallDue = 0
  /** After the end, limits how long the application may run on. */
  #deadline: Deadline | undefined = undefined
  /** Limits how long the peer may leave content unread; made when that first happens. */
  #writeDeadline: Deadline | undefined = undefined
  /** `#progress` when each of the two was looked at last. */
  #noted = 0
  #writeNoted = 0
  /** Bytes of content that were thrown away. */
  #skipped = 0
  /** Whether the application has not ended. */
  #isRunning = false
  /** Whether nothing further is sent or received for the exchange, of whose end the application knows. */
  #isOver = false

  constructor(connection: RequestConnection, { forwarded, head, stream }: IncomingRequest<RequestStream>) {
    const { exchanges, requestIds } = connection.settings.server
    this.#asksForTunnel = head.type === "request" && head.protocol !== undefined
    const isHead = head.type === "refused" ? head.isHead : head.method === "HEAD"
    const requestId = head.type === "request" ? head.requestId : requestIds?.next()
    const request = head.type === "request" ? (forwarded?.head ?? head) : undefined
    const entry = exchanges?.begin(forwarded?.connection ?? connection.described, request, requestId)
    if (entry !== undefined) connection.arrivedAt = entry.arrived(connection.arrivedAt)
    this.#connection = connection
    this.#stream = stream
    this.response = new StreamResponse(connection, this, stream, { isHead, entry, requestId })
    stream.owner = this
  }

  /** Refuses the request, or runs the application for it. */
  begin({ forwarded, head }: IncomingRequest<RequestStream>): void {
    const { settings, transport } = this.#connection
    const { maxBodySize } = settings.server.options
    const admission = admit(settings, transport, head)
    if (admission?.type === "error") return this.#refuse(admission)
    if (head.type === "refused") return
    if (maxBodySize > 0 && (head.contentLength ?? 0) > maxBodySize) return this.#tooLarge()
    this.#isContinueAwaited = head.expectContinue
    const client = forwarded?.connection ?? transport
    const told = forwarded?.head ?? head
    const { turns } = settings.server
    if (turns === undefined) beginExchange(this, settings, client, told, admission)
    else this.#beginInTurn(turns.make(this), client, told, admission)
  }

  /** Begins when it is the request's turn. */
  #beginInTurn(
    turn: Turn,
    connection: ScopeConnection,
    head: HttpRequestHead,
    handshake: WebSocketHandshake | undefined
  ): void {
    this.#turn = turn
    const refused = turn.take(head.path, () => {
      beginExchange(this, this.#connection.settings, connection, head, handshake, turn)
    })
    if (refused !== undefined) this.onShed(refused)
  }

  onTurn(begin: () => void): void {
    try {
      begin()
    } catch (defect) {
      this.#connection.settings.exchange.log(Effect.logError("a request failed", defect))
      this.#answer(500, "internal server error", "server_error")
    }
  }

  onShed({ headers, message, status }: Refusal): void {
    if (this.#isOver) return
    this.response.answer(status, message, "at_capacity", headers)
    this.#end("queue_overflow")
  }

  onOverdue(): void {
    if (this.#isOver || this.#exchange?.isComplete === true) return
    const turn = this.#turn
    this.#tellLimit("requestDeadline")
    if (this.response.isHeadSent) this.drop("request_deadline", CANCEL)
    else this.#answer(overdue.status, overdue.message, "request_deadline")
    turn?.interrupt()
  }

  tellShortage(limit: Limit): void {
    this.#tellLimit(limit)
  }

  #refuse({ headers, message, status }: Refusal): void {
    const { settings, transport } = this.#connection
    tellProblem(settings.server.observer, transport, "request-refused", limits[status])
    this.#answer(status, message, "protocol_error", headers)
  }

  onBegin(exchange: BegunExchange): void {
    this.#exchange = exchange
    this.#isRunning = true
    if (this.#connection.settings.server.limits.request > 0) this.#watch()
  }

  onWaiting(fiber: Fiber<unknown, unknown>): void {
    this.#fibers ??= new ConnectionFibers(this.#connection.fibers, this)
    this.#fibers.add(fiber)
    this.#connection.onApplicationStart(this)
    // A session keeps to itself when its application ends.
    if (this.#asksForTunnel) fiber.addObserver(() => this.#connection.onApplicationEnd(this))
  }

  // from the connection ------------------------------------------------------------------------------------------------

  onData(piece: Data<RequestStream>): void {
    this.#isContinueAwaited = false
    if (this.#isUnwanted) return this.#skip(piece)
    // Those that run must not have to wait for what belongs to one that waits for them.
    this.#content.add(piece, this.#isWaiting)
    // The application may not be waiting any more.
    this.#isBodyAwaited = false
    if (this.#tunnel !== undefined) return this.#tunnel.onContent()
    const { maxBodySize } = this.#connection.settings.server.options
    if (maxBodySize > 0 && !this.#asksForTunnel && this.#content.received > maxBodySize) this.#tooLarge()
    else this.#exchange?.readable()
  }

  get #content(): RequestContent {
    return (this.#contentPart ??= new RequestContent(this.#connection, this.#stream))
  }

  /** Whether nobody will receive what comes. */
  get #isUnwanted(): boolean {
    return this.#isOver || this.#stream.isLocalClosed
  }

  /**
   * What comes behind a response that is complete has still to be right, but is not wanted; a client that sends a lot of it
   * is told (RFC 9113 §8.1).
   */
  #skip(piece: Data<RequestStream>): void {
    const { bytes, flowLength } = piece
    const { machine } = this.#connection
    this.#skipped += bytes.length
    const isTooMuch = this.#skipped > skipLimit
    // The response must not be cut off, so that what comes has to wait until it has been sent.
    if (isTooMuch && !this.#stream.isLocalClosed) return this.#content.add(piece)
    machine.consume(this.#stream, flowLength)
    if (!isTooMuch) return this.#tunnel?.onContent()
    this.#connection.reset(this.#stream, NO_ERROR)
    this.#writeDeadline?.release()
    this.#tunnel?.onClosed("client_closed")
  }

  /** The content has ended, with trailers or without any. */
  onContentEnd(): void {
    if (this.#tunnel !== undefined) this.#tunnel.onContent()
    else this.#exchange?.readable()
  }

  /** The stream or its connection has ended before its time. */
  onReset(reason: DisconnectReason): void {
    this.#writeDeadline?.release()
    if (this.#tunnel !== undefined) return this.#tunnel.onClosed(reason)
    this.#end(reason)
  }

  /** The transport has sent something, or windows have opened. */
  onProgress(): void {
    if (this.#tunnel !== undefined) this.#tunnel.onProgress()
    else this.#exchange?.writeBuffer.update()
  }

  onContentGone(): void {
    this.#exchange?.logError(`the response was broken off: ${goneMessage}`)
    this.drop("server_error", INTERNAL_ERROR)
  }

  onSent(): void {
    if (this.#stream.isClosed) this.#writeDeadline?.release()
    if (this.#tunnel !== undefined) return this.#tunnel.onSent()
    if (this.#stream.isClosed) return
    // Behind a handshake that was refused nothing can come.
    if (this.#asksForTunnel) return this.#giveUp()
    // As for a request head, which it takes as long for at most.
    const { deadlines, limits } = this.#connection.settings.server
    this.#contentPart?.discard()
    this.#writeDeadline ??= new Deadline(deadlines, this)
    this.#writeDeadline.start(limits.headers)
  }

  /** The peer's last frame on the stream has come. */
  onReceived(): void {
    if (this.#stream.isClosed) this.#writeDeadline?.release()
  }

  /** The turn ends: what waited for more goes out as it is. Answers whether it still waits. */
  onTurnEnd(): boolean {
    if (this.#exchange?.holdsHead === true) return true
    this.#exchange?.endWithHead()
    this.response.flushHead()
    return false
  }

  drain(): void {
    this.#exchange?.drain()
  }

  /** Whether the request waits for its turn. */
  get #isWaiting(): boolean {
    return this.#turn?.isWaiting === true
  }

  /** Whether there is a response that the application has not completed. */
  get isAnswering(): boolean {
    return this.#tunnel !== undefined || this.#isWaiting || this.#exchange?.isComplete === false
  }

  /** Whether content waits, for the peer's windows or for room in the transport. */
  get isWaitingForPeer(): boolean {
    return this.#stream.queuedBytes > 0
  }

  onScopeClose(): void {
    this.drop("server_shutdown", CANCEL)
  }

  // time ---------------------------------------------------------------------------------------------------------------

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#writeDeadline) this.#onWriteDeadline(deadline)
    else this.#fibers?.interrupt()
  }

  /** Ends the exchange if nothing has happened for too long; answers the tick at which to look again, 0 for none. */
  checkStall(tick: number): number {
    if (this.#stallDue !== 0 && tick >= this.#stallDue) this.#onStall()
    return this.#stallDue
  }

  #onStall(): void {
    this.#stallDue = 0
    // An event stream may have started since, which has a limit of its own.
    if (this.#isOver || this.#exchange?.mayStall !== true || this.#exchange.isComplete) return
    if (this.#progress !== this.#noted || (this.#isBodyTimed && !this.#mayPeerSend)) return this.#watch()
    this.#tellLimit(this.#isBodyTimed ? "bodyTimeout" : "requestTimeout")
    if (this.response.isHeadSent || !this.#isBodyTimed) this.drop("client_timeout", CANCEL)
    else this.#answer(408, "The request body took too long", "client_timeout")
  }

  /** Ticks that the exchange may go on without a byte of content in either direction; 0 means no limit. */
  get #stallTicks(): number {
    const { body, request } = this.#connection.settings.server.limits
    return this.#isBodyTimed ? body : request
  }

  /** Whether of the limits for silence the one for bodies is the one that counts. */
  get #isBodyTimed(): boolean {
    return this.#isBodyAwaited && isBodyLimited(this.#connection.settings.server.limits)
  }

  /** Whether the peer is free to send content: it is read, and other streams have left it some of the windows. */
  get #mayPeerSend(): boolean {
    const { isPaused, machine } = this.#connection
    return !isPaused && machine.mayReceive(this.#stream)
  }

  #onWriteDeadline(deadline: Deadline): void {
    if (this.#stream.isLocalClosed) return this.#giveUp()
    if (this.#stream.queuedBytes === 0) return
    const isStuck = this.#stream.sentBytes === this.#writeNoted
    // It may also have to wait for its turn, while the peer takes what others send.
    if (isStuck && this.#connection.machine.isShut(this.#stream)) {
      this.#tellLimit("writeTimeout")
      return this.drop("write_timeout", CANCEL)
    }
    this.#writeNoted = this.#stream.sentBytes
    deadline.start(this.#connection.settings.server.limits.write)
  }

  /** Grows with every byte of content, in either direction. */
  get #progress(): number {
    return (this.#contentPart?.received ?? 0) + this.#stream.sentBytes
  }

  /** The rest of the request is not waited for; the response is complete and good (RFC 9113 §8.1). */
  #giveUp(): void {
    this.#connection.reset(this.#stream, NO_ERROR)
    this.#connection.onWritten(this)
  }

  #watch(): void {
    const ticks = this.#stallTicks
    this.#noted = this.#progress
    this.#stallDue = ticks === 0 ? 0 : this.#connection.watchStall(ticks)
  }

  /** Content waits for the peer, which must take some of it in time. */
  watchBacklog(): void {
    if (this.#writeDeadline?.isRunning === true) return
    this.#writeDeadline ??= new Deadline(this.#connection.settings.server.deadlines, this)
    this.#writeNoted = this.#stream.sentBytes
    this.#writeDeadline.start(this.#connection.settings.server.limits.write)
  }

  // for the exchange ---------------------------------------------------------------------------------------------------

  pullBody(): HttpRequestEvent | undefined {
    if (this.#isContinueAwaited && !this.response.isHeadSent) this.response.informational(100, [])
    this.#isContinueAwaited = false
    const event = this.#content.next()
    const isAwaited = event === undefined && !this.#stream.isRemoteClosed
    if (isAwaited || this.#isBodyAwaited) {
      this.#isBodyAwaited = isAwaited
      this.#watch()
    }
    return event
  }

  get bufferedAmount(): number {
    return this.#connection.machine.backlogOf(this.#stream)
  }

  /** What contradicts its own length cannot be made good. Once dropped, the exchange does not report failures. */
  breakOff(problem: string): void {
    this.#exchange?.logError(`the response was broken off: ${problem}`)
    this.#answer(500, "internal server error", "server_error")
  }

  endResponse(reason: DisconnectReason): void {
    if (reason === "idle_timeout") this.#tellLimit("sseIdleTimeout")
    this.response.finish(reason)
    this.#end(reason)
  }

  onApplicationEnd(ending: Ending): void {
    this.#isRunning = false
    this.#fibers?.close()
    if (ending === "unanswered" || ending === "truncated") this.#answer(500, "internal server error", "server_error")
    if (this.#isOver) this.#release()
    else if (ending === "complete") this.#finish()
    this.#connection.onApplicationEnd(this)
  }

  handOver(): Omit<UpgradedConnection, "exchange" | "entry"> {
    this.#stallDue = 0
    this.#fibers ??= new ConnectionFibers(this.#connection.fibers, this)
    const fibers = this.#fibers
    const transport = new StreamTransport(this.#connection, this, this.#stream, this.#content)
    this.#tunnel = transport
    return { transport, fibers, received: new Uint8Array(0), isBlocked: false, running: 1 }
  }

  onSession(session: OpenWebSocket): void {
    this.#connection.settings.server.registry.add(session)
  }

  // endings --------------------------------------------------------------------------------------------------------------

  #tellLimit(limit: Limit): void {
    const { settings, transport } = this.#connection
    settings.server.observer?.limitHit?.(limit, transport)
  }

  #tooLarge(): void {
    this.#tellLimit("maxBodySize")
    this.#answer(413, "The request body is too large", "body_too_large")
  }

  /** Ends the exchange with the server's own answer, or the stream when a response is already on its way. */
  #answer(status: number, message: string, reason: DisconnectReason, headers: HeaderBlock = []): void {
    if (this.#isOver) return
    if (this.response.isHeadSent) return this.drop(reason, reason === "server_error" ? INTERNAL_ERROR : PROTOCOL_ERROR)
    this.response.answer(status, message, reason, headers)
    this.#end(reason)
  }

  /** Ends the stream such that the peer cannot take what it has for a complete response. */
  drop(reason: DisconnectReason, code: number): void {
    this.#connection.reset(this.#stream, code)
    this.#connection.onWritten(this)
    if (this.#tunnel === undefined) this.#end(reason)
    else this.#tunnel.onClosed(reason)
  }

  /** The application is told that it is over, and may run on for a while. */
  #end(reason: DisconnectReason): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#endTurn()
    this.#contentPart?.discard()
    this.#exchange?.disconnect(reason)
    this.response.end(reason)
    if (!this.#isRunning) return this.#release()
    const { deadlines, limits } = this.#connection.settings.server
    if (limits.disconnectGrace === 0) return this.#fibers?.interrupt()
    this.#deadline ??= new Deadline(deadlines, this)
    this.#deadline.start(limits.disconnectGrace)
  }

  /** The exchange is complete and its application has ended. */
  #finish(): void {
    this.#isOver = true
    this.#endTurn()
    this.#contentPart?.discard()
    this.#release()
  }

  #endTurn(): void {
    this.#turn?.end()
    this.#turn = undefined
  }

  #release(): void {
    this.#deadline?.release()
    if (this.#stream.isClosed) this.#writeDeadline?.release()
  }
}
