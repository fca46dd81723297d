import type * as Exit from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import { encodeText } from "../bytes/ByteString.ts"
import { Fifo } from "../bytes/Fifo.ts"
import type { SharedMessage } from "../contract/DirectSend.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { Ending, ExchangeOptions } from "../exchange/Exchange.ts"
import {
  type WebSocketChannel,
  WebSocketExchange,
  type WebSocketHost,
  type WebSocketMessage
} from "../exchange/WebSocket.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { BridgedExchange } from "./BridgeServer.ts"
import { BridgeResponse, readFields, type ResponseOwner } from "./BridgeResponse.ts"

/** What the application said when it accepted. */
export interface AcceptedHandshake {
  readonly subprotocol: string | undefined
  readonly headers: HeaderBlock
}

/** A message as it arrives at the other end, which has memory of its own. */
export const transfer = (message: WebSocketMessage): WebSocketMessage =>
  typeof message === "string" ? message.toWellFormed() : new Uint8Array(message)

const sizeOf = (message: WebSocketMessage): number =>
  typeof message === "string" ? encodeText(message).length : message.length

/**
 * What a driver and a session are to a WebSocket exchange, without a protocol or a transport. Messages of the application
 * that the peer has not taken count as unsent.
 */
export abstract class BridgeWebSocket implements WebSocketHost, WebSocketChannel, ResponseOwner, BridgedExchange {
  readonly exchange: WebSocketExchange
  readonly response: BridgeResponse = new BridgeResponse(this, false)
  abstract readonly changes: ResponseOwner["changes"]
  accepted: AcceptedHandshake | undefined = undefined
  fiber: Fiber<unknown, unknown> | undefined = undefined
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  onExit: (() => void) | undefined = undefined
  readonly #messages = new Fifo<WebSocketMessage>()
  /** Bytes of the messages that the peer has not taken. */
  unsent = 0

  constructor(options: ExchangeOptions, subprotocols: ReadonlyArray<string>) {
    this.exchange = new WebSocketExchange(this, options, subprotocols)
  }

  /** The next message that the peer has not taken. Whoever takes it then updates the write buffer. */
  take(): WebSocketMessage | undefined {
    const message = this.#messages.shift()
    if (message !== undefined) this.unsent -= sizeOf(message)
    return message
  }

  // for the registry, which nobody listens to ------------------------------------------------------------------------

  get protocol(): "unknown" {
    return "unknown"
  }

  get endReason(): "complete" {
    return "complete"
  }

  // from the server --------------------------------------------------------------------------------------------------

  abstract drain(): void
  abstract abort(reason: DisconnectReason): void

  // from the exchange ------------------------------------------------------------------------------------------------

  get bufferedAmount(): number {
    return this.response.bufferedAmount + this.unsent
  }

  acceptWebSocket(subprotocol: string | undefined, headers: HeaderBlock): WebSocketChannel | string {
    const section = readFields(headers)
    if (typeof section === "string") return section
    this.accepted = { subprotocol, headers: section.headers }
    return this
  }

  begin(): void {
    if (this.accepted !== undefined) this.response.switched(this.accepted.headers)
    this.changes.notify()
  }

  send(message: WebSocketMessage): void {
    const sent = transfer(message)
    this.#messages.push(sent)
    const size = sizeOf(sent)
    this.unsent += size
    this.response.sent(size)
    this.changes.notify()
  }

  sendShared({ event }: SharedMessage): void {
    if (event.type === "websocket.send") this.send(event.text ?? event.bytes)
  }

  abstract close(code: number, reason: string): string | undefined
  abstract keepAlive(intervalTicks: number, timeoutTicks: number): string | undefined

  onTaken(): void {}

  /** Called for a handshake, and without an ending for a session, which has been closed then. */
  onApplicationEnd(ending?: Ending): void {
    if (ending !== undefined) this.response.onApplicationEnd(ending)
  }

  // from the runner --------------------------------------------------------------------------------------------------

  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    this.exit = exit
    this.exchange.onApplicationExit(exit)
    this.onExit?.()
    this.changes.notify()
  }
}
