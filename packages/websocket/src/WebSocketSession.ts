import type { ExchangeEntry } from "@pagi/core/observe/ExchangeRecorder"
import { endOf } from "@pagi/core/observe/ConnectionEnd"
import { type ExchangeOutcome, tellProblem } from "@pagi/core/observe/Observer"
import { closeFrameProblem } from "@pagi/core/http/CloseCode"
import type { ServerConnection } from "@pagi/core/server/ConnectionRegistry"
import type { ConnectionFibers, ScopedConnection } from "@pagi/core/server/ConnectionFibers"
import { Deadline, type DeadlineOwner, ticks } from "@pagi/core/server/Deadlines"
import type { SharedEncoding, SharedMessage } from "@pagi/core/contract/DirectSend"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import { drainTicks } from "@pagi/core/exchange/Exchange"
import type { WebSocketChannel, WebSocketExchange, WebSocketMessage } from "@pagi/core/exchange/WebSocket"
import { toldSilenceTicks } from "@pagi/core/server/Linger"
import { TransportInput } from "@pagi/core/server/TransportInput"
import type { TransportHandler } from "@pagi/core/transport/Transport"
import type { UpgradedConnection } from "@pagi/core/exchange/WebSocketUpgrade"
import * as Effect from "effect/Effect"
import { CompressedOutbox, type OutboxSession } from "./CompressedOutbox.ts"
import { Keepalive, type KeptSession } from "./Keepalive.ts"
import { Connection } from "./protocol/Connection.ts"
import { type ReadSession, SessionInput } from "./SessionInput.ts"
import { frameOf } from "./SharedFrame.ts"
import type { Violation } from "./Violation.ts"
import type { MessageCompression } from "./WebSocketPlatform.ts"
import type { WebSocketSettings } from "./WebSocketSettings.ts"

/** Ticks that a peer has to answer our close frame: 5 s. */
const closeTicks = ticks(5, "seconds")

/** Ticks after which a peer that is not read gets a ping, for the error that its absence would cause: 15 s. */
const probeTicks = ticks(15, "seconds")

const noBytes = new Uint8Array(0)

/**
 * How far a session has come:
 *
 * - `open`: messages go both ways
 * - `closing`: our close frame is sent, or waits behind messages that are being compressed; the peer's is awaited, and
 *   messages that come before it are dropped
 * - `lingering`: our side is closed; what the peer still sends is discarded, so that no reset destroys our close frame. Or
 *   the connection was destroyed, which the transport reports in a later turn
 * - `closed`: the connection is; applications that have not ended are waited for
 */
type Phase = "open" | "closing" | "lingering" | "closed"

/**
 * An open WebSocket, over whatever transport it was agreed on: joins the protocol machine to the transport and to the
 * application. Bytes drive it; each call from the transport goes on as far as it can without waiting. `TransportInput` has
 * what it shares with the drivers of HTTP: reading pauses, and a connection lingers.
 *
 * What happens in which phase; where nothing stands, nothing does. Which close frames have gone is asked of the protocol
 * machine, and what of the received bytes has been looked at is the business of `SessionInput`.
 *
 * ```
 * event (method)                        open                  closing                    lingering   closed
 * ────────────────────────────────────  ────────────────────  ─────────────────────────  ──────────  ────────────
 * the application or the server closes  close frame
 *   (#beginClosing)                     ► closing
 * our close frame leaves (writeClose)                         the peer's has come: ►
 *                                                             lingering; else 5 s for it
 * the peer's close frame comes          answered              ours has left:
 *   (onCloseFrame)                      ► closing             ► lingering
 * the peer breaks a rule, or does not   close frame           close frame, unless sent
 *   answer a ping (#fail)               ► lingering           ► lingering
 * nothing can be done for the peer any  connection destroyed  connection destroyed       destroyed
 *   more (#drop)                        ► lingering           ► lingering
 * the phase lasts too long              the server closes     as the row above           destroyed   applications
 *   (onDeadline)                                                                                     interrupted
 * the connection has closed (onClose)   ► closed              ► closed                   ► closed
 * the last application has ended                                                                     removed from
 *   (onApplicationEnd)                                                                               the registry
 * ```
 */
export class WebSocketSession
  extends TransportInput
  implements
    TransportHandler,
    WebSocketChannel,
    DeadlineOwner,
    ServerConnection,
    ScopedConnection,
    ReadSession,
    KeptSession,
    OutboxSession
{
  protected readonly settings: WebSocketSettings
  readonly #exchange: WebSocketExchange
  readonly #machine: Connection
  readonly #compression: MessageCompression | undefined
  readonly #input: SessionInput
  readonly #outbox: CompressedOutbox | undefined
  readonly #fibers: ConnectionFibers
  #phase: Phase = "open"
  /** What observers are told of the session; until its end is told, or nobody listens. */
  #entry: ExchangeEntry | undefined
  /** Applications of the connection that have not ended; more than one when some of earlier requests run on. */
  #running: number
  /** The last ping that came while the peer was behind; it stands for those before it (RFC 6455 §5.5.3). */
  #unansweredPing: Uint8Array | undefined = undefined
  // The following are made when they are first needed, since an idle session should cost little.
  /** How long the phase may last with nothing happening; when closed, how long the applications may run on. */
  #deadline: Deadline | undefined = undefined
  /** How long the peer may leave unread what it was sent. */
  #writeDeadline: Deadline | undefined = undefined
  /** How long the application may still close by itself when the server drains. */
  #drainDeadline: Deadline | undefined = undefined
  /** When the peer gets the next ping while it is not read. */
  #probeDeadline: Deadline | undefined = undefined
  #keepalive: Keepalive | undefined = undefined

  /** `sharedBits` are those of the window when what is compressed is the same for other sessions. */
  constructor(
    settings: WebSocketSettings,
    connection: UpgradedConnection,
    compression: MessageCompression | undefined,
    sharedBits?: number
  ) {
    super(connection.transport)
    const { exchange } = connection
    const machine = new Connection(compression === undefined ? settings.rules : settings.compressionRules)
    this.settings = settings
    this.#exchange = exchange
    this.#machine = machine
    this.#compression = compression
    this.#input = new SessionInput(this, settings, exchange, machine, compression)
    this.#outbox = compression && new CompressedOutbox(this, compression, settings.sharedCompression, sharedBits)
    this.#fibers = connection.fibers
    this.#entry = connection.entry
    this.#running = connection.running
    machine.receive(connection.received)
    connection.fibers.handOver(this)
    connection.transport.open(this)
    if (connection.isBlocked) this.onBlocked()
  }

  /** What came right behind the handshake is the first that is looked at. */
  begin(): void {
    this.transport.resume()
    this.#noteActivity()
    this.#input.advance()
  }

  // from the transport -----------------------------------------------------------------------------------------------

  onData(bytes: Uint8Array, isLent: boolean): void {
    if (this.wanted === "nothing") return this.discard(bytes.length)
    this.#noteActivity()
    this.#input.receive(bytes, isLent)
  }

  onEnd(): void {
    this.#input.receiveEnd()
  }

  onFlush(): void {}

  onBlocked(): void {
    this.#writeDeadline ??= new Deadline(this.settings.server.deadlines, this)
    if (!this.#writeDeadline.isRunning) this.#writeDeadline.start(this.settings.server.limits.write)
  }

  onDrain(): void {
    const { bufferedAmount } = this.transport
    if (bufferedAmount === 0) this.#writeDeadline?.stop()
    else this.#writeDeadline?.start(this.settings.server.limits.write)
    // Only now can the peer do what it is waited for.
    if (bufferedAmount === 0) this.#restartWaiting()
    if (this.#unansweredPing !== undefined && !this.#isOverMark) {
      this.#machine.sendPong(this.transport, this.#unansweredPing)
      this.#unansweredPing = undefined
    }
    this.#exchange.writeBuffer.update()
  }

  onClose(reason: DisconnectReason | undefined): void {
    this.endForClose(reason)
    this.#phase = "closed"
    this.#end(reason ?? "client_closed")
    this.#compression?.close()
    this.#outbox?.discard()
    this.#writeDeadline?.release()
    this.#drainDeadline?.release()
    this.#probeDeadline?.release()
    const { disconnectGrace } = this.settings.server.limits
    if (this.#running === 0) this.#finish()
    else if (disconnectGrace === 0) this.#fibers.interrupt()
    else this.#startDeadline(disconnectGrace)
  }

  // from the way in ---------------------------------------------------------------------------------------------------

  get wanted(): ReadSession["wanted"] {
    if (this.#phase === "open") return "messages"
    return this.#phase === "closing" ? "close" : "nothing"
  }

  onPing(bytes: Uint8Array): void {
    if (this.#flushOverMark()) this.#unansweredPing = bytes
    else this.#machine.sendPong(this.transport, bytes)
  }

  onPong(): void {
    this.#keepalive?.onPong()
  }

  /** Answers the peer's close frame by one with the same code, unless ours has been sent (RFC 6455 §5.5.1). */
  onCloseFrame(code: number, reason: string): void {
    this.endFor("client_closed")
    this.#exchange.finish(code, reason)
    this.#endEntry("complete")
    if (this.#phase === "closing") {
      if (this.#machine.isCloseSent) this.#linger()
    } else this.#beginClosing(code, "")
  }

  onViolation({ code, limit, message, reason, rule }: Violation): void {
    this.endFor(limit === undefined ? "protocol_error" : "limit")
    tellProblem(this.settings.server.observer, this.transport, rule, limit)
    this.#fail(code, message, reason)
  }

  onEarlyEnd(): void {
    this.#drop("client_closed")
  }

  /** A mistake in here must cost one connection only. */
  onDefect(defect: unknown): void {
    this.settings.server.runner.background(Effect.logError("a WebSocket session failed", defect))
    this.#drop("server_error")
  }

  // from the timer wheel and the registry ------------------------------------------------------------------------------

  onDeadline(deadline: Deadline): void {
    if (this.#phase === "closed") return this.#fibers.interrupt()
    if (deadline === this.#writeDeadline) return this.mayTakeOn(deadline) ? undefined : this.#drop("write_timeout")
    if (deadline === this.#drainDeadline) return this.#closeFor("server_shutdown", 1001, "the server is shutting down")
    if (deadline === this.#probeDeadline) return this.#probe()
    // What the peer has still to read has the write deadline to watch over it.
    if (this.bufferedAmount > 0) return deadline.start(this.#limitTicks)
    switch (this.#phase) {
      case "open":
        this.endFor("idle_timeout")
        this.tellLimit("wsIdleTimeout")
        return this.#closeFor("idle_timeout", 1001, "idle for too long", 1006)
      case "closing":
        return this.#drop("client_timeout")
      case "lingering":
        return this.transport.destroy()
    }
  }

  /** No sign of life of anybody's, so that the time for which the session may be idle runs on. */
  #probe(): void {
    if (!this.#flushOverMark()) this.#machine.sendPing(this.transport, noBytes)
    this.#probeDeadline?.start(probeTicks)
  }

  /** Closes the session soon, so that the client connects again, to a server that stays. */
  drain(): void {
    this.linger?.hurry()
    if (this.#phase !== "open") return
    this.#drainDeadline ??= new Deadline(this.settings.server.deadlines, this)
    this.#drainDeadline.start(drainTicks)
  }

  abort(reason: DisconnectReason): void {
    if (this.#phase === "open") this.#machine.sendClose(this.transport, 1001, "")
    this.#drop(reason, 1001)
  }

  onScopeClose(): void {
    this.abort("server_shutdown")
  }

  // from the application ---------------------------------------------------------------------------------------------

  get bufferedAmount(): number {
    return this.transport.bufferedAmount + (this.#outbox?.pendingBytes ?? 0)
  }

  send(message: WebSocketMessage): void {
    if (this.#outbox === undefined) this.writeMessage(message)
    else this.#outbox.send(message)
  }

  sendShared(message: SharedMessage): void {
    if (this.#outbox === undefined) this.writeFrame(frameOf(message))
    else this.#outbox.sendShared(message)
  }

  close(code: number, reason: string, outcome?: DisconnectReason): string | undefined {
    const problem = closeFrameProblem(code, reason)
    if (problem !== undefined) return problem
    this.endFor(outcome === undefined ? "complete" : endOf(outcome))
    if (outcome !== undefined) this.#endEntry(outcome)
    this.#beginClosing(code, reason)
    return undefined
  }

  keepAlive(intervalTicks: number, timeoutTicks: number): undefined {
    if (this.#phase !== "open") return
    this.#keepalive ??= new Keepalive(this, this.settings.server.deadlines)
    this.#keepalive.start(intervalTicks, timeoutTicks)
  }

  onTaken(): void {
    this.#input.onTaken()
  }

  /** Also called for those of earlier requests on this connection. */
  onApplicationEnd(): void {
    this.#running--
    if (this.#running === 0) this.#fibers.close()
    this.offerPlace()
    if (this.#phase === "closed" && this.#running === 0) this.#finish()
  }

  // to the peer ------------------------------------------------------------------------------------------------------

  writeMessage(message: WebSocketMessage): void {
    const length =
      typeof message === "string"
        ? this.#machine.sendText(this.transport, message)
        : this.#machine.sendBytes(this.transport, message)
    this.#onMessageWritten(length)
  }

  writeCompressed(isText: boolean, payload: Uint8Array): void {
    const length = this.#machine.sendCompressed(this.transport, isText, payload)
    this.#onMessageWritten(length)
  }

  writeFrame({ bytes, length }: SharedEncoding): void {
    // It is whole: all that the machine knows is whether anything may be sent.
    if (this.#machine.isCloseSent) return
    this.transport.write(bytes)
    this.#onMessageWritten(length)
  }

  writeClose(code: number, reason: string): void {
    if (this.#phase !== "closing") return
    this.#machine.sendClose(this.transport, code, reason)
    if (this.#machine.isCloseReceived) this.#linger()
    else this.#startDeadline(closeTicks)
  }

  onOutboxProgress(): void {
    const { writeBuffer } = this.#exchange
    // Those who wait for room are woken by `onDrain`, which follows only what the system has refused to take.
    if (writeBuffer.isFull) this.transport.flush()
    writeBuffer.update()
  }

  #onMessageWritten(length: number): void {
    this.#entry?.sent(length)
    this.settings.server.observer?.webSocketMessage?.("transmit")
    this.#noteActivity()
    this.#flushOverMark()
  }

  /**
   * Writes what was gathered when it is more than the high mark; answers whether the peer is behind by more than that. Only
   * what the system has refused to take counts, since only that is reported as drained.
   */
  #flushOverMark(): boolean {
    if (!this.#isOverMark) return false
    this.transport.flush()
    return this.#isOverMark
  }

  // pings --------------------------------------------------------------------------------------------------------

  /** A peer that leaves is not noticed while it is not read. Sending to it will tell. */
  protected override onPaused(): void {
    this.#probeDeadline ??= new Deadline(this.settings.server.deadlines, this)
    this.#probeDeadline.start(probeTicks)
  }

  protected override onResumed(): void {
    this.#probeDeadline?.stop()
    this.#keepalive?.onCaughtUp()
  }

  sendPing(): boolean {
    if (this.#flushOverMark()) return false
    this.#machine.sendPing(this.transport, noBytes)
    this.#noteActivity()
    return true
  }

  get isBehind(): boolean {
    // What was merely gathered says nothing about the peer.
    this.transport.flush()
    return this.isPaused || this.#input.isInflating || this.transport.bufferedAmount > 0
  }

  onUnanswered(): void {
    this.#fail(1011, "a ping was not answered", "keepalive_timeout", 1006)
  }

  // endings ----------------------------------------------------------------------------------------------------------

  /** Begins the closing handshake (RFC 6455 §7.1.2). */
  #beginClosing(code: number, reason: string): void {
    if (this.#phase !== "open") return
    this.#phase = "closing"
    this.#keepalive?.release()
    this.#drainDeadline?.stop()
    if (this.#outbox === undefined) this.writeClose(code, reason)
    else this.#outbox.close(code, reason)
    this.#input.advance()
  }

  /** Closes for a reason of the server's; the application is told at once. */
  #closeFor(disconnectReason: DisconnectReason, code: number, reason: string, toldCode = code): void {
    this.#end(disconnectReason, toldCode)
    this.#beginClosing(code, reason)
  }

  /** The peer broke a rule: it is told which, and nothing of what follows is read (RFC 6455 §7.1.7). */
  #fail(code: number, message: string, reason: DisconnectReason, toldCode = code): void {
    this.#end(reason, toldCode)
    this.#machine.sendClose(this.transport, code, message)
    this.#linger()
  }

  /** Closes our side and lingers until the peer has closed its own. */
  #linger(): void {
    if (this.#phase === "closed") return
    this.#phase = "lingering"
    this.#keepalive?.release()
    this.#drainDeadline?.stop()
    this.transport.end()
    this.#deadline ??= new Deadline(this.settings.server.deadlines, this)
    this.beginLinger(this.#deadline, toldSilenceTicks)
  }

  get protocol(): "websocket" {
    return "websocket"
  }

  protected get hasRunning(): boolean {
    return this.#running > 0
  }

  /** Ends the connection now. */
  #drop(reason: DisconnectReason, code?: number): void {
    if (this.#phase === "closed") return
    this.#phase = "lingering"
    this.#end(reason, code)
    if (reason === "write_timeout") this.transport.reset()
    else this.transport.destroy()
  }

  /** Tells the application and observers that the session is over; the first to be told is what counts. */
  #end(reason: DisconnectReason, code?: number): void {
    this.endFor(endOf(reason))
    this.#keepalive?.release()
    this.#exchange.disconnect(reason, code)
    this.#endEntry(reason)
  }

  #endEntry(outcome: ExchangeOutcome): void {
    this.#entry?.end(outcome)
    this.#entry = undefined
  }

  /** Nothing of the session is left. */
  #finish(): void {
    this.#deadline?.release()
    this.settings.server.registry.remove(this)
  }

  // small helpers ------------------------------------------------------------------------------------------------------

  /** Ticks that the current phase may last without anything happening; 0 means no limit. */
  get #limitTicks(): number {
    if (this.#phase === "closing") return closeTicks
    return this.#phase === "lingering" ? toldSilenceTicks : this.settings.server.limits.wsIdle
  }

  #noteActivity(): void {
    if (this.#phase === "open" && this.settings.server.limits.wsIdle > 0) this.#startDeadline(this.#limitTicks)
  }

  /** The peer's time for whatever it is waited for begins anew. */
  #restartWaiting(): void {
    if (this.linger !== undefined) this.restartLinger()
    else if (this.#deadline?.isRunning === true) this.#deadline.start(this.#limitTicks)
    this.#keepalive?.onCaughtUp()
  }

  #startDeadline(ticks: number): void {
    this.#deadline ??= new Deadline(this.settings.server.deadlines, this)
    this.#deadline.start(ticks)
  }

  /** Whether more waits for the peer than an application should let wait. */
  get #isOverMark(): boolean {
    return this.transport.bufferedAmount > this.settings.server.options.writeHighWatermark
  }
}
