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
  /** The proxy by which the client has come; the client itself when absent. */
  readonly peer?: Address | undefined
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

/** The host and the port of an authority that is valid. */
const parseAuthority = (authority: string, secure: boolean): Address => {
  const end = authority.startsWith("[") ? authority.indexOf("]") + 1 : authority.indexOf(":")
  const host = end <= 0 ? authority : authority.slice(0, end)
  const port = end <= 0 ? "" : authority.slice(end + 1)
  return [host.startsWith("[") ? host.slice(1, -1) : host, port === "" ? (secure ? 443 : 80) : Number(port)]
}

/** Sets what requests say, and remembers what most of them say alike. */
export class RequestAttributes {
  readonly #redactedNames: ReadonlyArray<string | RegExp>
  /** The last authority with what it means. */
  #authority = ""
  #isSecure = false
  #server: Address | undefined = undefined

  /** Of queries, values of `redactedNames` are left out. */
  constructor(redactedNames: ReadonlyArray<string | RegExp>) {
    this.#redactedNames = redactedNames
  }

  setRequest(span: Span, request: TracedRequest, { client, peer = client, secure, server }: TracedConnection): void {
    const { headers, httpVersion, method, queryString, rawPath, requestId } = request
    const hasName = knownMethods.has(method)
    span.attribute("http.request.method", hasName ? method : "_OTHER")
    if (!hasName) span.attribute("http.request.method_original", method)
    span.attribute("url.path", rawPath)
    if (queryString !== "") span.attribute("url.query", this.#queryOf(queryString))
    span.attribute("url.scheme", secure ? "https" : "http")
    const [host, port] = this.#serverOf(headers, secure) ?? server ?? noAddress
    if (host !== null) span.attribute("server.address", host)
    if (port !== null) span.attribute("server.port", port)
    if (client !== undefined) setClient(span, client)
    if (peer !== undefined) setPeer(span, peer)
    span.attribute("network.protocol.name", "http")
    span.attribute("network.protocol.version", httpVersion)
    if (requestId !== undefined) span.attribute("http.request.id", requestId)
    const userAgent = get(headers, "user-agent")
    if (userAgent !== undefined) span.attribute("user_agent.original", userAgent)
  }

  #queryOf(queryString: string): string {
    return UrlParams.redactUrl(`?${queryString}`, this.#redactedNames).slice(1)
  }

  /** What the client asks for; nothing when it does not say that. */
  #serverOf(headers: HeaderBlock, secure: boolean): Address | undefined {
    const authority = get(headers, "host")
    if (authority === undefined || authority === "") return undefined
    if (this.#server === undefined || authority !== this.#authority || secure !== this.#isSecure) {
      this.#server = parseAuthority(authority, secure)
      this.#authority = authority
      this.#isSecure = secure
    }
    return this.#server
  }
}

/** That of a Unix socket. */
const noAddress = [null, null] as const

/** Whether a port is known: a Unix socket has none, and 0 is one that nobody has told. */
const isKnown = (port: number | null): port is number => port !== null && port !== 0

const setClient = (span: Span, [host, port]: Address): void => {
  span.attribute("client.address", host)
  if (isKnown(port)) span.attribute("client.port", port)
}

/** The other end of the connection: the client, or a proxy in front. */
const setPeer = (span: Span, [host, port]: Address): void => {
  span.attribute("network.peer.address", host)
  if (isKnown(port)) span.attribute("network.peer.port", port)
}
