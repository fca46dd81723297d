import type * as Exit from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import { closeFrameProblem } from "../http/CloseCode.ts"
import { encodeText } from "../bytes/ByteString.ts"
import type { ServerConnection } from "../server/ConnectionRegistry.ts"
import { Deadline, type DeadlineOwner } from "../server/Deadlines.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import { drainTicks, type Ending, type ExchangeOptions } from "../exchange/Exchange.ts"
import {
  type WebSocketChannel,
  WebSocketExchange,
  type WebSocketHost,
  type WebSocketMessage
} from "../exchange/WebSocket.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { RunObserver } from "../server/RequestRunner.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { ChangeSignal } from "./ChangeSignal.ts"
import type { CloseFrame } from "./CloseFrame.ts"
import { MemoryResponse, readFields, type ResponseOwner } from "./MemoryResponse.ts"

/** What the application said when it accepted. */
export interface AcceptedHandshake {
  readonly subprotocol: string | undefined
  readonly headers: HeaderBlock
}

/** A message as it arrives at the other end, which has memory of its own. */
const transfer = (message: WebSocketMessage): WebSocketMessage =>
  typeof message === "string" ? message.toWellFormed() : new Uint8Array(message)

const sizeOf = (message: WebSocketMessage): number =>
  typeof message === "string" ? encodeText(message).length : message.length

/**
 * What a driver and a session are to a WebSocket exchange, without a protocol or a transport. Messages of the
 * application that the peer has not taken count as unsent. Pings and close frames are answered as soon as they are sent.
 */
export class MemoryWebSocket
  implements WebSocketHost, WebSocketChannel, ResponseOwner, RunObserver, ServerConnection, DeadlineOwner
{
  readonly exchange: WebSocketExchange
  readonly response = new MemoryResponse(this, false)
  readonly changes = new ChangeSignal()
  accepted: AcceptedHandshake | undefined = undefined
  /** The server's close frame, once the session has ended. */
  closed: CloseFrame | undefined = undefined
  /** The application, unless it ended at once. */
  fiber: Fiber<unknown, unknown> | undefined = undefined
  /** How the application ended, once it has. */
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  /** Pings that the peer has got. */
  pings = 0
  readonly #server: ServerContext
  readonly #onClosed: () => void
  readonly #messages: Array<WebSocketMessage> = []
  /** Bytes of the messages that the peer has not taken. */
  #unsent = 0
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
    this.exchange = new WebSocketExchange(this, options, subprotocols)
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

  /** The next message that the peer has not taken. */
  take(): WebSocketMessage | undefined {
    const message = this.#messages.shift()
    if (message !== undefined) this.#unsent -= sizeOf(message)
    return message
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
    else if (this.#unsent > 0) this.#noteActivity()
    else this.#closeFor("idle_timeout", 1001, "idle for too long", 1006)
  }

  // from the exchange ------------------------------------------------------------------------------------------------

  get bufferedAmount(): number {
    return this.response.bufferedAmount + this.#unsent
  }

  acceptWebSocket(subprotocol: string | undefined, headers: HeaderBlock): WebSocketChannel | string {
    const section = readFields(headers)
    if (typeof section === "string") return section
    this.accepted = { subprotocol, headers: section.headers }
    return this
  }

  begin(): void {
    this.#noteActivity()
    if (this.#isDraining) this.drain()
    this.changes.notify()
  }

  send(message: WebSocketMessage): void {
    const sent = transfer(message)
    this.#messages.push(sent)
    this.#unsent += sizeOf(sent)
    this.#noteActivity()
    this.changes.notify()
  }

  /** The peer answers with the same code. */
  close(code: number, reason: string): string | undefined {
    const problem = closeFrameProblem(code, reason)
    if (problem !== undefined || !this.#end({ code, reason })) return problem
    this.exchange.finish(code, "")
    this.#onClosed()
    return undefined
  }

  keepAlive(intervalTicks: number): void {
    if (this.closed !== undefined) return
    this.#keepaliveTicks = intervalTicks
    this.#keepalive.start(intervalTicks)
  }

  onTaken(): void {}

  /** Called for a handshake, and without an ending for a session, which has been closed then. */
  onApplicationEnd(ending?: Ending): void {
    if (ending !== undefined) this.response.onApplicationEnd(ending)
  }

  // from the runner --------------------------------------------------------------------------------------------------

  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    this.exit = exit
    this.exchange.onApplicationExit(exit)
    this.changes.notify()
  }

  // ------------------------------------------------------------------------------------------------------------------

  #ping(): void {
    this.#keepalive.start(this.#keepaliveTicks)
    if (this.#unsent > this.#server.options.writeHighWatermark) return
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
