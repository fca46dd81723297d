import type { HttpRequestEvent } from "../contract/Event.ts"
import type { ExchangeOptions } from "../exchange/Exchange.ts"
import type { HttpRequestHead } from "../exchange/RequestScope.ts"
import { BridgeHost } from "../bridge/BridgeHost.ts"
import { ChangeSignal } from "./ChangeSignal.ts"
import { bodyPieces, type Content, type OpenRequest, toBytes } from "./TestRequest.ts"

/** The exchange of a request whose peer is a test: it has the pieces of the body, and takes the response. */
export class MemoryHost extends BridgeHost {
  readonly changes: ChangeSignal = new ChangeSignal()
  readonly #requestBody: Array<HttpRequestEvent>
  #isRequestComplete: boolean

  /** Without a head the request is malformed and the application not run. */
  constructor(request: OpenRequest, head: HttpRequestHead | undefined, options: ExchangeOptions) {
    super(head ?? { method: request.method ?? "GET", headers: [] }, options)
    this.#isRequestComplete = request.more !== true
    const pieces = bodyPieces(request)
    const all = pieces.length === 0 && this.#isRequestComplete ? [new Uint8Array(0)] : pieces
    const isLast = (index: number) => this.#isRequestComplete && index === all.length - 1
    this.#requestBody = all.map((body, index) => ({ type: "http.request", body, more: !isLast(index) }))
  }

  /** Adds a piece to the request body; answers `false` when the body is complete already. */
  addBody(piece: Content, more: boolean): boolean {
    if (this.#isRequestComplete) return false
    this.#isRequestComplete = !more
    this.#requestBody.push({ type: "http.request", body: toBytes(piece), more })
    this.exchange.readable()
    return true
  }

  pullBody(): HttpRequestEvent | undefined {
    return this.#requestBody.shift()
  }
}
