/**
 * A way into the server beside the events of the contract, for the adapters of other contracts (`fromHttpEffect`,
 * `fromFetch`): they get the request as it came and answer by one call. Not stable; applications use the events.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { AnySpan } from "effect/Tracer"
import type { Address } from "./Address.ts"
import type { ByteString } from "../bytes/ByteString.ts"
import type { DisconnectReason } from "./DisconnectReason.ts"
import type { HttpReceiveEvent, HttpSendEvent } from "./Event.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { Receive, Send } from "./ReceiveSend.ts"
import type { HttpVersion, Readiness, State } from "./Scope.ts"
import type { TlsExtension } from "./TlsExtension.ts"

/** A request, and the way of its response. */
export interface NativeRequest {
  readonly method: string
  /** Path and query as the client sent them; `*` for a request about the server itself (RFC 9110 §7.1). */
  readonly target: ByteString
  /** The prefix of the client's path that a proxy has taken off; `target` comes behind it. */
  readonly rootPath: string
  readonly httpVersion: HttpVersion
  readonly headers: HeaderBlock
  /** Whether the client has sent it over TLS. */
  readonly secure: boolean
  /** The peer, or the client of a trusted proxy; absent on Unix sockets. */
  readonly client: Address | undefined
  /** Where the client has connected to. */
  readonly server: Address | undefined
  /** As in a scope. */
  readonly shuttingDown: Effect.Effect<void>
  readonly readiness: Readiness
  /** What TLS has settled; absent without it. */
  readonly tls: TlsExtension | undefined
  /** A copy, for this request alone, of what the lifespan handler left; made when it is first asked for. */
  readonly state: State
  /** The contract's events, for what `respond` cannot: pieces of content, files, trailers, interim responses. */
  readonly receive: Receive<HttpReceiveEvent>
  readonly send: Send<HttpSendEvent>
  /** Why the peer is not there any more. */
  readonly disconnectReason: DisconnectReason | undefined
  /** The span of the request, when the handler has made one of its own: what is logged of the request names it. */
  span?: AnySpan | undefined
  /**
   * Sends a whole response, if none has started; answers why it cannot be sent, and then nothing was written. After the
   * peer has gone it does nothing.
   */
  respond(status: number, headers: HeaderBlock, content: string | Uint8Array): string | undefined
  /** Runs the callback when the peer has gone, unless the response is complete. */
  onDisconnect(callback: (reason: DisconnectReason) => void): void
}

/**
 * Answers a request by a fiber that it starts, with the services of the application; it may have ended when it is
 * given back. It must not throw. The exchange is over when the fiber has ended.
 */
export type NativeHandler = (request: NativeRequest, context: Context.Context<never>) => Fiber.Fiber<unknown, unknown>
