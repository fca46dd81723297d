/** The observer of a server: what it is told, when, and how often. */
import * as Context from "effect/Context"
import type { Address } from "../contract/Address.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { ConnectionEnd, ConnectionProtocol } from "./ConnectionEnd.ts"

/** Both ends of a connection, as its transport knows them. */
export interface ObservedConnection {
  /** The peer; absent on Unix sockets. */
  readonly client: Address | undefined
  readonly server: Address | undefined
  /** Whether it is, or was to be, over TLS. */
  readonly secure: boolean
}

export type { ConnectionEnd, ConnectionProtocol } from "./ConnectionEnd.ts"

/** What observers are told of a connection; it does not change, so that a driver may ask for it once. */
export const describeConnection = ({ client, secure, server }: ObservedConnection): ObservedConnection => ({
  client,
  server,
  secure
})

/** What an exchange was: `sse` if its response is an event stream, `websocket` if a handshake was accepted, else `http`. */
export type ExchangeKind = "http" | "sse" | "websocket"

/** What an observer is told of a request. */
export interface ObservedRequest {
  readonly method: string
  /** The request target as received. */
  readonly target: string
  readonly httpVersion: string
  readonly headers: HeaderBlock
  /** The id that the server has given it; absent when it gives none. */
  readonly requestId?: string | undefined
}

/** How an exchange ended; `at_capacity` is a connection or a request that was turned away. */
export type ExchangeOutcome = "complete" | "at_capacity" | DisconnectReason

/**
 * How a handshake of TLS ended: it is done, in full or with an earlier session that was `resumed`; it has `failed`; or it
 * was `abandoned`, by a client that has left or by the server, for which it took too long or which stops.
 */
export type TlsOutcome = "full" | "resumed" | "failed" | "abandoned"

/** What is known about an exchange when it has ended. */
export interface ExchangeRecord extends ObservedConnection {
  /** The one that `exchangeStarted` was told of; absent when there was no valid head. */
  readonly request: ObservedRequest | undefined
  readonly kind: ExchangeKind
  /** The id of the exchange, also of one without a request; absent unless the server gives ids. */
  readonly requestId: string | undefined
  /** The trace that its span is a part of, or else the caller's; absent unless spans are made. */
  readonly traceId: string | undefined
  /** The status sent; 499 when the exchange ended before one was. */
  readonly status: number
  /** What the application sent with the status; absent unless an observer asks for it. */
  readonly responseHeaders: HeaderBlock | undefined
  /** Bytes of the response body that were sent, without the protocol's framing. */
  readonly bytes: number
  /** Wall-clock time of the request's start, milliseconds since 1970. */
  readonly startedAt: number
  /** Milliseconds from the request's head to the end of the exchange. */
  readonly duration: number
  /**
   * Milliseconds from the request's head until that of the response was sent; absent without one, or unless an observer asks
   * for it.
   */
  readonly firstByte: number | undefined
  /**
   * Milliseconds that the request's head had waited, before its time began to count, for what the client had sent before on
   * the connection: earlier requests, and their responses where these go one after the other. They are counted from when
   * something came last on the connection. Absent without a head.
   */
  readonly queueTime: number | undefined
  readonly outcome: ExchangeOutcome
}

/**
 * A limit that keeps a client from costing too much: the option that sets it, or `openFiles`, which the system sets. Of
 * `h2ResetBurst` and `h2ResetRate`, which are one limit, the latter stands for both.
 */
export type Limit =
  | "maxConnections"
  | "openFiles"
  | "maxHeaderSize"
  | "maxHeaderCount"
  | "maxBodySize"
  | "headersTimeout"
  | "bodyTimeout"
  | "requestTimeout"
  | "requestDeadline"
  | "maxConcurrentRequests"
  | "maxQueuedRequests"
  | "maxQueueTime"
  | "writeTimeout"
  | "sseIdleTimeout"
  | "maxReceiveQueue"
  | "maxWsFrameSize"
  | "maxWsMessageSize"
  | "maxWsFragments"
  | "wsIdleTimeout"
  | "h2MaxConcurrentStreams"
  | "h2MaxHeaderListSize"
  | "h2ResetRate"

/**
 * Listens to a server. Each method is an event, and may be left out: nothing is put together for an event that nobody
 * listens to. The server calls them in the middle of its work, so they have to be quick and must not throw, which would
 * end the connection or the process.
 *
 * Of each connection `connectionOpened` is told exactly once, and later `connectionClosed`, exactly once. So it is of a
 * WebSocket over HTTP/2, which lasts and therefore counts as a connection of its own once it is accepted. Clients that
 * are turned away have neither.
 *
 * An exchange is a request with its response, an event stream or a WebSocket session; it is also one when the server
 * itself answers, be it to something that is no request. Of each exchange `exchangeStarted` is told exactly once, and
 * later `exchangeEnded`, exactly once; between them `applicationStarted`, unless the server refuses the request.
 * Exchanges of one connection may overlap, and all have ended when it is closed.
 *
 * What a client does wrong is either a `protocolError` or a `limitHit`, and is told exactly once, before the end of the
 * exchange or connection that it ends. That a connection is idle for too long between requests, or that nothing at all
 * comes on it, is neither.
 */
export interface Observer {
  /**
   * A connection was accepted. Over TLS its handshake is still to come. The protocol is mostly `unknown`, which it is until
   * the client has said something.
   */
  readonly connectionOpened?: ((protocol: ConnectionProtocol) => void) | undefined
  /** A connection goes on in this protocol: its client has said which it speaks, or has made a WebSocket of it. */
  readonly protocolChanged?: ((protocol: ConnectionProtocol, before: ConnectionProtocol) => void) | undefined
  /** A connection has closed and its applications have ended, or it had nothing left to do and gives way to another. */
  readonly connectionClosed?: ((protocol: ConnectionProtocol, reason: ConnectionEnd) => void) | undefined
  /** So many bytes have come on a connection, also of clients that are turned away; without what TLS adds. */
  readonly bytesReceived?: ((length: number) => void) | undefined
  /** So many bytes were handed to the system; without what TLS adds. */
  readonly bytesSent?: ((length: number) => void) | undefined
  /** A `send` of the application has to wait for a slow client. */
  readonly sendSuspended?: (() => void) | undefined
  /** A request has to wait until another one has ended. */
  readonly waitBegan?: (() => void) | undefined
  /** It has waited for so many milliseconds: now it is served or refused, or its client has left. */
  readonly waitEnded?: ((duration: number) => void) | undefined
  /** A stream of HTTP/2 was reset, also one whose response is complete and whose request nobody needs any more. */
  readonly streamReset?: ((by: "client" | "server") => void) | undefined
  /** A handshake of TLS has ended, also one of a client that is turned away. The version is `1.3`, or empty without one. */
  readonly tlsHandshakeEnded?: ((outcome: TlsOutcome, version: string) => void) | undefined
  /** A whole message of a WebSocket has come for the application, or was sent by it. */
  readonly webSocketMessage?: ((direction: "receive" | "transmit") => void) | undefined
  /** An exchange begins: with a request, or without one when what has come was no valid head. */
  readonly exchangeStarted?:
    | ((request: ObservedRequest | undefined, connection: ObservedConnection) => void)
    | undefined
  /** The application is about to be run for an exchange. */
  readonly applicationStarted?: (() => void) | undefined
  /** An exchange has ended, in whatever way; its application may run on. The record does not change any more. */
  readonly exchangeEnded?: ((record: ExchangeRecord) => void) | undefined
  /**
   * A client has broken a rule of its protocol. The reason names the rule, such as `missing-host`, and stays the same from
   * version to version; `request-refused` is a sound request that is not served, of which the record has the status.
   */
  readonly protocolError?: ((reason: string, connection: ObservedConnection) => void) | undefined
  /** A client has reached a limit. */
  readonly limitHit?: ((limit: Limit, connection: ObservedConnection) => void) | undefined
  /** Whether records shall have `responseHeaders`. */
  readonly usesResponseHeaders?: boolean | undefined
  /** Whether records shall have `firstByte`, which costs a look at the clock. */
  readonly usesFirstByte?: boolean | undefined
}

/**
 * Who listens to a server, by default nobody. A program that embeds one provides it:
 *
 *     PagiServer.layer.pipe(Layer.provide(Layer.succeed(Observer, { exchangeEnded: ({ status }) => count(status) })))
 */
export const Observer = Context.Reference<Observer | undefined>("@pagi/core/Observer", {
  defaultValue: () => undefined
})

/** One listener that tells both, in this order. */
const both =
  <Args extends ReadonlyArray<unknown>>(one: (...args: Args) => void, two: (...args: Args) => void) =>
  (...args: Args): void => {
    one(...args)
    two(...args)
  }

/** One observer for both, which are told in this order. */
const pair = (one: Observer, two: Observer): Observer => {
  const join = <Args extends ReadonlyArray<unknown>>(
    first: ((...args: Args) => void) | undefined,
    second: ((...args: Args) => void) | undefined
  ): ((...args: Args) => void) | undefined => {
    const [listener, other] = [first?.bind(one), second?.bind(two)]
    return listener === undefined || other === undefined ? (listener ?? other) : both(listener, other)
  }
  return {
    connectionOpened: join(one.connectionOpened, two.connectionOpened),
    protocolChanged: join(one.protocolChanged, two.protocolChanged),
    connectionClosed: join(one.connectionClosed, two.connectionClosed),
    bytesReceived: join(one.bytesReceived, two.bytesReceived),
    bytesSent: join(one.bytesSent, two.bytesSent),
    sendSuspended: join(one.sendSuspended, two.sendSuspended),
    waitBegan: join(one.waitBegan, two.waitBegan),
    waitEnded: join(one.waitEnded, two.waitEnded),
    streamReset: join(one.streamReset, two.streamReset),
    tlsHandshakeEnded: join(one.tlsHandshakeEnded, two.tlsHandshakeEnded),
    webSocketMessage: join(one.webSocketMessage, two.webSocketMessage),
    exchangeStarted: join(one.exchangeStarted, two.exchangeStarted),
    applicationStarted: join(one.applicationStarted, two.applicationStarted),
    exchangeEnded: join(one.exchangeEnded, two.exchangeEnded),
    protocolError: join(one.protocolError, two.protocolError),
    limitHit: join(one.limitHit, two.limitHit),
    usesResponseHeaders: one.usesResponseHeaders === true || two.usesResponseHeaders === true,
    usesFirstByte: one.usesFirstByte === true || two.usesFirstByte === true
  } satisfies { readonly [Name in keyof Required<Observer>]: Observer[Name] }
}

/** One observer for all of these, which are told in this order; nothing when there is none. */
export const combine = (...observers: ReadonlyArray<Observer | undefined>): Observer | undefined => {
  const [first, ...others] = observers.filter((observer) => observer !== undefined)
  return first === undefined ? undefined : others.reduce(pair, first)
}

/** Tells of a broken rule, or of the limit that the rule is about. */
export const tellProblem = (
  observer: Observer | undefined,
  connection: ObservedConnection,
  reason: string,
  limit: Limit | undefined
): void => {
  if (limit === undefined) observer?.protocolError?.(reason, connection)
  else observer?.limitHit?.(limit, connection)
}
