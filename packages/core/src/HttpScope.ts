import type { ByteString } from "./ByteString.ts"
import type { HttpExchange } from "./Exchange/Http.ts"
import type { HeaderBlock } from "./HeaderBlock.ts"
import { type HttpScope, type HttpVersion, pagiVersion } from "./Scope.ts"
import type { ServerContext } from "./ServerContext.ts"
import type { Transport } from "./Transport.ts"

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
export type ScopeSource = Pick<ServerContext, "state" | "shuttingDown"> & {
  readonly options: Pick<ServerContext["options"], "extensions">
}

/** Tells the application of a request. */
export const makeHttpScope = (
  server: ScopeSource,
  transport: Pick<Transport, "client" | "server" | "secure">,
  head: HttpRequestHead,
  exchange: HttpExchange
): HttpScope => {
  const scope: { -readonly [Key in keyof HttpScope]: HttpScope[Key] } = {
    type: "http",
    pagi: pagiVersion,
    httpVersion: head.httpVersion,
    scheme: transport.secure ? "https" : "http",
    method: head.method,
    path: head.path,
    rawPath: head.rawPath,
    queryString: head.queryString,
    rootPath: "",
    headers: head.headers,
    state: { ...server.state },
    extensions: server.options.extensions,
    transport: exchange.writeBuffer,
    connection: exchange.state,
    shuttingDown: server.shuttingDown
  }
  if (transport.client !== undefined) scope.client = transport.client
  if (transport.server !== undefined) scope.server = transport.server
  return scope
}
