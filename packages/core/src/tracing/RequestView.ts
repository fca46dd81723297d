/** The head of a request as Effect's `HttpServerRequest`, for those who decide about its span and may not read further. */
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type { ReadonlyRecord } from "effect/Record"
import * as Stream from "effect/Stream"
import { joinFields } from "../http/FieldRecord.ts"
import { get } from "../http/HeaderBlock.ts"
import type { TracedConnection, TracedRequest } from "./SpanAttributes.ts"
import { joinTarget } from "../http/RequestPath.ts"

const nothingElse = Effect.die(new Error("whoever decides about the span of a request sees its head only"))

/** Every field is made when it is first asked for; most rules look at the URL. */
export class RequestView extends Inspectable.Class implements HttpServerRequest.HttpServerRequest {
  readonly [HttpServerRequest.TypeId] = HttpServerRequest.TypeId
  readonly [HttpIncomingMessage.TypeId] = HttpIncomingMessage.TypeId
  readonly source: TracedRequest
  readonly method: string
  readonly url: string
  readonly protocol = undefined
  readonly #connection: TracedConnection
  #headers: Headers.Headers | undefined = undefined

  constructor(request: TracedRequest, connection: TracedConnection) {
    super()
    this.source = request
    this.method = request.method
    this.url = joinTarget(request)
    this.#connection = connection
  }

  get originalUrl(): string {
    const host = get(this.source.headers, "host")
    if (host === undefined || !this.url.startsWith("/")) return this.url
    return `${this.#connection.secure ? "https" : "http"}://${host}${this.url}`
  }

  get headers(): Headers.Headers {
    return (this.#headers ??= Headers.fromRecordUnsafe(joinFields(this.source.headers)))
  }

  get cookies(): ReadonlyRecord<string, string> {
    return Cookies.parseHeader(this.headers["cookie"] ?? "")
  }

  get remoteAddress(): Option.Option<string> {
    return Option.fromNullishOr(this.#connection.client?.[0])
  }

  get peerAddress(): Option.Option<string> {
    return this.remoteAddress
  }

  /** Nobody whom it is shown to answers the request. */
  modify(): RequestView {
    return this
  }

  readonly arrayBuffer = nothingElse
  readonly text = nothingElse
  readonly json = nothingElse
  readonly urlParamsBody = nothingElse
  readonly stream = Stream.fromEffect(nothingElse)
  readonly multipart = nothingElse
  readonly multipartStream = Stream.fromEffect(nothingElse)
  readonly upgrade = nothingElse
  readonly upgradeWith = () => nothingElse

  override toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, { _id: "HttpServerRequest", method: this.method, url: this.originalUrl })
  }
}
