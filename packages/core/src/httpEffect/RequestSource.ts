/** What a program of Effect's gets its request from and sends its response by: a native request, or the events of the contract. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Headers from "effect/http/Headers"
import { HttpServerError, RequestParseError } from "effect/http/HttpServerError"
import type * as Socket from "effect/socket/Socket"
import type { AnySpan } from "effect/Tracer"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { HttpReceiveEvent, HttpSendEvent, WebSocketReceiveEvent, WebSocketSendEvent } from "../contract/Event.ts"
import type { FilePart } from "../contract/FileSource.ts"
import type { NativeRequest } from "../contract/NativeHandler.ts"
import type { ExchangeSpan } from "../contract/OwnSpan.ts"
import type { Receive, Send } from "../contract/PagiApp.ts"
import { FactsAround, type RequestFacts } from "../contract/RequestFacts.ts"
import { RequestOfScope } from "../contract/RequestOfScope.ts"
import type { HttpScope, WebSocketScope } from "../contract/Scope.ts"
import { refused, type SendError } from "../contract/SendError.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { type HandshakeRequest, kind, type RequestSource } from "./OwnRequest.ts"
import { HandshakeWatch } from "./HandshakeWatch.ts"
import * as UpgradeSocket from "./UpgradeSocket.ts"

const notUpgradeable = (request: HttpServerRequest): Effect.Effect<never, HttpServerError> =>
  Effect.fail(
    new HttpServerError({
      reason: new RequestParseError({ request, description: "the request is no WebSocket handshake" })
    })
  )

/** Sends events of the contract. */
abstract class EventSource<Request extends RequestFacts> extends FactsAround<Request> implements RequestSource {
  abstract readonly receive: Receive<HttpReceiveEvent>
  abstract readonly disconnectReason: DisconnectReason | undefined
  protected abstract readonly send: Send<HttpSendEvent>

  get [kind](): "request" | "handshake" {
    return "request"
  }

  onSpan(_span: AnySpan): void {}

  respond(status: number, headers: HeaderBlock, content: string | Uint8Array): Effect.Effect<void, SendError> {
    return Effect.andThen(this.start(status, headers), this.send({ type: "http.response.body", body: content }))
  }

  start(status: number, headers: HeaderBlock, trailers = false): Effect.Effect<void, SendError> {
    return this.send({ type: "http.response.start", status, headers, trailers })
  }

  trailers(headers: HeaderBlock): Effect.Effect<void, SendError> {
    return this.send({ type: "http.response.trailers", headers })
  }

  piece(content: Uint8Array, more: boolean): Effect.Effect<void, SendError> {
    return this.send({ type: "http.response.body", body: content, more })
  }

  file({ file, length, offset }: FilePart): Effect.Effect<void, SendError> {
    const part = { offset, ...(length === undefined ? {} : { length }) }
    return this.send(
      typeof file === "string"
        ? { type: "http.response.body", file, ...part }
        : { type: "http.response.body", fh: file, ...part }
    )
  }

  informational(status: 102 | 103, headers: HeaderBlock): Effect.Effect<void, SendError> {
    return this.send({ type: "http.response.informational", status, headers })
  }

  upgrade(
    request: HttpServerRequest,
    _state: UpgradeSocket.UpgradeState,
    _headers: Headers.Input | undefined
  ): Effect.Effect<Socket.Socket, HttpServerError> {
    return notUpgradeable(request)
  }
}

/** A native request: a whole response needs no event. */
export class NativeSource extends EventSource<NativeRequest> {
  get receive(): Receive<HttpReceiveEvent> {
    return this.request.receive
  }

  get disconnectReason(): DisconnectReason | undefined {
    return this.request.disconnectReason
  }

  protected get send(): Send<HttpSendEvent> {
    return this.request.send
  }

  override onSpan(span: AnySpan): void {
    this.request.span = span
  }

  override respond(status: number, headers: HeaderBlock, content: string | Uint8Array): Effect.Effect<void, SendError> {
    const problem = this.request.respond(status, headers, content)
    return problem === undefined ? Exit.void : Exit.fail(refused("http.response.start", problem))
  }
}

/** A request of a server that has no other way than events. */
export class ScopeSource extends EventSource<RequestOfScope<HttpScope>> {
  readonly receive: Receive<HttpReceiveEvent>
  protected readonly send: Send<HttpSendEvent>
  readonly #span: ExchangeSpan | undefined

  /** `span` is the room for the program's span, if somebody asks for it. */
  constructor(
    scope: HttpScope,
    receive: Receive<HttpReceiveEvent>,
    send: Send<HttpSendEvent>,
    span: ExchangeSpan | undefined
  ) {
    super(new RequestOfScope(scope))
    this.receive = receive
    this.send = send
    this.#span = span
  }

  override onSpan(span: AnySpan): void {
    if (this.#span !== undefined) this.#span.span = span
  }

  get disconnectReason(): DisconnectReason | undefined {
    return this.request.scope.connection.disconnectReason
  }
}

const emptyRequest: HttpReceiveEvent = { type: "http.request", body: new Uint8Array(0), more: false }

/** The events of a handshake's answer are those of a response under other names. */
const renamed = (event: HttpSendEvent): WebSocketSendEvent | undefined => {
  switch (event.type) {
    case "http.response.start":
      return { type: "websocket.http.response.start", status: event.status, headers: event.headers ?? [] }
    case "http.response.body":
      return "file" in event || "fh" in event
        ? undefined
        : { type: "websocket.http.response.body", body: event.body ?? "", more: event.more === true }
    default:
      return undefined
  }
}

/** A WebSocket handshake, which has no content. */
export class HandshakeSource extends EventSource<RequestOfScope<WebSocketScope>> implements HandshakeRequest {
  readonly receive: Receive<HttpReceiveEvent> = Effect.succeed(emptyRequest)
  readonly disconnectReason = undefined
  readonly watch: HandshakeWatch
  readonly #receive: Receive<WebSocketReceiveEvent>
  readonly #send: Send<WebSocketSendEvent>
  readonly #span: ExchangeSpan | undefined

  /** `span` is the room for the program's span, if somebody asks for it. */
  constructor(
    scope: WebSocketScope,
    receive: Receive<WebSocketReceiveEvent>,
    send: Send<WebSocketSendEvent>,
    span: ExchangeSpan | undefined
  ) {
    super(new RequestOfScope(scope))
    this.#span = span
    this.watch = new HandshakeWatch(receive)
    this.#receive = receive
    this.#send = send
  }

  protected readonly send: Send<HttpSendEvent> = (event) => {
    const own = renamed(event)
    return own === undefined
      ? Effect.fail(refused(event.type, "a WebSocket handshake is refused with a response that has content of bytes"))
      : Effect.andThen(this.watch.end, this.#send(own))
  }

  get scope(): WebSocketScope {
    return this.request.scope
  }

  override get [kind](): "handshake" {
    return "handshake"
  }

  override informational(): Effect.Effect<void, SendError> {
    return Effect.fail(refused("http.response.informational", "a WebSocket handshake has no interim responses"))
  }

  override onSpan(span: AnySpan): void {
    if (this.#span !== undefined) this.#span.span = span
  }

  keepAlive(interval: number, timeout: number): Effect.Effect<void, SendError> {
    return this.#send({ type: "websocket.keepalive", interval, timeout })
  }

  override upgrade(
    _request: HttpServerRequest,
    state: UpgradeSocket.UpgradeState,
    headers: Headers.Input | undefined
  ): Effect.Effect<Socket.Socket, HttpServerError> {
    return UpgradeSocket.make(this.watch, this.#receive, this.#send, this.scope.transport, state, headers)
  }
}
