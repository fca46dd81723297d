import type { Scope } from "../Scope.ts"

/** What a log line says of the exchange that it is about. */
export type Annotations = Readonly<Record<string, string | number>>

const withAddress = ([host, port]: readonly [string, number | null]): string =>
  port === null ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`

/** Method, path, protocol and peer of an exchange, and the worker that served it. */
export const make = (scope: Scope | undefined, worker: number | undefined): Annotations => ({
  ...(scope === undefined || scope.type === "lifespan" ? {} : ofRequest(scope)),
  ...(worker === undefined ? {} : { worker })
})

const ofRequest = (scope: Exclude<Scope, { readonly type: "lifespan" }>): Annotations => {
  const version = `HTTP/${scope.httpVersion}`
  const isWebSocket = scope.type === "websocket"
  return {
    // RFC 6455 §4.1, RFC 8441 §4.
    method: isWebSocket ? (scope.httpVersion === "2" ? "CONNECT" : "GET") : scope.method,
    path: scope.path,
    protocol: isWebSocket ? `WebSocket over ${version}` : version,
    ...(scope.client === undefined ? {} : { client: withAddress(scope.client) })
  }
}
