import { Deadline, type DeadlineOwner } from "@pagi/core/server/Deadlines"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import { makeExchange } from "@pagi/core/exchange/makeExchange"
import type { Ending } from "@pagi/core/exchange/Exchange"
import type { ExchangeHost } from "@pagi/core/exchange/RequestExchange"
import { type WebSocketChannel, WebSocketExchange, type WebSocketHost } from "@pagi/core/exchange/WebSocket"
import { ConnectionScope, type ConnectionScopes, type ScopedConnection } from "@pagi/core/server/ConnectionScope"
import type { ServerConnection } from "@pagi/core/server/ConnectionRegistry"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { lingerSilenceTicks } from "@pagi/core/server/Linger"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"
import type { WebSocketHandshake } from "@pagi/core/exchange/WebSocketUpgrade"
import { Http1Input } from "./Http1Input.ts"
import type { Http1Settings } from "./Http1Settings.ts"
import { protocolError } from "./protocol/ProtocolError.ts"
import type { RequestHead } from "./protocol/RequestHead.ts"
import { type ResponseObserver, ResponseWriter } from "./ResponseWriter.ts"

/** Ticks that a connection without any request gets when a drain begins: its first request may be under way. */
const freshDrainTicks = 10

/** And a connection between two requests: a busy client's next one is on its way already, and would be lost by a close. */
const idleDrainTicks = 3

/**
 * One HTTP/1.x connection: joins the protocol machine to a transport and to the application. Bytes drive it; each call
 * from the transport goes on as far as it can without waiting.
 */
export class Http1Driver
  extends Http1Input
  implements
    TransportHandler,
    ExchangeHost,
    WebSocketHost,
    ResponseObserver,
    DeadlineOwner,
    ServerConnection,
    ScopedConnection
{
  readonly #scope: ConnectionScope
  readonly response: ResponseWriter
  protected readonly readDeadline: Deadline
  /** Limits how long the peer may leave data unread; made when that first happens. */
  #writeDeadline: Deadline | undefined = undefined
  /** The WebSocket handshake that the current exchange answers. */
  #handshake: WebSocketHandshake | undefined = undefined
  /** The session that the connection has become. */
  #session: WebSocketChannel | undefined = undefined
  protected running = 0
  #isDraining = false

  constructor(settings: Http1Settings, transport: Transport, scopes: ConnectionScopes) {
    super(settings, transport)
    const { server } = settings
    this.#scope = new ConnectionScope(scopes, this)
    this.response = new ResponseWriter(this.machine, transport, server, this)
    this.readDeadline = new Deadline(server.deadlines, this)
    this.readDeadline.start(server.limits.headers)
    server.registry.add(this)
    transport.open(this)
  }

  // from the transport -----------------------------------------------------------------------------------------------

  onData(bytes: Uint8Array, isLent: boolean): void {
    if (this.phase === "lingering" || this.phase === "closed") return this.discard(bytes.length)
    if (this.phase === "exchange") {
      // The application may not be waiting any more.
      this.isBodyAwaited = false
      this.readDeadline.start(this.stallTicks)
    } else if (this.phase === "finishing") this.discard(bytes.length)
    this.machine.receive(bytes, isLent)
    this.advance()
    this.machine.keep()
  }

  onEnd(): void {
    this.machine.receiveEnd()
    if (!this.isAnswering) this.advance()
    // A peer that closes its side has nearly always gone altogether; waiting applications must learn of it.
    if (this.isAnswering) this.drop("client_closed")
  }

  onFlush(): void {
    if (this.phase !== "exchange") return
    this.exchange?.endWithHead()
    if (!this.isAnswering) this.advance()
    if (this.exchange?.holdsHead !== true) this.machine.flushHead(this.transport)
  }

  onBlocked(): void {
    this.#writeDeadline ??= new Deadline(this.settings.server.deadlines, this)
    if (!this.#writeDeadline.isRunning) this.#writeDeadline.start(this.settings.server.limits.write)
  }

  onDrain(): void {
    const { limits } = this.settings.server
    if (this.transport.bufferedAmount === 0) this.#writeDeadline?.stop()
    else this.#writeDeadline?.start(limits.write)
    if (this.phase === "exchange") this.readDeadline.start(this.stallTicks)
    else if (this.phase === "idle") this.readDeadline.start(limits.idle)
    else if (this.transport.bufferedAmount === 0) this.restartLinger()
    this.exchange?.writeBuffer.update()
    const hasRoom = this.transport.bufferedAmount <= this.settings.exchange.lowWaterMark
    if (this.phase === "idle" && this.isPaused && hasRoom) this.advance()
  }

  onClose(reason: DisconnectReason | undefined): void {
    this.phase = "closed"
    this.readDeadline.release()
    this.#writeDeadline?.release()
    this.#endExchange(reason ?? "client_closed")
    if (this.running === 0) this.#finish()
    else if (this.settings.server.limits.disconnectGrace === 0) this.#scope.interrupt()
    else this.readDeadline.start(this.settings.server.limits.disconnectGrace)
  }

  // from the timer wheel and the registry ------------------------------------------------------------------------------

  onDeadline(deadline: Deadline): void {
    if (this.phase === "closed") return this.#scope.interrupt()
    if (deadline === this.#writeDeadline) return this.mayTakeOn(deadline) ? undefined : this.drop("write_timeout")
    switch (this.phase) {
      case "head":
        this.tellLimit("headersTimeout")
        return this.answer(408, protocolError("head-timeout").message, "client_timeout")
      case "exchange":
        return this.#onStall()
      case "finishing":
        return this.close()
      case "idle":
        return this.#isDraining ? this.close() : this.endUnlessSending(deadline, this.settings.server.limits.idle)
      case "lingering":
        return this.endUnlessSending(deadline)
      default:
        return this.transport.destroy()
    }
  }

  #onStall(): void {
    // An event stream may have started since.
    if (this.exchange?.mayStall !== true) return
    this.tellLimit(this.isBodyTimed ? "bodyTimeout" : "requestTimeout")
    if (this.isBodyTimed) this.answer(408, protocolError("body-timeout").message, "client_timeout")
    else this.drop("client_timeout")
  }

  drain(): void {
    this.machine.closeAfterResponse()
    this.exchange?.drain()
    this.#isDraining = true
    this.linger?.hurry()
    if (this.phase === "idle") this.readDeadline.start(idleDrainTicks)
    else if (this.phase === "finishing") this.close()
    else if (this.phase === "fresh") this.readDeadline.start(freshDrainTicks)
  }

  abort(reason: DisconnectReason): void {
    this.drop(reason)
  }

  onScopeClose(): void {
    this.drop("server_shutdown")
  }

  // from the way in -------------------------------------------------------------------------------------------------

  protected begin(head: RequestHead, handshake: WebSocketHandshake | undefined): void {
    const { server } = this.settings
    const exchange =
      handshake === undefined
        ? makeExchange(this, this.settings.exchange, head)
        : new WebSocketExchange(this, this.settings.exchange, handshake.subprotocols)
    this.#handshake = handshake
    this.phase = "exchange"
    this.exchange = exchange
    this.readDeadline.start(this.stallTicks)
    this.response.begin(head)
    const scope = exchange.makeScope(server, this.transport, head)
    this.running++
    const fiber = exchange.run(server.runner, scope)
    if (fiber !== undefined) this.#scope.add(fiber)
  }

  // the way out --------------------------------------------------------------------------------------------------------

  get bufferedAmount(): number {
    return this.transport.bufferedAmount
  }

  onWritten(ends: boolean): void {
    this.readDeadline.start(this.stallTicks)
    // Only what the system has refused to take is reported as drained, and `send` will wait for that.
    if (this.isOverMark) this.transport.flush()
    // The exchange notes its completion after this call; the end of the turn is early enough to go on to the next.
    if (ends && !this.isAdvancing) this.transport.scheduleFlush()
  }

  /** What contradicts its own length cannot be made good. Once dropped, the exchange does not report failures. */
  breakOff(problem: string): void {
    this.exchange?.logError(`the response was broken off: ${problem}`)
    this.answer(500, "internal server error", "server_error")
  }

  endResponse(reason: DisconnectReason): void {
    if (reason === "idle_timeout") this.tellLimit("sseIdleTimeout")
    this.machine.sendBody(this.transport, "", true)
    this.#endExchange(reason)
    this.close()
  }

  onApplicationEnd(ending: Ending): void {
    this.running--
    if (this.running === 0) this.#scope.close()
    this.offerPlace()
    if (this.#session !== undefined) this.#session.onApplicationEnd()
    else if (this.phase === "closed") {
      if (this.running === 0) this.#finish()
    } else if (ending === "unanswered" || ending === "truncated") {
      this.answer(500, "internal server error", "server_error")
    } else if (this.phase === "idle" && this.isPaused) this.advance()
  }

  acceptWebSocket(subprotocol: string | undefined, headers: HeaderBlock): WebSocketChannel | string {
    const { server } = this.settings
    const exchange = this.exchange
    const handshake = this.#handshake
    if (handshake === undefined || !(exchange instanceof WebSocketExchange)) return "there is no handshake to accept"
    const problem = this.response.switchProtocols(handshake.accept(subprotocol, headers))
    if (problem !== undefined) return problem
    const session = handshake.open({
      transport: this.transport,
      exchange,
      scope: this.#scope,
      entry: this.response.takeEntry(),
      received: this.machine.takeBuffered(),
      isBlocked: this.#writeDeadline?.isRunning === true,
      running: this.running
    })
    this.phase = "upgraded"
    this.exchange = undefined
    this.readDeadline.release()
    this.#writeDeadline?.release()
    server.registry.replace(this, session)
    this.#session = session
    return session
  }

  // endings ------------------------------------------------------------------------------------------------------------

  /** Ends the exchange with the server's own answer, or the connection when a response is already on its way. */
  protected answer(status: number, message: string, reason: DisconnectReason, headers?: HeaderBlock): void {
    if (this.machine.isHeadSent) return this.drop(reason)
    this.#disconnectExchange(reason)
    this.response.answer(status, message, reason, headers)
    this.close()
  }

  /** Ends the connection now, in a way that the peer cannot take what it has for a complete response. */
  protected drop(reason: DisconnectReason): void {
    if (this.phase === "closed") return
    const isStuck = reason === "write_timeout" || (this.phase === "lingering" && this.transport.bufferedAmount > 0)
    this.phase = "lingering"
    this.#endExchange(reason)
    if (isStuck || this.machine.isCloseDelimited) this.transport.reset()
    else if (reason === "server_error" || reason === "protocol_error") this.#closeUnfinished()
    else this.transport.destroy()
  }

  /** The peer is not to blame for the end, or still there: it gets what is complete and then sees that the rest is missing. */
  #closeUnfinished(): void {
    this.transport.truncate()
    this.beginLinger(this.readDeadline)
  }

  /**
   * Closes our side and lingers until the peer has closed its own. Over TLS something always comes: the peer's own notice
   * that nothing will follow.
   */
  protected close(): void {
    this.phase = "lingering"
    if (this.machine.isSafelyOver && !this.transport.secure) {
      this.transport.close()
      this.readDeadline.start(lingerSilenceTicks)
    } else {
      this.transport.end()
      this.beginLinger(this.readDeadline)
    }
  }

  protected get hasRunning(): boolean {
    return this.running > 0
  }

  #endExchange(reason: DisconnectReason): void {
    this.#disconnectExchange(reason)
    this.response.end(reason)
  }

  #disconnectExchange(reason: DisconnectReason): void {
    this.exchange?.disconnect(reason)
    this.exchange = undefined
  }

  #finish(): void {
    this.readDeadline.release()
    this.settings.server.registry.remove(this)
  }
}
