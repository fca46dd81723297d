import { isMisdirected } from "@pagi/core/http/ExpectedHost"
import { get } from "@pagi/core/http/HeaderBlock"
import type { ForwardedRequest } from "@pagi/core/server/Forwarding"
import type { Transport } from "@pagi/core/transport/Transport"
import type { WebSocketHandshake } from "@pagi/core/exchange/WebSocketUpgrade"
import { misdirected, type Refusal, refusal } from "@pagi/core/server/Refusal"
import type { DriverOptions } from "./DriverOptions.ts"
import type { Request } from "../protocol/Event.ts"
import type { RefusedRequest, RequestHead } from "../protocol/head/RequestFields.ts"

/** A request on its stream, with its id if the server gives any. */
export type IncomingRequest<Owner> = Omit<Request<Owner>, "head"> & {
  readonly head: (RequestHead & { readonly requestId?: string }) | RefusedRequest
  /** The request as its client has sent it, if that has come by a proxy that is trusted. */
  readonly forwarded?: ForwardedRequest<RequestHead> | undefined
}

/**
 * Gives a request its id, and finds out about its client. One that is refused has no fields that could tell either of
 * them.
 */
export const identify = <Owner>(
  { server }: DriverOptions,
  transport: Transport,
  request: Request<Owner>
): IncomingRequest<Owner> => {
  const { forwarding, requestIds } = server
  if ((requestIds === undefined && forwarding === undefined) || request.head.type === "refused") return request
  const head = requestIds?.identify(request.head, transport) ?? request.head
  return { ...request, head, forwarded: forwarding?.resolve(head, transport) }
}

const atCapacity = refusal(503, "the server is at capacity")

const unknownProtocol = refusal(501, "The only supported :protocol is websocket")

/** One that names no host, as it may on a Unix socket, is for none that a certificate was shown for. */
const isFor = (expectedHost: string, { headers }: RequestHead): boolean =>
  get(headers, "host") !== undefined && !isMisdirected(expectedHost, headers)

/** Looks at a request before the application does: it is refused, a WebSocket handshake, or (`undefined`) an ordinary one. */
export const admit = (
  { server, webSocket }: DriverOptions,
  { expectedHost }: Pick<Transport, "expectedHost">,
  head: RequestHead | RefusedRequest
): Refusal | WebSocketHandshake | undefined => {
  if (head.type === "refused") return refusal(head.status, head.message)
  if (expectedHost !== undefined && !isFor(expectedHost, head)) return misdirected
  if (head.protocol === undefined) return undefined
  // A session lasts, and so counts as a connection.
  if (server.registry.size > server.options.maxConnections) return atCapacity
  return head.protocol === "websocket" ? (webSocket?.read(head) ?? unknownProtocol) : unknownProtocol
}
