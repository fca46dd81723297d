/** Makes the scopes that applications are run with, out of the server, the connection and the head of a request. */
import type { ByteString } from "../bytes/ByteString.ts"
import type { ExchangeState } from "../contract/ConnectionState.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import {
  type Extensions,
  type HttpScope,
  type HttpVersion,
  pagiVersion,
  type SseScope,
  type WebSocketScope
} from "../contract/Scope.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import type { Transport } from "../transport/Transport.ts"
import type { TransportState } from "../contract/TransportState.ts"

/** The head of a request, as every HTTP version's machine reports it. */
export interface HttpRequestHead {
  readonly method: string
  /** As received; not known when absent. */
  readonly target?: ByteString
  /** The prefix below which the application is mounted, which `path` and `rawPath` come behind; that of the options when absent. */
  readonly rootPath?: string
  readonly path: string
  readonly rawPath: ByteString
  readonly queryString: ByteString
  readonly httpVersion: HttpVersion
  readonly headers: HeaderBlock
  /** Absent unless the server gives ids. */
  readonly requestId?: string
}

/** What of a server every scope repeats. */
export type ScopeSource = Pick<ServerContext, "state" | "shuttingDown" | "readiness"> & {
  readonly options: Pick<ServerContext["options"], "extensions" | "rootPath">
}

/** What of a connection its scopes repeat. */
export type ScopeConnection = Pick<Transport, "client" | "server" | "secure" | "tls">

/** The side of an exchange that the application can look at. */
export interface ScopeExchange {
  readonly state: ExchangeState
  readonly writeBuffer: TransportState
}

/** Those of the server, and what TLS says about the connection. */
const extensionsOf = ({ options }: ScopeSource, { tls }: ScopeConnection): Extensions =>
  tls === undefined ? options.extensions : { ...options.extensions, tls }

type Mutable<Scope> = { -readonly [Key in keyof Scope]: Scope[Key] }
/** A scope whose properties of these names are still to be set. */
type Completing<Scope, Names extends keyof Scope> = Mutable<Omit<Scope, Names> & Partial<Pick<Scope, Names>>>

const httpScheme = ({ secure }: ScopeConnection): "http" | "https" => (secure ? "https" : "http")
type CommonScope = Mutable<Omit<WebSocketScope, "type" | "scheme" | "subprotocols">>

const makeScope = <Type extends "http" | "sse" | "websocket", Scheme extends string>(
  type: Type,
  scheme: Scheme,
  server: ScopeSource,
  connection: ScopeConnection,
  head: HttpRequestHead,
  exchange: ScopeExchange
): CommonScope & { type: Type; scheme: Scheme } => {
  const scope: CommonScope & { type: Type; scheme: Scheme } = {
    type,
    pagi: pagiVersion,
    httpVersion: head.httpVersion,
    scheme,
    path: head.path,
    rawPath: head.rawPath,
    queryString: head.queryString,
    rootPath: head.rootPath ?? server.options.rootPath,
    headers: head.headers,
    state: { ...server.state },
    extensions: extensionsOf(server, connection),
    transport: exchange.writeBuffer,
    shuttingDown: server.shuttingDown,
    readiness: server.readiness
  }
  if (connection.client !== undefined) scope.client = connection.client
  if (connection.server !== undefined) scope.server = connection.server
  if (head.requestId !== undefined) scope.requestId = head.requestId
  return scope
}

/** Tells the application of a request. */
export const makeHttpScope = (
  server: ScopeSource,
  connection: ScopeConnection,
  head: HttpRequestHead,
  exchange: ScopeExchange
): HttpScope => {
  const scope: Completing<HttpScope, "method" | "connection"> = makeScope(
    "http",
    httpScheme(connection),
    server,
    connection,
    head,
    exchange
  )
  scope.method = head.method
  scope.connection = exchange.state
  return scope as HttpScope // Complete with the assignments above.
}

/** Tells the application of a request for an event stream. */
export const makeSseScope = (
  server: ScopeSource,
  connection: ScopeConnection,
  head: HttpRequestHead,
  exchange: ScopeExchange
): SseScope => {
  const scope: Completing<SseScope, "method"> = makeScope(
    "sse",
    httpScheme(connection),
    server,
    connection,
    head,
    exchange
  )
  scope.method = head.method
  return scope as SseScope // Complete with the assignment above.
}

/** Tells the application of a WebSocket handshake, which it may always refuse by a response. */
export const makeWebSocketScope = (
  server: ScopeSource,
  connection: ScopeConnection,
  head: HttpRequestHead,
  exchange: ScopeExchange & { readonly subprotocols: ReadonlyArray<string> }
): WebSocketScope => {
  const scheme = connection.secure ? "wss" : "ws"
  const scope: Completing<WebSocketScope, "subprotocols"> = makeScope(
    "websocket",
    scheme,
    server,
    connection,
    head,
    exchange
  )
  scope.extensions = { ...scope.extensions, "websocket.http.response": {} }
  scope.subprotocols = exchange.subprotocols
  return scope as WebSocketScope // Complete with the assignment above.
}
