/** A request as Effect's `HttpServerRequest`, over the request of this server. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Cookies from "effect/http/Cookies"
import type * as Headers from "effect/http/Headers"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import { HttpServerError, RequestParseError } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Multipart from "effect/http/Multipart"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { ReadonlyRecord } from "effect/Record"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import { get } from "../http/HeaderBlock.ts"
import * as PathPrefix from "../http/PathPrefix.ts"
import type { RequestSource } from "./OwnRequest.ts"
import { type BodyProblem, RequestBody } from "./RequestBody.ts"
import * as RequestHeaders from "./RequestHeaders.ts"

const decoder = new TextDecoder()
/** Form data may begin with U+FEFF. */
const formDecoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** What of a request middleware may have replaced. */
interface Replaced {
  readonly url?: string | undefined
  readonly headers?: Headers.Headers | undefined
  readonly remoteAddress?: Option.Option<string> | undefined
  readonly peerAddress?: Option.Option<string> | undefined
  readonly protocol?: "http" | "https" | undefined
}

const nothing: Replaced = {}

type Multiparts = Effect.Effect<
  Multipart.Persisted,
  Multipart.MultipartError,
  Scope.Scope | FileSystem.FileSystem | Path.Path
>

/** What all views of a request share: its content is read once. */
export class RequestState {
  readonly source: RequestSource
  #body: RequestBody | undefined = undefined
  bytes: Effect.Effect<Uint8Array, BodyProblem> | undefined = undefined
  multipart: Multiparts | undefined = undefined
  /** What middleware is told that an upgraded request was answered with. */
  upgraded: HttpServerResponse | undefined = undefined
  /** Whether the response could not be sent to its end. */
  isBrokenOff = false

  constructor(source: RequestSource) {
    this.source = source
  }

  get body(): RequestBody {
    return (this.#body ??= new RequestBody(this.source.receive))
  }
}

const tooLarge = new Error("the content is larger than is allowed")
const gone = new Error("the client has gone before the end of its request")

/** Every field but the request itself is made when it is first asked for. */
export class ServerRequest extends Inspectable.Class implements HttpServerRequest.HttpServerRequest {
  readonly state: RequestState
  readonly #replaced: Replaced
  #headers: Headers.Headers | undefined = undefined
  #cookies: ReadonlyRecord<string, string> | undefined = undefined

  constructor(state: RequestState, replaced: Replaced = nothing) {
    super()
    this.state = state
    this.#replaced = replaced
  }

  get [HttpServerRequest.TypeId](): typeof HttpServerRequest.TypeId {
    return HttpServerRequest.TypeId
  }

  get [HttpIncomingMessage.TypeId](): typeof HttpIncomingMessage.TypeId {
    return HttpIncomingMessage.TypeId
  }

  get source(): object {
    return this.state.source
  }

  get method(): string {
    return this.state.source.method
  }

  get url(): string {
    return this.#replaced.url ?? this.state.source.target
  }

  get originalUrl(): string {
    const { headers, rootPath, secure, target } = this.state.source
    const host = get(headers, "host")
    if (host === undefined || !target.startsWith("/")) return target
    // A mounted application has that prefix, and its own, from here.
    return `${secure ? "https" : "http"}://${host}${PathPrefix.encode(rootPath)}${target}`
  }

  get protocol(): "http" | "https" | undefined {
    return this.#replaced.protocol
  }

  get headers(): Headers.Headers {
    return (this.#headers ??= this.#replaced.headers ?? RequestHeaders.fromBlock(this.state.source.headers))
  }

  get cookies(): ReadonlyRecord<string, string> {
    return (this.#cookies ??= Cookies.parseHeader(this.headers["cookie"] ?? ""))
  }

  get remoteAddress(): Option.Option<string> {
    return this.#replaced.remoteAddress ?? Option.fromNullishOr(this.state.source.client?.[0])
  }

  get peerAddress(): Option.Option<string> {
    return this.#replaced.peerAddress ?? this.remoteAddress
  }

  modify(options: Replaced): ServerRequest {
    const { headers, peerAddress, protocol, remoteAddress, url } = this.#replaced
    return new ServerRequest(this.state, {
      url: options.url ?? url,
      headers: options.headers ?? headers,
      remoteAddress: options.remoteAddress ?? remoteAddress,
      peerAddress: options.peerAddress ?? peerAddress,
      protocol: options.protocol ?? protocol
    })
  }

  // content ----------------------------------------------------------------------------------------------------------

  readonly #parseFailure = (cause: unknown): HttpServerError =>
    new HttpServerError({ reason: new RequestParseError({ request: this, reason: "Parse", cause }) })

  readonly #failure = (problem: BodyProblem): HttpServerError => {
    // The server has a limit of its own, beyond which it ends the exchange.
    const isTooLarge = problem === "too-large" || this.state.source.disconnectReason === "body_too_large"
    return isTooLarge
      ? new HttpServerError({
          reason: new RequestParseError({ request: this, reason: "BodyTooLarge", cause: tooLarge })
        })
      : this.#parseFailure(gone)
  }

  get #bytes(): Effect.Effect<Uint8Array, HttpServerError> {
    const { state } = this
    state.bytes ??= Effect.runSync(
      Effect.cached(Effect.withFiber((fiber) => state.body.collect(fiber.getRef(HttpIncomingMessage.MaxBodySize))))
    )
    return Effect.mapError(state.bytes, this.#failure)
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpServerError> {
    // A copy, since the memory may be a part of a larger one.
    return Effect.map(this.#bytes, (bytes) => new Uint8Array(bytes).buffer)
  }

  get text(): Effect.Effect<string, HttpServerError> {
    return Effect.map(this.#bytes, (bytes) => decoder.decode(bytes))
  }

  get json(): Effect.Effect<Schema.Json, HttpServerError> {
    return Effect.flatMap(this.text, (text) =>
      Effect.try({ try: (): Schema.Json => (text === "" ? null : JSON.parse(text)), catch: this.#parseFailure })
    )
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpServerError> {
    return Effect.flatMap(this.#bytes, (bytes) =>
      Effect.try({
        // URLSearchParams would take a "?" in front for the sign of a query.
        try: () => UrlParams.fromInput(new URLSearchParams(formDecoder.decode(bytes).replace(/^\?/, "%3F"))),
        catch: this.#parseFailure
      })
    )
  }

  get stream(): Stream.Stream<Uint8Array, HttpServerError> {
    return Stream.mapError(
      Stream.suspend(() => this.state.body.stream),
      this.#failure
    )
  }

  get multipart(): Multiparts {
    return (this.state.multipart ??= Effect.runSync(Effect.cached(Multipart.toPersisted(this.multipartStream))))
  }

  get multipartStream(): Stream.Stream<Multipart.Part, Multipart.MultipartError> {
    return Stream.pipeThroughChannel(
      Stream.mapError(this.stream, (cause) => Multipart.MultipartError.fromReason("InternalError", cause)),
      Multipart.makeChannel(this.headers)
    )
  }

  // upgrade ----------------------------------------------------------------------------------------------------------

  get upgrade(): Effect.Effect<Socket.Socket, HttpServerError> {
    return this.upgradeWith({})
  }

  upgradeWith(options: {
    readonly headers?: Headers.Input | undefined
  }): Effect.Effect<Socket.Socket, HttpServerError> {
    return this.state.source.upgrade(this, this.state, options.headers)
  }

  override toString(): string {
    return `ServerRequest(${this.method} ${UrlParams.redactUrl(this.url)})`
  }

  override toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "HttpServerRequest",
      method: this.method,
      url: UrlParams.redactUrl(this.originalUrl)
    })
  }
}
