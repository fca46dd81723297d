import { BridgeWebSocket, transfer } from "../bridge/BridgeWebSocket.ts"
import { closeFrameProblem } from "../http/CloseCode.ts"
import { Deadline, type DeadlineOwner } from "../server/Deadlines.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import { drainTicks, type ExchangeOptions } from "../exchange/Exchange.ts"
import type { WebSocketMessage } from "../exchange/WebSocket.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { ChangeSignal } from "./ChangeSignal.ts"
import type { CloseFrame } from "./CloseFrame.ts"

/** A session whose peer is a test. Pings and close frames are answered as soon as they are sent. */
export class MemoryWebSocket extends BridgeWebSocket implements DeadlineOwner {
  readonly changes: ChangeSignal = new ChangeSignal()
  /** The server's close frame, once the session has ended. */
  closed: CloseFrame | undefined = undefined
  /** Pings that the peer has got. */
  pings = 0
  readonly #server: ServerContext
  readonly #onClosed: () => void
  readonly #drain: Deadline
  readonly #idle: Deadline
  readonly #keepalive: Deadline
  #keepaliveTicks = 0
  #isDraining = false

  /** `onClosed` is called when the session has ended. */
  constructor(
    server: ServerContext,
    options: ExchangeOptions,
    subprotocols: ReadonlyArray<string>,
    onClosed: () => void
  ) {
    super(options, subprotocols)
    this.#server = server
    this.#onClosed = onClosed
    this.#drain = new Deadline(server.deadlines, this)
    this.#idle = new Deadline(server.deadlines, this)
    this.#keepalive = new Deadline(server.deadlines, this)
  }

  // from the peer ----------------------------------------------------------------------------------------------------

  /** The peer sends a message; nothing once the session has ended. */
  receive(message: WebSocketMessage): void {
    if (this.closed !== undefined) return
    this.#noteActivity()
    this.exchange.deliver(transfer(message))
    if (this.exchange.queuedMessages > this.#server.options.maxReceiveQueue) {
      this.#closeFor("queue_overflow", 1008, "message queue overflow")
    }
  }

  /** The peer closes, and the server answers with the same code (RFC 6455 §5.5.1). */
  closeByPeer({ code, reason }: CloseFrame): void {
    if (!this.#end({ code, reason: "" })) return
    this.exchange.finish(code, reason)
    this.#onClosed()
  }

  disconnect(reason: DisconnectReason): void {
    if (this.accepted === undefined) this.response.breakOff("disconnected", reason)
    else this.#closeFor(reason, 1006, "")
  }

  // from the server --------------------------------------------------------------------------------------------------

  drain(): void {
    this.#isDraining = true
    if (this.accepted !== undefined) this.#drain.start(drainTicks)
  }

  abort(reason: DisconnectReason): void {
    if (this.accepted === undefined) this.response.breakOff("truncated", reason)
    else this.#closeFor(reason, 1001, "")
  }

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#drain) this.#closeFor("server_shutdown", 1001, "the server is shutting down")
    else if (deadline === this.#keepalive) this.#ping()
    // As with a real connection, a peer that is behind is not idle.
    else if (this.unsent > 0) this.#noteActivity()
    else this.#closeFor("idle_timeout", 1001, "idle for too long", 1006)
  }

  // from the exchange ------------------------------------------------------------------------------------------------

  override begin(): void {
    this.#noteActivity()
    if (this.#isDraining) this.drain()
    super.begin()
  }

  override send(message: WebSocketMessage): void {
    this.#noteActivity()
    super.send(message)
  }

  /** The peer answers with the same code. */
  close(code: number, reason: string): string | undefined {
    const problem = closeFrameProblem(code, reason)
    if (problem !== undefined || !this.#end({ code, reason })) return problem
    this.exchange.finish(code, "")
    this.#onClosed()
    return undefined
  }

  keepAlive(intervalTicks: number): undefined {
    if (this.closed !== undefined) return
    this.#keepaliveTicks = intervalTicks
    this.#keepalive.start(intervalTicks)
  }

  // ------------------------------------------------------------------------------------------------------------------

  #ping(): void {
    this.#keepalive.start(this.#keepaliveTicks)
    if (this.unsent > this.#server.options.writeHighWatermark) return
    this.pings++
    this.#noteActivity()
    this.changes.notify()
  }

  #noteActivity(): void {
    this.#idle.start(this.#server.limits.wsIdle)
  }

  /** Ends the session for a reason other than a closing handshake. */
  #closeFor(disconnectReason: DisconnectReason, code: number, reason: string, toldCode = code): void {
    if (!this.#end({ code, reason })) return
    this.exchange.disconnect(disconnectReason, toldCode)
    this.#onClosed()
  }

  /** Answers whether the session was still open. */
  #end(frame: CloseFrame): boolean {
    if (this.closed !== undefined) return false
    this.closed = frame
    for (const deadline of [this.#drain, this.#idle, this.#keepalive]) deadline.release()
    this.changes.notify()
    return true
  }
}
