import type { HttpRequestEvent } from "../contract/Event.ts"
import { concatBytes } from "../bytes/JoinBytes.ts"
import { BridgeHost } from "../bridge/BridgeHost.ts"
import type { ResponseHead } from "../bridge/BridgeResponse.ts"
import type { ExchangeOptions } from "../exchange/Exchange.ts"
import type { HttpRequestHead } from "../exchange/RequestScope.ts"
import { isFormContent } from "../http/FormContent.ts"
import { isContentless } from "../http/ResponseStatus.ts"

const none = new Uint8Array(0)
const endOfBody: HttpRequestEvent = { type: "http.request", body: none, more: false }

/** What becomes of the reader of a response that ends before it is complete. */
const brokenOff = (): Error => new Error("the application broke off its response")

/** Answers in place of a response that never began: to a client that has gone, and to one that the server cannot serve. */
const withoutResponse = { disconnected: 499, truncated: 503 }

/** The exchange of a `Request`, whose body it reads as it is received, and of the `Response` to it. */
export class FetchExchange extends BridgeHost {
  readonly changes: this = this
  readonly #request: Request
  /** Until there is a response. */
  #resolve: ((response: Response) => void) | undefined
  #isHead: boolean
  /** Of the body of the request, once it is read. */
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined
  #piece: HttpRequestEvent | undefined = undefined
  #isReading = false
  #isBodyOver = false
  /** Of the body of the response, unless it was complete with its head. */
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined = undefined
  /** Whether the reader of the response waits for a piece. */
  #isAwaited = false
  #isSettled = false

  /** `resolve` gets the response. */
  constructor(
    request: Request,
    head: HttpRequestHead,
    options: ExchangeOptions,
    resolve: (response: Response) => void
  ) {
    super(head, options)
    this.#request = request
    this.#resolve = resolve
    this.#isHead = head.method === "HEAD"
    // Only what waits for something can be interrupted, but it may be told by then.
    request.signal.addEventListener("abort", this.#onAbort, { once: true })
  }

  // from the client --------------------------------------------------------------------------------------------------

  readonly #onAbort = (): void => {
    const controller = this.#controller
    this.#controller = undefined
    controller?.error(this.#request.signal.reason)
    this.disconnect("client_closed")
  }

  /** There may be something new to see of the response. */
  notify(): void {
    if (this.response.status !== "open") this.#settle()
    if (this.#resolve === undefined) this.#feed()
    else this.#answer(this.#resolve)
  }

  /** The exchange is over; what there is of the response can still be read. */
  #settle(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#request.signal.removeEventListener("abort", this.#onAbort)
    this.#isBodyOver = true
    // Whoever sends the request need not go on.
    if (!isFormContent(this.#request.headers.get("content-type"))) this.#reader?.cancel().catch(() => {})
  }

  // the response -----------------------------------------------------------------------------------------------------

  #answer(resolve: (response: Response) => void): void {
    const { head, status } = this.response
    if (head === undefined) {
      if (status === "open" || status === "complete") return
      this.#resolve = undefined
      return resolve(new Response(null, { status: withoutResponse[status] }))
    }
    this.#resolve = undefined
    resolve(new Response(this.#contentOf(head), { status: head.status, headers: this.#fieldsOf(head) }))
  }

  #fieldsOf({ headers }: ResponseHead): Headers {
    const fields = new Headers()
    for (const [name, value] of headers) if (name !== "content-length") fields.append(name, value)
    const { contentLength } = this.response
    if (contentLength !== undefined) fields.set("content-length", String(contentLength))
    return fields
  }

  /** Content that is complete by now needs no stream. */
  #contentOf({ status }: ResponseHead): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null {
    if (isContentless(status, this.#isHead)) return null
    if (this.response.status !== "complete") return this.#stream()
    const pieces = this.response.takeAll()
    return pieces.length === 0 ? null : concatBytes(pieces)
  }

  /** Nothing is taken before it is asked for, so that a slow reader suspends the application. */
  #stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => {
          this.#isAwaited = true
          this.#feed()
        },
        cancel: () => {
          this.#controller = undefined
          this.disconnect("client_closed")
        }
      },
      { highWaterMark: 0 }
    )
  }

  #feed(): void {
    const controller = this.#controller
    if (!this.#isAwaited || controller === undefined) return
    const piece = this.response.take()
    if (piece !== undefined) {
      this.#isAwaited = false
      controller.enqueue(piece)
      this.exchange.writeBuffer.update()
      return
    }
    const { status } = this.response
    if (status === "open") return
    this.#controller = undefined
    if (status === "complete") controller.close()
    else controller.error(brokenOff())
  }

  // the body of the request ------------------------------------------------------------------------------------------

  pullBody(): HttpRequestEvent | undefined {
    const piece = this.#piece
    this.#piece = undefined
    if (piece === undefined && !this.#isReading && !this.#isBodyOver) {
      if (this.#request.body === null) return this.#end()
      this.#isReading = true
      this.#read(this.#request.body).then(this.#onPiece, this.#onReadError)
    }
    return piece
  }

  #end(): HttpRequestEvent {
    this.#isBodyOver = true
    return endOfBody
  }

  /** Fails when somebody else reads it already. */
  async #read(body: ReadableStream<Uint8Array>): Promise<HttpRequestEvent | undefined> {
    this.#reader ??= body.getReader()
    const { done, value } = await this.#reader.read()
    if (done) return this.#end()
    if (!(value instanceof Uint8Array)) throw new TypeError("the body of the request has a piece that is not of bytes")
    return value.length === 0 ? undefined : { type: "http.request", body: value, more: true }
  }

  /** An empty piece says nothing. */
  readonly #onPiece = (piece: HttpRequestEvent | undefined): void => {
    this.#isReading = false
    this.#piece = piece
    this.exchange.readable()
  }

  readonly #onReadError = (error: unknown): void => {
    this.#isReading = false
    this.#isBodyOver = true
    if (this.response.status === "open") this.exchange.logError("the body of the request cannot be read", error)
    this.disconnect("read_error")
  }
}
