import type * as Exit from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import type { ServerConnection } from "../server/ConnectionRegistry.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { HttpRequestEvent } from "../contract/Event.ts"
import type { HttpExchange } from "../exchange/Http.ts"
import { makeExchange } from "../exchange/makeExchange.ts"
import type { Ending, ExchangeOptions } from "../exchange/Exchange.ts"
import type { ExchangeHost } from "../exchange/RequestExchange.ts"
import type { SseExchange } from "../exchange/Sse.ts"
import type { RunObserver } from "../server/RequestRunner.ts"
import type { HttpRequestHead } from "../exchange/RequestScope.ts"
import { ChangeSignal } from "./ChangeSignal.ts"
import { MemoryResponse, type ResponseOwner } from "./MemoryResponse.ts"
import { bodyPieces, type Content, type OpenRequest, toBytes } from "./TestRequest.ts"

/** What a driver is to an exchange, without a protocol or a transport: it hands out the body and keeps the response. */
export class MemoryHost implements ExchangeHost, ResponseOwner, RunObserver, ServerConnection {
  readonly exchange: HttpExchange | SseExchange
  readonly response: MemoryResponse
  readonly changes = new ChangeSignal()
  /** The application, unless it ended at once. */
  fiber: Fiber<unknown, unknown> | undefined = undefined
  /** How the application ended, once it has. */
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  readonly #requestBody: Array<HttpRequestEvent>
  #isRequestComplete: boolean

  /** Without a head the request is malformed and the application not run. */
  constructor(request: OpenRequest, head: HttpRequestHead | undefined, options: ExchangeOptions) {
    this.exchange = makeExchange(this, options, head ?? { headers: [] })
    this.response = new MemoryResponse(this, request.method === "HEAD")
    this.#isRequestComplete = request.more !== true
    const pieces = bodyPieces(request)
    const all = pieces.length === 0 && this.#isRequestComplete ? [new Uint8Array(0)] : pieces
    const isLast = (index: number) => this.#isRequestComplete && index === all.length - 1
    this.#requestBody = all.map((body, index) => ({ type: "http.request", body, more: !isLast(index) }))
  }

  // from the peer ----------------------------------------------------------------------------------------------------

  /** Adds a piece to the request body; answers `false` when the body is complete already. */
  addBody(piece: Content, more: boolean): boolean {
    if (this.#isRequestComplete) return false
    this.#isRequestComplete = !more
    this.#requestBody.push({ type: "http.request", body: toBytes(piece), more })
    this.exchange.readable()
    return true
  }

  disconnect(reason: DisconnectReason): void {
    this.response.breakOff("disconnected", reason)
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

  pullBody(): HttpRequestEvent | undefined {
    return this.#requestBody.shift()
  }

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
    this.changes.notify()
  }
}
