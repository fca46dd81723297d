/** The attributes of a server's span (OpenTelemetry, semantic conventions for HTTP spans). */
import * as UrlParams from "effect/http/UrlParams"
import type { Span } from "effect/Tracer"
import type { Address } from "../contract/Address.ts"
import type { HttpVersion } from "../contract/Scope.ts"
import { get, type HeaderBlock } from "../http/HeaderBlock.ts"

/** A request, as a driver tells it. */
export interface TracedRequest {
  readonly method: string
  readonly rawPath: string
  readonly queryString: string
  readonly httpVersion: HttpVersion
  readonly headers: HeaderBlock
  readonly requestId?: string | undefined
}

/** The connection that it came by. */
export interface TracedConnection {
  readonly client: Address | undefined
  readonly server: Address | undefined
  readonly secure: boolean
}

/** Methods that telemetry knows; others are `_OTHER`, so that clients cannot make up any number of them. */
const knownMethods: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE"
])

/** What a span is called of whose route nothing is known. */
export const nameOf = ({ method }: Pick<TracedRequest, "method">): string =>
  knownMethods.has(method) ? method : "HTTP"

/** The host and the port that the client asks for, of an authority that is valid; without one those of the socket. */
const serverOf = ({ headers }: TracedRequest, { secure, server }: TracedConnection): Address | undefined => {
  const authority = get(headers, "host")
  if (authority === undefined || authority === "") return server
  const end = authority.startsWith("[") ? authority.indexOf("]") + 1 : authority.indexOf(":")
  const host = end <= 0 ? authority : authority.slice(0, end)
  const port = end <= 0 ? "" : authority.slice(end + 1)
  return [host.startsWith("[") ? host.slice(1, -1) : host, port === "" ? (secure ? 443 : 80) : Number(port)]
}

const setAddress = (span: Span, name: string, address: Address | undefined): void => {
  if (address === undefined) return
  const [host, port] = address
  span.attribute(`${name}.address`, host)
  if (port !== null) span.attribute(`${name}.port`, port)
}

/** Sets what the request says. Of the query, values of `redactedNames` are left out. */
export const setRequest = (
  span: Span,
  request: TracedRequest,
  connection: TracedConnection,
  redactedNames: ReadonlyArray<string | RegExp>
): void => {
  const { headers, httpVersion, method, queryString, rawPath, requestId } = request
  const isKnown = knownMethods.has(method)
  span.attribute("http.request.method", isKnown ? method : "_OTHER")
  if (!isKnown) span.attribute("http.request.method_original", method)
  span.attribute("url.path", rawPath)
  if (queryString !== "") span.attribute("url.query", UrlParams.redactUrl(`?${queryString}`, redactedNames).slice(1))
  span.attribute("url.scheme", connection.secure ? "https" : "http")
  setAddress(span, "server", serverOf(request, connection))
  setAddress(span, "client", connection.client)
  setAddress(span, "network.peer", connection.client)
  span.attribute("network.protocol.name", "http")
  span.attribute("network.protocol.version", httpVersion)
  if (requestId !== undefined) span.attribute("http.request.id", requestId)
  const userAgent = get(headers, "user-agent")
  if (userAgent !== undefined) span.attribute("user_agent.original", userAgent)
}
