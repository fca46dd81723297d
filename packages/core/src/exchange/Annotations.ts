import { formatAddress } from "../contract/Address.ts"
import type { Subject } from "../server/Subject.ts"

/** What a log line says of the exchange that it is about. */
export type Annotations = Readonly<Record<string, string | number>>

/** Method, path, protocol and peer of an exchange, its id and its span if it has them, and the worker that served it. */
export const make = (subject: Subject | undefined, worker: number | undefined): Annotations => ({
  ...(subject === undefined || subject.type === "lifespan" ? {} : ofRequest(subject)),
  ...(worker === undefined ? {} : { worker })
})

const ofRequest = (subject: Exclude<Subject, { readonly type: "lifespan" }>): Annotations => {
  const version = `HTTP/${subject.httpVersion}`
  const isWebSocket = subject.type === "websocket"
  return {
    // RFC 6455 §4.1, RFC 8441 §4.
    method: isWebSocket ? (subject.httpVersion === "2" ? "CONNECT" : "GET") : subject.method,
    path: subject.path,
    protocol: isWebSocket ? `WebSocket over ${version}` : version,
    ...(subject.client === undefined ? {} : { client: formatAddress(subject.client) }),
    ...(subject.requestId === undefined ? {} : { requestId: subject.requestId }),
    ...(subject.span === undefined ? {} : { traceId: subject.span.traceId, spanId: subject.span.spanId })
  }
}
