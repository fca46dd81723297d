import type { AccessEntry, AccessOutcome } from "@pagi/core/AccessLog"
import type { ServerConnection } from "@pagi/core/ConnectionRegistry"
import type { ConnectionScope, ScopedConnection } from "@pagi/core/ConnectionScope"
import { Deadline, type DeadlineOwner } from "@pagi/core/Deadlines"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import { drainTicks } from "@pagi/core/Exchange/Exchange"
import type { WebSocketChannel, WebSocketExchange, WebSocketMessage } from "@pagi/core/Exchange/WebSocket"
import { lingerBytes, lingerTicks } from "@pagi/core/Linger"
import type { Transport, TransportHandler } from "@pagi/core/Transport"
import type { UpgradedConnection } from "@pagi/core/WebSocketUpgrade"
import * as Effect from "effect/Effect"
import { CompressedOutbox, type OutboxSession } from "./CompressedOutbox.ts"
import { Keepalive, type KeptSession } from "./Keepalive.ts"
import { closeFrameProblem } from "./protocol/CloseCode.ts"
import { Connection } from "./protocol/Connection.ts"
import type { Event } from "./protocol/Event.ts"
import { decodeText } from "./protocol/Utf8.ts"
import type { MessageCompression } from "./WebSocketPlatform.ts"
import type { WebSocketSettings } from "./WebSocketSettings.ts"

/**
 * How far the session has come:
 *
 *     open ─┬─(we close)────────► closing ─┬─(the peer's close frame, or too late)─► lingering ─► closed
 *           └─(the peer closes, or breaks a rule: answered by our close frame)──────────┘
 *
 * - `closing`: our close frame is sent or waits behind messages; the peer's is awaited, and what comes before it dropped
 * - `lingering`: our side is closed; what the peer still sends is discarded, so that no reset destroys the close frame
 * - `closed`: the applications that have not ended
 */
type Phase = "open" | "closing" | "lingering" | "closed"

/** Ticks that a peer has to answer our close frame. */
const closeTicks = 50

/** Received bytes that may wait, as messages or not yet, before the transport is not read any more. */
const inputHighWatermark = 65_536

const noBytes = new Uint8Array(0)

/**
 * An open WebSocket, over whatever transport it was agreed on: joins the protocol machine to the transport and to the
 * application. Bytes drive it; each call from the transport goes on as far as it can without waiting.
 */
export class WebSocketSession
  implements
    TransportHandler,
    WebSocketChannel,
    DeadlineOwner,
    ServerConnection,
    ScopedConnection,
    KeptSession,
    OutboxSession
{
  readonly #settings: WebSocketSettings
  readonly #transport: Transport
  readonly #exchange: WebSocketExchange
  readonly #scope: ConnectionScope
  readonly #machine: Connection
  readonly #compression: MessageCompression | undefined
  readonly #outbox: CompressedOutbox | undefined
  #received: Uint8Array
  #access: AccessEntry | undefined
  #phase: Phase = "open"
  /** Applications of the connection that have not ended; more than one when some of earlier requests run on. */
  #running: number
  #isAdvancing = false
  #isPaused = false
  #isInflating = false
  #isPeerEnded = false
  #discarded = 0
  /** The last ping that came while the peer was behind; it stands for those before it (RFC 6455 §5.5.3). */
  #unansweredPing: Uint8Array | undefined = undefined
  // Made when they are first needed, since an idle session should cost little.
  #deadline: Deadline | undefined = undefined
  #writeDeadline: Deadline | undefined = undefined
  #drainDeadline: Deadline | undefined = undefined
  #keepalive: Keepalive | undefined = undefined

  constructor(
    settings: WebSocketSettings,
    connection: UpgradedConnection,
    compression: MessageCompression | undefined
  ) {
    this.#settings = settings
    this.#transport = connection.transport
    this.#exchange = connection.exchange
    this.#scope = connection.scope
    this.#access = connection.access
    this.#running = connection.running
    this.#received = connection.received
    this.#machine = new Connection("server", settings.limits, compression !== undefined)
    this.#compression = compression
    this.#outbox = compression && new CompressedOutbox(this, compression)
    connection.scope.handOver(this)
    connection.transport.open(this)
    if (connection.isBlocked) this.onBlocked()
  }

  begin(): void {
    const received = this.#received
    this.#received = noBytes
    this.#transport.resume()
    this.onData(received, false)
  }

  // from the transport -----------------------------------------------------------------------------------------------

  onData(bytes: Uint8Array, isLent: boolean): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return this.#discard(bytes.length)
    this.#noteActivity()
    this.#machine.receive(bytes, isLent)
    this.#advance()
    this.#machine.keep()
  }

  onEnd(): void {
    this.#isPeerEnded = true
    this.#advance()
  }

  onFlush(): void {}

  onBlocked(): void {
    this.#writeDeadline ??= new Deadline(this.#settings.server.deadlines, this)
    if (!this.#writeDeadline.isRunning) this.#writeDeadline.start(this.#settings.server.limits.write)
  }

  onDrain(): void {
    const { bufferedAmount } = this.#transport
    if (bufferedAmount === 0) this.#writeDeadline?.stop()
    else this.#writeDeadline?.start(this.#settings.server.limits.write)
    // Only now can the peer do what it is waited for.
    if (bufferedAmount === 0) this.#restartWaiting()
    if (this.#unansweredPing !== undefined && !this.#isOverMark) {
      this.#machine.sendPong(this.#transport, this.#unansweredPing)
      this.#unansweredPing = undefined
    }
    this.#exchange.writeBuffer.update()
  }

  onClose(reason: DisconnectReason | undefined): void {
    this.#phase = "closed"
    this.#end(reason ?? "client_closed")
    this.#compression?.close()
    this.#writeDeadline?.release()
    this.#drainDeadline?.release()
    const { disconnectGrace } = this.#settings.server.limits
    if (this.#running === 0) this.#finish()
    else if (disconnectGrace === 0) this.#scope.interrupt()
    else this.#startDeadline(disconnectGrace)
  }

  // from the timer wheel and the registry ------------------------------------------------------------------------------

  onDeadline(deadline: Deadline): void {
    if (this.#phase === "closed") return this.#scope.interrupt()
    if (deadline === this.#writeDeadline) return this.#drop("write_timeout")
    if (deadline === this.#drainDeadline) return this.#closeFor("server_shutdown", 1001, "the server is shutting down")
    // What the peer has still to read has the write deadline to watch over it.
    if (this.bufferedAmount > 0) return deadline.start(this.#limitTicks)
    switch (this.#phase) {
      case "open":
        return this.#closeFor("idle_timeout", 1001, "idle for too long", 1006)
      case "closing":
        return this.#drop("client_timeout")
      case "lingering":
        return this.#transport.destroy()
    }
  }

  /** Closes the session soon, so that the client connects again, to a server that stays. */
  drain(): void {
    if (this.#phase !== "open") return
    this.#drainDeadline ??= new Deadline(this.#settings.server.deadlines, this)
    this.#drainDeadline.start(drainTicks)
  }

  abort(reason: DisconnectReason): void {
    if (this.#phase === "open") this.#machine.sendClose(this.#transport, 1001, "")
    this.#drop(reason, 1001)
  }

  onScopeClose(): void {
    this.abort("server_shutdown")
  }

  // from the peer ----------------------------------------------------------------------------------------------------

  /** Goes on until something has to be waited for. Not re-entrant: whoever calls from within leaves it to the loop. */
  #advance(): void {
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    try {
      while (this.#isReceiving && this.#react(this.#machine.next()));
      if (this.#isReceiving && this.#isPeerEnded) this.#drop("client_closed")
      this.#regulate()
    } catch (defect) {
      // A mistake in here must cost one connection only.
      this.#log(Effect.logError("a WebSocket session failed", defect))
      this.#drop("server_error")
    } finally {
      this.#isAdvancing = false
    }
  }

  get #isReceiving(): boolean {
    return !this.#isInflating && (this.#phase === "open" || this.#phase === "closing")
  }

  /** Acts upon an event; answers whether there may be another. */
  #react(event: Event): boolean {
    switch (event.type) {
      case "text":
        this.#deliver(event.text)
        return true
      case "bytes":
        this.#deliver(event.bytes)
        return true
      case "compressed":
        this.#inflate(event.bytes, event.isText)
        return true
      case "ping":
        if (this.#isBehindMark()) this.#unansweredPing = event.bytes
        else this.#machine.sendPong(this.#transport, event.bytes)
        return true
      case "pong":
        this.#keepalive?.onPong()
        return true
      case "close":
        this.#answerClose(event.code, event.reason)
        return false
      case "error":
        this.#fail(event.code, event.message, event.code === 1009 ? "body_too_large" : "protocol_error")
        return false
      default:
        return false
    }
  }

  #deliver(message: WebSocketMessage): void {
    // After our close frame messages are for nobody (RFC 6455 §1.4).
    if (this.#phase !== "open") return
    this.#exchange.deliver(message)
    if (this.#exchange.queuedMessages > this.#settings.server.options.maxReceiveQueue) {
      this.#fail(1008, "message queue overflow", "queue_overflow")
    }
  }

  #inflate(payload: Uint8Array, isText: boolean): void {
    this.#isInflating = true
    this.#compression?.decompress(payload, this.#settings.limits.maxMessageSize, (result) => {
      this.#isInflating = false
      if (this.#phase === "open") this.#deliverInflated(result, isText)
      this.#advance()
    })
  }

  #deliverInflated(result: Uint8Array | "too-large" | "invalid", isText: boolean): void {
    if (result === "too-large") return this.#fail(1009, "the inflated message is too large", "body_too_large")
    if (result === "invalid") return this.#fail(1007, "the compressed message is malformed", "protocol_error")
    if (!isText) return this.#deliver(result)
    const text = decodeText(result)
    if (text === undefined) this.#fail(1007, "text is not valid UTF-8", "protocol_error")
    else this.#deliver(text)
  }

  /** Pauses reading while much waits for the application, in time before too many messages do. */
  #regulate(): void {
    const { queuedBytes, queuedMessages } = this.#exchange
    const { maxReceiveQueue } = this.#settings.server.options
    const backlog = this.#machine.bufferedLength + queuedBytes
    // When the session ends only a close frame is looked for, and messages are dropped.
    if (this.#phase !== "open" && !this.#isInflating) this.#setPaused(false)
    else if (queuedMessages * 2 > maxReceiveQueue || backlog > inputHighWatermark) this.#setPaused(true)
    else if (queuedMessages * 4 <= maxReceiveQueue && backlog * 4 <= inputHighWatermark) this.#setPaused(false)
  }

  // from the application ---------------------------------------------------------------------------------------------

  get bufferedAmount(): number {
    return this.#transport.bufferedAmount + (this.#outbox?.pendingBytes ?? 0)
  }

  send(message: WebSocketMessage): void {
    if (this.#outbox === undefined) this.writeMessage(message)
    else this.#outbox.send(message)
  }

  close(code: number, reason: string): string | undefined {
    const problem = closeFrameProblem(code, reason)
    if (problem === undefined) this.#beginClosing(code, reason)
    return problem
  }

  keepAlive(intervalTicks: number, timeoutTicks: number): void {
    if (this.#phase !== "open") return
    this.#keepalive ??= new Keepalive(this, this.#settings.server.deadlines)
    this.#keepalive.start(intervalTicks, timeoutTicks)
  }

  onTaken(): void {
    if (this.#isPaused && !this.#isAdvancing) this.#regulate()
  }

  /** Also called for those of earlier requests on this connection. */
  onApplicationEnd(): void {
    this.#running--
    if (this.#running === 0) this.#scope.close()
    if (this.#phase === "closed" && this.#running === 0) this.#finish()
  }

  // to the peer ------------------------------------------------------------------------------------------------------

  writeMessage(message: WebSocketMessage): void {
    const length =
      typeof message === "string"
        ? this.#machine.sendText(this.#transport, message)
        : this.#machine.sendBytes(this.#transport, message)
    this.#access?.sent(length)
    this.#onWritten()
  }

  writeCompressed(isText: boolean, payload: Uint8Array): void {
    const length = this.#machine.sendCompressed(this.#transport, isText, payload)
    this.#access?.sent(length)
    this.#onWritten()
  }

  writeClose(code: number, reason: string): void {
    if (this.#phase !== "closing") return
    this.#machine.sendClose(this.#transport, code, reason)
    if (this.#machine.isCloseReceived) this.#linger()
    else this.#startDeadline(closeTicks)
  }

  onOutboxProgress(): void {
    const { writeBuffer } = this.#exchange
    // As in `#onWritten`, for those that wait already.
    if (writeBuffer.isFull) this.#transport.flush()
    writeBuffer.update()
  }

  #onWritten(): void {
    this.#noteActivity()
    this.#isBehindMark()
  }

  /**
   * Whether the peer is behind by more than the high mark. Only what the system has refused to take counts, since only
   * that is reported as drained.
   */
  #isBehindMark(): boolean {
    if (this.#isOverMark) this.#transport.flush()
    return this.#isOverMark
  }

  // keepalive --------------------------------------------------------------------------------------------------------

  sendPing(): boolean {
    if (this.#isBehindMark()) return false
    this.#machine.sendPing(this.#transport, noBytes)
    this.#noteActivity()
    return true
  }

  get isBehind(): boolean {
    return this.#isPaused || this.#isInflating || this.#transport.bufferedAmount > 0
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
    if (!this.#isAdvancing) this.#regulate()
  }

  /** Closes for a reason of the server's; the application is told at once. */
  #closeFor(disconnectReason: DisconnectReason, code: number, reason: string, toldCode = code): void {
    this.#end(disconnectReason, toldCode)
    this.#beginClosing(code, reason)
  }

  /** Answers the peer's close frame by one with the same code, unless ours has been sent (RFC 6455 §5.5.1). */
  #answerClose(code: number, reason: string): void {
    this.#exchange.finish(code, reason)
    this.#endAccess("complete")
    if (this.#phase === "closing") {
      if (this.#machine.isCloseSent) this.#linger()
    } else this.#beginClosing(code, "")
  }

  /** The peer broke a rule: it is told which, and nothing of what follows is read (RFC 6455 §7.1.7). */
  #fail(code: number, message: string, reason: DisconnectReason, toldCode = code): void {
    this.#end(reason, toldCode)
    this.#machine.sendClose(this.#transport, code, message)
    this.#linger()
  }

  /** Closes our side and lingers until the peer has closed its own. */
  #linger(): void {
    if (this.#phase === "closed") return
    this.#phase = "lingering"
    this.#keepalive?.release()
    this.#drainDeadline?.stop()
    this.#transport.end()
    this.#setPaused(false)
    this.#startDeadline(lingerTicks)
  }

  /** Ends the connection now. */
  #drop(reason: DisconnectReason, code?: number): void {
    if (this.#phase === "closed") return
    this.#phase = "lingering"
    this.#end(reason, code)
    if (reason === "write_timeout") this.#transport.reset()
    else this.#transport.destroy()
  }

  #end(reason: DisconnectReason, code?: number): void {
    this.#keepalive?.release()
    this.#exchange.disconnect(reason, code)
    this.#endAccess(reason)
  }

  #endAccess(outcome: AccessOutcome): void {
    this.#access?.end(outcome)
    this.#access = undefined
  }

  #discard(length: number): void {
    this.#discarded += length
    if (this.#discarded <= lingerBytes) return
    if (this.#transport.bufferedAmount > 0) this.#setPaused(true)
    else this.#transport.destroy()
  }

  #finish(): void {
    this.#deadline?.release()
    this.#settings.server.registry.remove(this)
  }

  // small helpers ------------------------------------------------------------------------------------------------------

  /** Ticks that the current phase may last without anything happening; 0 means no limit. */
  get #limitTicks(): number {
    if (this.#phase === "closing") return closeTicks
    return this.#phase === "lingering" ? lingerTicks : this.#settings.server.limits.wsIdle
  }

  #noteActivity(): void {
    if (this.#phase === "open" && this.#settings.server.limits.wsIdle > 0) this.#startDeadline(this.#limitTicks)
  }

  /** The peer's time for whatever it is waited for begins anew. */
  #restartWaiting(): void {
    if (this.#deadline?.isRunning === true) this.#deadline.start(this.#limitTicks)
    this.#keepalive?.onCaughtUp()
  }

  #startDeadline(ticks: number): void {
    this.#deadline ??= new Deadline(this.#settings.server.deadlines, this)
    this.#deadline.start(ticks)
  }

  get #isOverMark(): boolean {
    return this.#transport.bufferedAmount > this.#settings.server.options.writeHighWatermark
  }

  #log(effect: Effect.Effect<void>): void {
    this.#settings.server.runner.background(effect)
  }

  #setPaused(paused: boolean): void {
    if (this.#isPaused === paused) return
    this.#isPaused = paused
    if (paused) this.#transport.pause()
    else {
      this.#transport.resume()
      this.#keepalive?.onCaughtUp()
    }
  }
}
