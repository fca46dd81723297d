/** What an application is told of a request that came to it through Effect's HTTP server. */
import * as Context from "effect/Context"
import type { RouteContext } from "effect/http/HttpRouter"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import { hasProperty } from "effect/Predicate"
import type { ByteString } from "../bytes/ByteString.ts"
import type { Address } from "../contract/Address.ts"
import type { HttpVersion } from "../contract/Scope.ts"
import type { HttpRequestHead, ScopeConnection } from "../exchange/RequestScope.ts"
import { listElements } from "../http/CommaList.ts"
import { isToken } from "../http/FieldSyntax.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import * as RequestPath from "../http/RequestPath.ts"
import { isHandshake, isOwn } from "../httpEffect/OwnRequest.ts"

/** A request, as its exchange needs it. */
export interface MountedRequest {
  readonly head: HttpRequestHead
  readonly connection: ScopeConnection
}

/** By its key, since a program may serve without a router, which need not be loaded then. */
const RouteContextKey = Context.Service<RouteContext, RouteContext["Service"]>(
  "effect/http/HttpRouter/RouteContext" satisfies typeof RouteContext.key
)

/** The path and query of a URL that may have its scheme and host in front. */
const targetOf = (url: string): ByteString => {
  if (url.startsWith("/") || !url.includes("://")) return url
  const start = url.indexOf("/", url.indexOf("://") + 3)
  return start === -1 ? "/" : url.slice(start)
}

const pathOf = (target: ByteString): ByteString => /^[^?#]*/.exec(target)?.[0] ?? ""

/** How many segments a pattern has; slashes within the regular expression of a parameter are none. */
const countSegments = (pattern: string): number => {
  let count = 0
  let depth = 0
  for (const character of pattern) {
    if (character === "(") depth++
    else if (character === ")") depth--
    else if (character === "/" && depth === 0) count++
  }
  return count
}

/** The path without its first segments. */
const dropSegments = (path: ByteString, count: number): ByteString => {
  let index = 0
  for (let dropped = 0; dropped < count; dropped++) {
    while (path[index] === "/") index++
    while (index < path.length && path[index] !== "/") index++
  }
  return path.slice(index)
}

/** The segments of the route in front of its wildcard that are still in the URL; a router with a prefix has cut that off. */
const mountedBelow = ({ route }: RouteContext["Service"]): number => {
  if (!route.path.endsWith("/*")) return 0
  return countSegments(route.path.slice(0, -2)) - countSegments(Option.getOrElse(route.prefix, () => ""))
}

interface Mount {
  readonly target: ByteString
  readonly rootPath: ByteString
}

/** Takes the path apart into where the application is mounted and what is behind it. */
const readMount = ({ originalUrl, url }: HttpServerRequest, context: Context.Context<never>): Mount => {
  const route = Context.getOrUndefined(context, RouteContextKey)
  const target = targetOf(url)
  const path = pathOf(target)
  const rest = route === undefined ? path : dropSegments(path, mountedBelow(route))
  const whole = pathOf(targetOf(originalUrl))
  return {
    target: (rest.startsWith("/") || rest === "*" ? rest : `/${rest}`) + target.slice(path.length),
    // Middleware may have put any other URL in place of the client's.
    rootPath: whole.endsWith(rest) ? whole.slice(0, whole.length - rest.length) : ""
  }
}

/** Nobody has checked what a request of another server is; pseudo fields of HTTP/2 are no fields. */
const fieldsOf = ({ headers }: HttpServerRequest): HeaderBlock =>
  Object.entries(headers).filter(([name]) => !name.startsWith(":"))

/** A socket as those of Node are. */
const socketOf = (source: object): object | undefined =>
  hasProperty(source, "socket") && typeof source.socket === "object" ? (source.socket ?? undefined) : undefined

const addressOf = (socket: object | undefined, side: "remote" | "local"): Address | undefined => {
  const host = hasProperty(socket, `${side}Address`) ? socket[`${side}Address`] : undefined
  const port = hasProperty(socket, `${side}Port`) ? socket[`${side}Port`] : undefined
  return typeof host === "string" && typeof port === "number" ? [host, port] : undefined
}

/** The peer; by another address if middleware says that it stands for one, whose port nobody knows then. */
const clientOf = ({ remoteAddress }: HttpServerRequest, peer: Address | undefined): Address | undefined => {
  const host = Option.getOrUndefined(remoteAddress)
  if (host === undefined) return undefined
  return peer?.[0] === host ? peer : [host, 0]
}

const versionOf = (source: object): HttpVersion => {
  if (isOwn(source)) return source.httpVersion
  const version = hasProperty(source, "httpVersion") ? source.httpVersion : undefined
  return version === "1.0" ? "1.0" : version === "2.0" ? "2" : "1.1"
}

/**
 * Reads the request; `undefined` for one that a server answers with 400. `context` is that of the fiber that handles it. A
 * route that ends in a wildcard is where the application is mounted: it sees the path behind that, and has the path before
 * it as `rootPath`.
 */
export const read = (request: HttpServerRequest, context: Context.Context<never>): MountedRequest | undefined => {
  const { originalUrl, protocol, source } = request
  const mount = readMount(request, context)
  const parts = RequestPath.readPath(mount.target)
  const rootPath = RequestPath.decode(mount.rootPath)
  if (parts === undefined || rootPath === undefined) return undefined
  const own = isOwn(source) ? source : undefined
  const socket = own === undefined ? socketOf(source) : undefined
  return {
    head: {
      method: request.method,
      target: mount.target,
      ...parts,
      rootPath,
      httpVersion: versionOf(source),
      headers: fieldsOf(request)
    },
    connection: {
      client: clientOf(request, own?.client ?? addressOf(socket, "remote")),
      server: own?.server ?? addressOf(socket, "local"),
      secure: protocol === undefined ? originalUrl.startsWith("https:") : protocol === "https",
      tls: undefined
    }
  }
}

/** What the client of a WebSocket handshake offers; `undefined` if it is none. */
export const readHandshake = ({ headers, method, source }: HttpServerRequest): ReadonlyArray<string> | undefined => {
  if (isHandshake(source)) return source.scope.subprotocols
  if (method !== "GET" || headers["upgrade"]?.toLowerCase() !== "websocket") return undefined
  return listElements(headers["sec-websocket-protocol"] ?? "").filter(isToken)
}
