import type * as Exit from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { HttpRequestEvent } from "../contract/Event.ts"
import type { Ending, ExchangeOptions } from "../exchange/Exchange.ts"
import type { HttpExchange } from "../exchange/Http.ts"
import { makeExchange } from "../exchange/makeExchange.ts"
import type { ExchangeHost } from "../exchange/RequestExchange.ts"
import type { HttpRequestHead } from "../exchange/RequestScope.ts"
import type { SseExchange } from "../exchange/Sse.ts"
import type { BridgedExchange } from "./BridgeServer.ts"
import { BridgeResponse, type ResponseOwner } from "./BridgeResponse.ts"

/**
 * What a driver is to the exchange of one request, without a protocol or a transport. Whose request it is hands out the
 * body, and takes the response when `changes` is notified.
 */
export abstract class BridgeHost implements ExchangeHost, ResponseOwner, BridgedExchange {
  readonly exchange: HttpExchange | SseExchange
  readonly response: BridgeResponse
  abstract readonly changes: ResponseOwner["changes"]
  fiber: Fiber<unknown, unknown> | undefined = undefined
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  onExit: (() => void) | undefined = undefined

  constructor(head: Pick<HttpRequestHead, "method" | "headers">, options: ExchangeOptions) {
    this.exchange = makeExchange(this, options, head)
    this.response = new BridgeResponse(this, head.method === "HEAD")
  }

  // from the peer ----------------------------------------------------------------------------------------------------

  /** The peer is gone. */
  disconnect(reason: DisconnectReason): void {
    this.response.breakOff("disconnected", reason)
  }

  // for the registry, which nobody listens to ------------------------------------------------------------------------

  get protocol(): "unknown" {
    return "unknown"
  }

  get endReason(): "complete" {
    return "complete"
  }

  // from the server --------------------------------------------------------------------------------------------------

  drain(): void {
    this.exchange.drain()
  }

  abort(reason: DisconnectReason): void {
    this.response.breakOff("truncated", reason)
  }

  // from the exchange ------------------------------------------------------------------------------------------------

  get bufferedAmount(): number {
    return this.response.bufferedAmount
  }

  abstract pullBody(): HttpRequestEvent | undefined

  endResponse(reason: DisconnectReason): void {
    this.response.end(reason)
  }

  breakOff(): void {
    this.response.breakOff("truncated", "server_error")
  }

  onApplicationEnd(ending: Ending): void {
    this.response.onApplicationEnd(ending)
  }

  // from the runner --------------------------------------------------------------------------------------------------

  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    this.exit = exit
    this.exchange.onApplicationExit(exit)
    this.onExit?.()
    this.changes.notify()
  }
}
