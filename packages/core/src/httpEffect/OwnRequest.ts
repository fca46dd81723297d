/** What a request of this server is to programs of Effect's, and by what it is known, without loading what answers it. */
import type * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type * as Socket from "effect/socket/Socket"
import type { AnySpan } from "effect/Tracer"
import type { ByteString } from "../bytes/ByteString.ts"
import type { Address } from "../contract/Address.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { HttpReceiveEvent } from "../contract/Event.ts"
import type { FilePart } from "../contract/FileSource.ts"
import type { Receive } from "../contract/PagiApp.ts"
import type { HttpVersion, Readiness, WebSocketScope } from "../contract/Scope.ts"
import type { SendError } from "../contract/SendError.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type * as UpgradeSocket from "./UpgradeSocket.ts"

/** A request and the way of its response. */
export interface RequestSource {
  readonly method: string
  /** Path and query as received. */
  readonly target: ByteString
  /** The prefix of the client's path that a proxy has taken off. */
  readonly rootPath: string
  readonly headers: HeaderBlock
  /** Whether the client has sent it over TLS. */
  readonly secure: boolean
  /** The peer, or the client of a trusted proxy; absent on Unix sockets. */
  readonly client: Address | undefined
  /** Where the client has connected to. */
  readonly server: Address | undefined
  readonly httpVersion: HttpVersion
  /** As in a scope. */
  readonly shuttingDown: Effect.Effect<void>
  readonly readiness: Readiness
  readonly receive: Receive<HttpReceiveEvent>
  readonly disconnectReason: DisconnectReason | undefined
  /** The program has made the span of the request. */
  onSpan(span: AnySpan): void
  /** Sends a whole response. */
  respond(status: number, headers: HeaderBlock, content: string | Uint8Array): Effect.Effect<void, SendError>
  /** Begins a response whose content follows, and then trailers if `trailers` is true. */
  start(status: number, headers: HeaderBlock, trailers?: boolean): Effect.Effect<void, SendError>
  /** Sends a piece of content; suspends while the peer is behind. */
  piece(content: Uint8Array, more: boolean): Effect.Effect<void, SendError>
  /** Sends the trailers that were announced, behind the content. */
  trailers(headers: HeaderBlock): Effect.Effect<void, SendError>
  /** Sends a file as the content. */
  file(part: FilePart): Effect.Effect<void, SendError>
  /** Sends a response before the response: 102 or 103 (RFC 8297). */
  informational(status: 102 | 103, headers: HeaderBlock): Effect.Effect<void, SendError>
  /** Turns the request into a session, if it is a WebSocket handshake. */
  upgrade(
    request: HttpServerRequest,
    state: UpgradeSocket.UpgradeState,
    headers: Headers.Input | undefined
  ): Effect.Effect<Socket.Socket, HttpServerError>
}

/** A name, since there may be several copies of this package: the command serves with one of its own. */
export const kind: unique symbol = Symbol.for("@pagi/core/RequestSource")

/** Whether the source of a request of Effect's is one of this server. */
export const isOwn = (source: object): source is RequestSource => kind in source

/** A request that may become a WebSocket session. */
export interface HandshakeRequest extends RequestSource {
  readonly scope: WebSocketScope
  /** Has the client of the session pinged, as `websocket.keepalive` does. */
  keepAlive(interval: number, timeout: number): Effect.Effect<void, SendError>
}

/** Whether it is a WebSocket handshake of this server. */
export const isHandshake = (source: object): source is HandshakeRequest =>
  kind in source && source[kind] === "handshake"
