import type * as Exit from "effect/Exit"
import type { ServerConnection } from "../ConnectionRegistry.ts"
import type { DisconnectReason } from "../DisconnectReason.ts"
import type { HttpRequestEvent } from "../Event.ts"
import type { HttpExchange } from "../Exchange/Http.ts"
import { makeExchange } from "../Exchange/makeExchange.ts"
import type { Ending, ExchangeOptions } from "../Exchange/Exchange.ts"
import type { ExchangeHost } from "../Exchange/RequestExchange.ts"
import type { SseExchange } from "../Exchange/Sse.ts"
import { type HeaderBlock, isValue, normalizeName, parseContentLength } from "../HeaderBlock.ts"
import type { RunObserver } from "../RequestRunner.ts"
import type { HttpRequestHead } from "../RequestScope.ts"
import type { ResponseSink } from "../ResponseSink.ts"
import { bodyPieces, type Content, type OpenRequest, toBytes } from "./TestRequest.ts"
import type { ResponseHead } from "./TestResponse.ts"

/** Fields that belong to the connection; servers write their own. */
const connectionFields: ReadonlySet<string> = new Set([
  "connection",
  "transfer-encoding",
  "keep-alive",
  "proxy-connection"
])

/** Names in lower case without the connection's fields, or why a server refuses to send them. */
const readFields = (headers: HeaderBlock): HeaderBlock | string => {
  const fields: Array<readonly [string, string]> = []
  for (const [given, value] of headers) {
    const name = normalizeName(given)
    if (name === undefined) return `header name ${JSON.stringify(given)} is not a token`
    if (!isValue(value)) return `the value of header ${JSON.stringify(given)} has a forbidden character`
    if (!connectionFields.has(name)) fields.push([name, value])
  }
  return fields
}

/** The length that the response announces; infinite when it announces none. */
const readContentLength = (headers: HeaderBlock): number | string => {
  const values = new Set(headers.flatMap(([name, value]) => (name === "content-length" ? [value] : [])))
  const [value] = values
  if (value === undefined) return Number.POSITIVE_INFINITY
  const length = values.size === 1 ? parseContentLength(value) : undefined
  return length ?? "content-length must be one decimal number"
}

/** What happens to a response, seen from the peer. */
export type ResponseStatus = "open" | "complete" | "truncated" | "disconnected"

/**
 * What a driver is to an exchange, without a protocol or a transport: it hands out the request body and keeps the
 * response until the peer takes it. Pieces that were not taken count as unsent.
 */
export class MemoryHost implements ExchangeHost, ResponseSink, RunObserver, ServerConnection {
  readonly exchange: HttpExchange | SseExchange
  readonly response: ResponseSink = this
  readonly interim: Array<ResponseHead> = []
  head: ResponseHead | undefined = undefined
  trailerFields: HeaderBlock = []
  status: ResponseStatus = "open"
  /** How the application ended, once it has. */
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  bufferedAmount = 0
  /** Called whenever the peer may see something new. */
  onChange: () => void = () => {}
  readonly #isHeadRequest: boolean
  readonly #requestBody: Array<HttpRequestEvent>
  #isRequestComplete: boolean
  readonly #pieces: Array<Uint8Array> = []
  #announcesTrailers = false
  #hasContent = true
  #remaining = Number.POSITIVE_INFINITY

  /** Without a head the request is malformed and the application not run. */
  constructor(request: OpenRequest, head: HttpRequestHead | undefined, options: ExchangeOptions) {
    this.exchange = makeExchange(this, options, head ?? { headers: [] })
    this.#isHeadRequest = request.method === "HEAD"
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

  /** The next piece of the response that the peer has not taken. */
  take(): Uint8Array | undefined {
    const piece = this.#pieces.shift()
    if (piece !== undefined) this.bufferedAmount -= piece.length
    return piece
  }

  disconnect(reason: DisconnectReason): void {
    this.#breakOff("disconnected", reason)
  }

  // from the server --------------------------------------------------------------------------------------------------

  drain(): void {
    this.exchange.drain()
  }

  abort(reason: DisconnectReason): void {
    this.#breakOff("truncated", reason)
  }

  // from the exchange ------------------------------------------------------------------------------------------------

  pullBody(): HttpRequestEvent | undefined {
    return this.#requestBody.shift()
  }

  informational(status: number, headers: HeaderBlock): string | undefined {
    const fields = readFields(headers)
    if (typeof fields === "string") return fields
    this.interim.push({ status, headers: fields })
    return undefined
  }

  start(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    const fields = readFields(headers)
    if (typeof fields === "string") return fields
    const length = readContentLength(fields)
    if (typeof length === "string") return length
    this.#announcesTrailers = trailers
    this.#hasContent = !this.#isHeadRequest && status !== 204 && status !== 205 && status !== 304
    this.#remaining = length
    this.head = { status, headers: fields }
    this.onChange()
    return undefined
  }

  body(data: Content, last: boolean): string | undefined {
    const piece = toBytes(data)
    const problem = this.#hasContent ? this.#count(piece.length, last) : undefined
    if (problem !== undefined) {
      this.#breakOff("truncated", "server_error")
      return problem
    }
    if (this.#hasContent && piece.length > 0) {
      // A copy, since the sender may use its memory again when it has been taken.
      this.#pieces.push(new Uint8Array(piece))
      this.bufferedAmount += piece.length
    }
    if (last && !this.#announcesTrailers) this.status = "complete"
    this.onChange()
    return undefined
  }

  trailers(headers: HeaderBlock): string | undefined {
    const fields = readFields(headers)
    if (typeof fields === "string") return fields
    this.trailerFields = fields
    this.status = "complete"
    this.onChange()
    return undefined
  }

  flush(): undefined {}

  announceBody(length: number): string | undefined {
    if (this.#hasContent && this.#remaining !== Number.POSITIVE_INFINITY) {
      const problem = this.#mismatch(this.#remaining - length, true)
      if (problem !== undefined) this.#breakOff("truncated", "server_error")
      return problem
    }
    this.#remaining = length
    return undefined
  }

  get carriesBody(): boolean {
    return this.#hasContent
  }

  endResponse(reason: DisconnectReason): void {
    this.status = "complete"
    this.exchange.disconnect(reason)
    this.onChange()
  }

  breakOff(): void {
    this.#breakOff("truncated", "server_error")
  }

  // from the runner --------------------------------------------------------------------------------------------------

  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    this.exit = exit
    this.exchange.onApplicationExit(exit)
    this.onChange()
  }

  onApplicationEnd(ending: Ending): void {
    if (ending === "unanswered") this.answer(500, "internal server error")
    else if (ending === "truncated") this.#breakOff("truncated", "server_error")
  }

  /** The server's own answer in place of the application's. */
  answer(status: number, message: string): void {
    this.start(status, [["content-type", "text/plain; charset=utf-8"]], false)
    this.body(`${message}\n`, true)
    this.exchange.disconnect("server_error")
  }

  /** A body must have exactly the length that was announced. */
  #count(length: number, last: boolean): string | undefined {
    this.#remaining -= length
    return this.#mismatch(this.#remaining, last)
  }

  #mismatch(remaining: number, last: boolean): string | undefined {
    if (remaining < 0) return `the body exceeds content-length by ${-remaining} bytes`
    return last && Number.isFinite(remaining) && remaining > 0
      ? `the body ends ${remaining} bytes before its content-length`
      : undefined
  }

  #breakOff(status: "truncated" | "disconnected", reason: DisconnectReason): void {
    if (this.status !== "open") return
    this.status = status
    this.exchange.disconnect(reason)
    this.onChange()
  }
}
