/** The head of a request that came as a `Request` of the Fetch standard. */
import type { HttpRequestHead } from "../exchange/RequestScope.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { readPath } from "../http/RequestPath.ts"

/** Path and query of a URL that is written as the standard does, and the host in it. */
const parts = (url: string): { readonly host: string; readonly target: string } => {
  const hostStart = url.indexOf("//") + 2
  const pathStart = url.indexOf("/", hostStart)
  const fragmentStart = url.indexOf("#", pathStart)
  return {
    host: url.slice(hostStart, pathStart),
    target: url.slice(pathStart, fragmentStart === -1 ? undefined : fragmentStart)
  }
}

const fieldsOf = (headers: Headers, host: string): HeaderBlock => {
  const fields: Array<readonly [string, string]> = headers.has("host") ? [] : [["host", host]]
  headers.forEach((value, name) => fields.push([name, value]))
  return fields
}

/**
 * The head as an application is told of it; `undefined` for one that a server answers with 400. A `Request` does not say
 * by which version of HTTP it came.
 */
export const makeHead = (request: Request): HttpRequestHead | undefined => {
  const { host, target } = parts(request.url)
  const path = readPath(target)
  if (path === undefined) return undefined
  const { method } = request
  return { method, target, ...path, httpVersion: "1.1", headers: fieldsOf(request.headers, host) }
}

/** Whether the client asks for a WebSocket, which no `Response` can begin. */
export const isHandshake = (request: Request): boolean =>
  request.method === "GET" && request.headers.get("upgrade")?.toLowerCase() === "websocket"
