import type { ByteString } from "./ByteString.ts"
import type { ExchangeState } from "./ConnectionState.ts"
import type { HeaderBlock } from "./HeaderBlock.ts"
import { type Extensions, type HttpScope, type HttpVersion, pagiVersion, type SseScope } from "./Scope.ts"
import type { ServerContext } from "./ServerContext.ts"
import type { Transport } from "./Transport.ts"
import type { TransportState } from "./TransportState.ts"

/** The head of a request, as every HTTP version's machine reports it. */
export interface HttpRequestHead {
  readonly method: string
  readonly path: string
  readonly rawPath: ByteString
  readonly queryString: ByteString
  readonly httpVersion: HttpVersion
  readonly headers: HeaderBlock
}

/** What of a server every scope repeats. */
export type ScopeSource = Pick<ServerContext, "state" | "shuttingDown" | "readiness"> & {
  readonly options: Pick<ServerContext["options"], "extensions">
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
type CommonScope = Mutable<Omit<SseScope, "type">>

const makeScope = <Type extends "http" | "sse">(
  type: Type,
  server: ScopeSource,
  connection: ScopeConnection,
  head: HttpRequestHead,
  exchange: ScopeExchange
): CommonScope & { type: Type } => {
  const scope: CommonScope & { type: Type } = {
    type,
    pagi: pagiVersion,
    httpVersion: head.httpVersion,
    scheme: connection.secure ? "https" : "http",
    method: head.method,
    path: head.path,
    rawPath: head.rawPath,
    queryString: head.queryString,
    rootPath: "",
    headers: head.headers,
    state: { ...server.state },
    extensions: extensionsOf(server, connection),
    transport: exchange.writeBuffer,
    shuttingDown: server.shuttingDown,
    readiness: server.readiness
  }
  if (connection.client !== undefined) scope.client = connection.client
  if (connection.server !== undefined) scope.server = connection.server
  return scope
}

/** Tells the application of a request. */
export const makeHttpScope = (
  server: ScopeSource,
  connection: ScopeConnection,
  head: HttpRequestHead,
  exchange: ScopeExchange
): HttpScope => {
  const scope: Omit<Mutable<HttpScope>, "connection"> & { connection?: HttpScope["connection"] } = makeScope(
    "http",
    server,
    connection,
    head,
    exchange
  )
  scope.connection = exchange.state
  return scope as HttpScope // Complete with the assignment above.
}

/** Tells the application of a request for an event stream. */
export const makeSseScope = (
  server: ScopeSource,
  connection: ScopeConnection,
  head: HttpRequestHead,
  exchange: ScopeExchange
): SseScope => makeScope("sse", server, connection, head, exchange)
