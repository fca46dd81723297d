import * as EventStream from "../http/EventStream.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { HttpRequestHead } from "./RequestScope.ts"
import { HttpExchange } from "./Http.ts"
import type { ExchangeOptions } from "./Exchange.ts"
import type { ExchangeHost } from "./RequestExchange.ts"
import { SseExchange } from "./Sse.ts"

/** The field may come in several lines (RFC 9110 §5.3). */
const acceptsEventStreams = (headers: HeaderBlock): boolean => {
  for (const header of headers) {
    if (header[0] === "accept" && EventStream.accepts(header[1])) return true
  }
  return false
}

/**
 * The exchange for a request that is no WebSocket handshake: an event stream when the client accepts one and the
 * application has them. An Upgrade field changes nothing: clients that offer h2c send one with every request, and what
 * is not taken up is ignored (RFC 9110 §7.8).
 */
export const makeExchange = (
  host: ExchangeHost,
  options: ExchangeOptions,
  { headers }: Pick<HttpRequestHead, "headers">
): HttpExchange | SseExchange => {
  const isSse = options.servesEventStreams && acceptsEventStreams(headers)
  return isSse ? new SseExchange(host, options) : new HttpExchange(host, options)
}
