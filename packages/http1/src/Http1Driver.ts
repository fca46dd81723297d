import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import type { HttpRequestEvent } from "@pagi/core/contract/Event"
import type { Ending } from "@pagi/core/exchange/Exchange"
import type { ScopeConnection } from "@pagi/core/exchange/RequestScope"
import { beginExchange, type BegunExchange, type HttpHost } from "@pagi/core/exchange/HttpHost"
import { overdue, type Refusal } from "@pagi/core/server/Refusal"
import type { Turn, TurnHost } from "@pagi/core/server/Turn"
import type { OpenWebSocket, UpgradedConnection, WebSocketHandshake } from "@pagi/core/exchange/WebSocketUpgrade"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { endOf } from "@pagi/core/observe/ConnectionEnd"
import { type Limit, tellProblem } from "@pagi/core/observe/Observer"
import type { Holding, ServerConnection } from "@pagi/core/server/ConnectionRegistry"
import { ConnectionFibers, type ListenerFibers, type ScopedConnection } from "@pagi/core/server/ConnectionFibers"
import { Deadline, type DeadlineOwner, freshDrainTicks, ticks } from "@pagi/core/server/Deadlines"
import { lingerSilenceTicks } from "@pagi/core/server/Linger"
import { isBodyLimited } from "@pagi/core/server/ServerContext"
import { TransportInput } from "@pagi/core/server/TransportInput"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"
import * as Effect from "effect/Effect"
import type { Fiber } from "effect/Fiber"
import { admit } from "./Admission.ts"
import type { Http1Settings } from "./Http1Settings.ts"
import { Connection } from "./protocol/Connection.ts"
import { type ErrorReason, protocolError } from "./protocol/ProtocolError.ts"
import type { RequestHead } from "./protocol/RequestHead.ts"
import { RequestBody } from "./RequestBody.ts"
import { type ResponseObserver, ResponseWriter } from "./ResponseWriter.ts"

/** Ticks that a connection between two requests gets when a drain begins: a busy client's next one is on its way already, and would be lost by a close. */
const idleDrainTicks = ticks(300, "milliseconds")

/**
 * What the connection is waiting for:
 *
 *     fresh ──┬─► head ─► exchange ─► finishing ─┬─► idle ─► head …
 *             │              │ (broken input,    │     │ (drain)
 *             └──────────────┴──  no keep-alive) ┴─────┴─► lingering ─► closed
 *
 * - `fresh`: the first byte · `idle`: the first byte of a later request, and room for its response · `head`: the rest
 *   of a head · `exchange`: the application · `finishing`: the response is complete, the rest of an unread request body
 *   is skipped, as when lingering
 * - `lingering`: our side is closed; what the peer still sends is discarded, so that no reset destroys the response
 * - `queued`, between `head` and `exchange`, or `finishing` without an answer: its turn, when there are too many requests
 * - `closed`: the applications that have not ended
 * - `upgraded`, from `exchange`: nothing; the connection is a WebSocket session and has another driver
 */
type Phase = "fresh" | "idle" | "head" | "queued" | "exchange" | "finishing" | "lingering" | "closed" | "upgraded"

/** Received bytes that may wait for the application before the socket is not read any more. */
const inputHighWatermark = 65_536

/**
 * Applications of a connection that may run on after their responses: as many as one of HTTP/2 has by default. The next
 * request waits until one of them has ended.
 */
export const maxRunning = 200

/** Broken rules that are about a limit. */
const limits: { readonly [Reason in ErrorReason]?: Limit } = {
  "body-too-large": "maxBodySize",
  "chunk-extensions-too-large": "maxHeaderSize",
  "headers-too-large": "maxHeaderSize",
  "request-line-too-long": "maxHeaderSize",
  "too-many-headers": "maxHeaderCount"
}

/**
 * One HTTP/1.x connection: joins the protocol machine to a transport and to the application. Bytes drive it; each call
 * from the transport goes on as far as it can without waiting.
 */
export class Http1Driver
  extends TransportInput
  implements TransportHandler, HttpHost, TurnHost, ResponseObserver, DeadlineOwner, ServerConnection, ScopedConnection
{
  protected readonly settings: Http1Settings
  readonly #machine: Connection
  readonly #body: RequestBody
  readonly #fibers: ConnectionFibers
  readonly response: ResponseWriter
  #phase: Phase = "fresh"
  #exchange: BegunExchange | undefined = undefined
  /** Where requests may have to wait or have a time limit, that of the one that goes on. */
  #turn: Turn | undefined = undefined
  /** The exchange before, when its response had no content and its application may go on to send some. */
  #previous: BegunExchange | undefined = undefined
  #isAdvancing = false
  /** Whether the application has asked for a piece of the body, and nothing has come since. */
  #isBodyAwaited = false
  /** Limits how long the peer may be silent, whatever it is waited for. */
  readonly #readDeadline: Deadline
  /** Limits how long the peer may leave data unread; made when that first happens. */
  #writeDeadline: Deadline | undefined = undefined
  /** The session that the connection has become. */
  #session: OpenWebSocket | undefined = undefined
  /** Applications of this connection that have not ended; more than one when some run on after their response. */
  #running = 0

  constructor(settings: Http1Settings, transport: Transport, fibers: ListenerFibers) {
    super(transport)
    const { server } = settings
    this.settings = settings
    this.#machine = new Connection(server.options)
    this.#body = new RequestBody(this.#machine)
    this.#fibers = new ConnectionFibers(fibers, this)
    this.response = new ResponseWriter(this.#machine, transport, server, this)
    this.#readDeadline = new Deadline(server.deadlines, this)
    this.#readDeadline.start(server.limits.headers)
    server.registry.add(this)
    transport.open(this)
  }

  // from the transport -----------------------------------------------------------------------------------------------

  onData(bytes: Uint8Array, isLent: boolean): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return this.discard(bytes.length)
    if (this.#phase === "exchange") {
      // The application may not be waiting any more.
      this.#isBodyAwaited = false
      this.#readDeadline.start(this.#stallTicks)
    } else if (this.#phase === "finishing") this.discard(bytes.length)
    this.response.received(this.#phase === "exchange" || this.#phase === "queued")
    this.#machine.receive(bytes, isLent)
    this.#advance()
    this.#machine.keep()
  }

  onEnd(): void {
    this.#machine.receiveEnd()
    if (!this.#isAnswering) this.#advance()
    // A peer that closes its side has nearly always gone altogether; waiting applications must learn of it.
    if (this.#isAnswering || this.#phase === "queued") this.#drop("client_closed")
  }

  onFlush(): void {
    if (this.#phase !== "exchange") return
    this.#exchange?.endWithHead()
    if (!this.#isAnswering) this.#advance()
    if (this.#exchange?.holdsHead !== true) this.response.flushHead()
  }

  onBlocked(): void {
    this.#writeDeadline ??= new Deadline(this.settings.server.deadlines, this)
    if (!this.#writeDeadline.isRunning) this.#writeDeadline.start(this.settings.server.limits.write)
  }

  onDrain(): void {
    const { limits } = this.settings.server
    if (this.transport.bufferedAmount === 0) this.#writeDeadline?.stop()
    else this.#writeDeadline?.start(limits.write)
    if (this.#phase === "exchange") this.#readDeadline.start(this.#stallTicks)
    else if (this.#phase === "idle") this.#readDeadline.start(this.#idleTicks)
    else if (this.transport.bufferedAmount === 0) this.restartLinger()
    this.#exchange?.writeBuffer.update()
    const hasRoom = this.transport.bufferedAmount <= this.settings.exchange.lowWaterMark
    if (this.#phase === "idle" && this.isPaused && hasRoom) this.#advance()
  }

  onClose(reason: DisconnectReason | undefined): void {
    this.endForClose(reason)
    this.#phase = "closed"
    this.#readDeadline.release()
    this.#writeDeadline?.release()
    this.#endExchange(reason ?? "client_closed")
    if (this.#running === 0) this.#finish()
    else if (this.settings.server.limits.disconnectGrace === 0) this.#fibers.interrupt()
    else this.#readDeadline.start(this.settings.server.limits.disconnectGrace)
  }

  // from the timer wheel and the registry ------------------------------------------------------------------------------

  onDeadline(deadline: Deadline): void {
    if (this.#phase === "closed") return this.#fibers.interrupt()
    if (deadline === this.#writeDeadline) return this.mayTakeOn(deadline) ? undefined : this.#drop("write_timeout")
    switch (this.#phase) {
      case "head":
        this.tellLimit("headersTimeout")
        return this.#answer(408, protocolError("head-timeout").message, "client_timeout")
      case "exchange":
        return this.#onStall()
      case "finishing":
        return this.#close()
      case "idle":
        return this.#onIdle(deadline)
      case "lingering":
        return this.endUnlessSending(deadline)
      default:
        this.endFor(this.settings.server.registry.isDraining ? "server_shutdown" : "idle_timeout")
        return this.transport.destroy()
    }
  }

  #onIdle(deadline: Deadline): void {
    const { deadlines, leaving, limits, registry } = this.settings.server
    if (!registry.isDraining) this.endUnlessSending(deadline, limits.idle)
    else if (leaving.mayStayIdle(deadlines.now)) deadline.start(idleDrainTicks)
    else this.#close()
  }

  #onStall(): void {
    // An event stream may have started since.
    if (this.#exchange?.mayStall !== true) return
    this.tellLimit(this.#isBodyTimed ? "bodyTimeout" : "requestTimeout")
    if (this.#isBodyTimed) this.#answer(408, protocolError("body-timeout").message, "client_timeout")
    else this.#drop("client_timeout")
  }

  drain(): void {
    const { isPatient } = this.settings.server
    // A client whose event stream ends comes back, which is to be to another server.
    this.#machine.closeAfterResponse(!isPatient || this.#exchange?.mayStall === false)
    this.#exchange?.drain()
    this.linger?.hurry()
    if (!isPatient && (this.#phase === "idle" || this.#phase === "fresh")) this.#close()
    else if (this.#phase === "idle") this.#readDeadline.start(idleDrainTicks)
    else if (this.#phase === "finishing") this.#close()
    else if (this.#phase === "fresh") this.#readDeadline.start(freshDrainTicks)
  }

  abort(reason: DisconnectReason): void {
    this.#drop(reason)
  }

  onScopeClose(): void {
    this.#drop("server_shutdown")
  }

  // the way in -----------------------------------------------------------------------------------------------------

  /** Goes on until something has to be waited for. Not re-entrant: whoever calls from within leaves it to the loop. */
  #advance(): void {
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    try {
      let goesOn = true
      while (goesOn) goesOn = this.#step()
    } catch (defect) {
      // A mistake in here, or a getter in the application's state that throws, must cost one connection only.
      this.settings.exchange.log(Effect.logError("a connection failed", defect))
      this.#drop("server_error")
    } finally {
      this.#isAdvancing = false
    }
  }

  /** Takes one step; answers whether another may follow at once. */
  #step(): boolean {
    switch (this.#phase) {
      case "fresh":
      case "idle":
      case "head":
        return this.#readHead()
      case "queued":
        if (this.#machine.bufferedLength > inputHighWatermark) this.setPaused(true)
        return false
      case "exchange":
        return this.#continueExchange()
      case "finishing":
        return this.#skipBody()
      case "lingering":
      case "closed":
      case "upgraded":
        return false
    }
  }

  #readHead(): boolean {
    if (this.#phase === "idle" && (this.#isOverMark || this.#isCrowded)) {
      // Answers to pipelined requests would gather without end for a peer that does not read them.
      this.setPaused(true)
      return false
    }
    const event = this.#machine.next()
    switch (event.type) {
      case "request":
        return this.#beginOrRefuse(event)
      case "error":
        this.#tellProblem(event.reason)
        this.#answer(event.status, event.message, "protocol_error")
        return false
      case "need-data":
        this.#awaitHead()
        return false
      default:
        this.endFor("client_closed")
        this.#close()
        return false
    }
  }

  #awaitHead(): void {
    this.setPaused(false)
    if (this.#phase === "head" || this.#machine.bufferedLength === 0) return
    // The time of a fresh connection's first head runs since the connection was accepted.
    if (this.#phase === "idle") this.#readDeadline.start(this.settings.server.limits.headers)
    this.#phase = "head"
  }

  #beginOrRefuse(received: RequestHead): boolean {
    const { forwarding, observer, requestIds } = this.settings.server
    const identified = requestIds?.identify(received, this.transport) ?? received
    const forwarded = forwarding?.resolve(identified, this.transport)
    const head = forwarded?.head ?? identified
    // The client is done with that response, and waits for the next.
    this.#previous?.stopSendingInVain()
    this.#previous = undefined
    // The host that TLS was set up for is the one that the peer names, and not its clients.
    const admission = admit(this.settings, this.transport, identified)
    if (admission?.type === "error") {
      this.response.begin(head, forwarded?.connection)
      observer?.protocolError?.("request-refused", this.transport)
      this.#answer(admission.status, admission.message, "protocol_error", admission.headers)
      return false
    }
    // Frames that come before the answer must never be taken for a request, should the answer be a refusal.
    if (admission !== undefined) this.#machine.closeAfterResponse()
    this.#body.restart()
    this.#isBodyAwaited = false
    this.response.begin(head, forwarded?.connection)
    const connection = forwarded?.connection ?? this.transport
    const { turns } = this.settings.server
    if (turns !== undefined) return this.#beginInTurn(turns.make(this), connection, head, admission)
    beginExchange(this, this.settings, connection, head, admission)
    return true
  }

  /** Begins when it is the request's turn. */
  #beginInTurn(
    turn: Turn,
    connection: ScopeConnection,
    head: RequestHead,
    handshake: WebSocketHandshake | undefined
  ): boolean {
    this.#turn = turn
    const refused = turn.take(head.path, () => {
      beginExchange(this, this.settings, connection, head, handshake, turn)
    })
    if (refused !== undefined) this.#refuse(refused)
    else if (turn.isWaiting) {
      this.#phase = "queued"
      this.#readDeadline.stop()
    }
    return true
  }

  onTurn(begin: () => void): void {
    this.#goOn(begin)
  }

  onShed(refused: Refusal): void {
    this.#goOn(() => this.#refuse(refused))
  }

  /** Acts upon the request that has waited, and then upon what has come behind it. */
  #goOn(act: () => void): void {
    if (this.#phase !== "queued") return
    try {
      act()
    } catch (defect) {
      this.settings.exchange.log(Effect.logError("a connection failed", defect))
      this.#drop("server_error")
    }
    this.#advance()
    this.transport.scheduleFlush()
  }

  /** Answers a request that the application shall not see, after which the connection goes on. */
  #refuse({ headers, message, status }: Refusal): void {
    this.#phase = "exchange"
    this.response.refuse(status, message, headers)
  }

  onOverdue(): void {
    const turn = this.#turn
    if (!this.#isAnswering) return
    this.tellLimit("requestDeadline")
    this.#answer(overdue.status, overdue.message, "request_deadline")
    turn?.interrupt()
  }

  tellShortage(limit: Limit): void {
    this.settings.server.observer?.limitHit?.(limit, this.transport)
  }

  #continueExchange(): boolean {
    const exchange = this.#exchange
    if (this.#isAnswering) {
      exchange?.readable()
      if (this.#isAnswering) {
        if (this.#machine.bufferedLength > inputHighWatermark) this.setPaused(true)
        return false
      }
    }
    // Reading on may have ended the exchange by a protocol error.
    if (this.#phase !== "exchange") return false
    this.#phase = "finishing"
    this.#exchange = undefined
    if (exchange?.maySendInVain === true) this.#previous = exchange
    this.#endTurn()
    this.response.end("complete")
    if (!this.#machine.keepAlive) {
      this.#close()
      return false
    }
    if (!this.#machine.bodyIsComplete) {
      this.#machine.skipBody()
      this.beginLinger(this.#readDeadline)
    }
    return true
  }

  #skipBody(): boolean {
    if (!this.#machine.bodyIsComplete) {
      const event = this.#machine.next()
      switch (event.type) {
        case "end":
          return true
        case "need-data":
          return false
        default:
          if (event.type === "error") this.#tellProblem(event.reason)
          else this.endFor("client_closed")
          this.#close()
          return false
      }
    }
    this.#machine.nextCycle()
    this.endLinger()
    this.#phase = "idle"
    this.#readDeadline.start(this.#idleTicks)
    return true
  }

  onBegin(exchange: BegunExchange): void {
    this.#phase = "exchange"
    this.#exchange = exchange
    this.#running++
    this.#readDeadline.start(this.#stallTicks)
  }

  onWaiting(fiber: Fiber<unknown, unknown>): void {
    this.#fibers.add(fiber)
  }

  pullBody(): HttpRequestEvent | undefined {
    this.#machine.sendContinue(this.transport)
    const event = this.#body.next()
    const isAwaited = event === undefined && !this.#machine.bodyIsComplete
    if (isAwaited) this.setPaused(false)
    if (isAwaited || this.#isBodyAwaited) {
      this.#isBodyAwaited = isAwaited
      this.#readDeadline.start(this.#stallTicks)
    }
    if (event?.type === "error") {
      this.#tellProblem(event.reason)
      this.#answer(event.status, event.message, event.status === 413 ? "body_too_large" : "protocol_error")
      return undefined
    }
    return event
  }

  /** Tells of what the client has done, which ends the connection. */
  #tellProblem(reason: ErrorReason): void {
    const limit = limits[reason]
    this.endFor(limit === undefined ? "protocol_error" : "limit")
    tellProblem(this.settings.server.observer, this.transport, reason, limit)
  }

  // the way out --------------------------------------------------------------------------------------------------------

  get bufferedAmount(): number {
    return this.transport.bufferedAmount
  }

  onWritten(ends: boolean): void {
    this.#readDeadline.start(this.#stallTicks)
    // Only what the system has refused to take is reported as drained, and `send` will wait for that.
    if (this.#isOverMark) this.transport.flush()
    // The exchange notes its completion after this call; the end of the turn is early enough to go on to the next.
    if (ends && !this.#isAdvancing) this.transport.scheduleFlush()
  }

  /** What contradicts its own length cannot be made good. Once dropped, the exchange does not report failures. */
  breakOff(problem: string): void {
    this.#exchange?.logError(`the response was broken off: ${problem}`)
    this.#answer(500, "internal server error", "server_error")
  }

  endResponse(reason: DisconnectReason): void {
    if (reason === "idle_timeout") this.tellLimit("sseIdleTimeout")
    this.endFor(endOf(reason))
    this.#machine.sendBody(this.transport, "", true)
    this.#endExchange(reason)
    this.#close()
  }

  onApplicationEnd(ending: Ending): void {
    this.#running--
    if (this.#running === 0) this.#fibers.close()
    this.offerPlace()
    if (this.#session !== undefined) this.#session.onApplicationEnd()
    else if (this.#phase === "closed") {
      if (this.#running === 0) this.#finish()
    } else if (ending === "unanswered" || ending === "truncated") {
      this.#answer(500, "internal server error", "server_error")
    } else if (this.#phase === "idle" && this.isPaused) this.#advance()
  }

  handOver(): Omit<UpgradedConnection, "exchange" | "entry"> {
    return {
      transport: this.transport,
      fibers: this.#fibers,
      received: this.#machine.takeBuffered(),
      isBlocked: this.#writeDeadline?.isRunning === true,
      running: this.#running
    }
  }

  onSession(session: OpenWebSocket): void {
    this.#phase = "upgraded"
    this.#endTurn()
    this.#exchange = undefined
    this.#readDeadline.release()
    this.#writeDeadline?.release()
    this.settings.server.registry.replace(this, session)
    this.#session = session
  }

  // endings ------------------------------------------------------------------------------------------------------------

  /** Ends the exchange with the server's own answer, or the connection when a response is already on its way. */
  #answer(status: number, message: string, reason: DisconnectReason, headers?: HeaderBlock): void {
    this.endFor(endOf(reason))
    if (this.#machine.isHeadSent) return this.#drop(reason)
    this.#disconnectExchange(reason)
    this.response.answer(status, message, reason, headers)
    this.#close()
  }

  /** Ends the connection now, in a way that the peer cannot take what it has for a complete response. */
  #drop(reason: DisconnectReason): void {
    if (this.#phase === "closed") return
    this.endFor(endOf(reason))
    const isStuck = reason === "write_timeout" || (this.#phase === "lingering" && this.transport.bufferedAmount > 0)
    this.#phase = "lingering"
    this.#endExchange(reason)
    if (isStuck || this.#machine.isCloseDelimited) this.transport.reset()
    else if (reason === "server_error" || reason === "protocol_error") this.#closeUnfinished()
    else this.transport.destroy()
  }

  /** The peer is not to blame for the end, or still there: it gets what is complete and then sees that the rest is missing. */
  #closeUnfinished(): void {
    this.transport.truncate()
    this.beginLinger(this.#readDeadline)
  }

  /**
   * Closes our side and lingers until the peer has closed its own. Over TLS something always comes: the peer's own notice
   * that nothing will follow.
   */
  #close(): void {
    this.endFor(this.settings.server.registry.isDraining ? "server_shutdown" : "complete")
    this.#phase = "lingering"
    if (this.#machine.isSafelyOver && !this.transport.secure) {
      this.transport.close()
      this.#readDeadline.start(lingerSilenceTicks)
    } else {
      this.transport.end()
      this.beginLinger(this.#readDeadline)
    }
  }

  /** Whether the application has still to complete its response. */
  get #isAnswering(): boolean {
    return this.#phase === "exchange" && this.#exchange?.isComplete === false
  }

  /** Ticks that the exchange may go on without a byte in either direction; 0 means no limit. */
  get #stallTicks(): number {
    if (this.#exchange?.mayStall !== true) return 0
    const { body, request } = this.settings.server.limits
    return this.#isBodyTimed ? body : request
  }

  /** Ticks that there may be no request. */
  get #idleTicks(): number {
    const { limits, registry } = this.settings.server
    return registry.isDraining ? idleDrainTicks : limits.idle
  }

  /** Whether of the limits for silence the one for bodies is the one that counts. */
  get #isBodyTimed(): boolean {
    return this.#isBodyAwaited && isBodyLimited(this.settings.server.limits)
  }

  /** Whether a request waits that would make too many of them. */
  get #isCrowded(): boolean {
    return this.#running >= maxRunning && this.#machine.bufferedLength > 0
  }

  get #isOverMark(): boolean {
    return this.transport.bufferedAmount > this.settings.exchange.highWaterMark
  }

  get protocol(): "http/1.1" {
    return "http/1.1"
  }

  get holding(): Holding | undefined {
    if (this.#phase === "closed" || this.#phase === "upgraded") return undefined
    if (this.transport.bufferedAmount > 0) return "backlog"
    if (this.#phase === "fresh" || this.#phase === "idle" || this.#phase === "head") return "nothing"
    if (this.#machine.bufferedLength > 0) return "backlog"
    // Event streams go on, and are what their clients have come for.
    return this.#exchange?.mayStall === false ? undefined : "answer"
  }

  protected get hasRunning(): boolean {
    return this.#running > 0
  }

  #endExchange(reason: DisconnectReason): void {
    this.#disconnectExchange(reason)
    this.response.end(reason)
  }

  #disconnectExchange(reason: DisconnectReason): void {
    this.#endTurn()
    this.#exchange?.disconnect(reason)
    this.#exchange = undefined
  }

  #endTurn(): void {
    this.#turn?.end()
    this.#turn = undefined
  }

  #finish(): void {
    this.#readDeadline.release()
    this.settings.server.registry.remove(this)
  }
}
