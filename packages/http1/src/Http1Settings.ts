import { type ExchangeOptions, makeExchangeOptions } from "@pagi/core/exchange/Exchange"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { WebSocketUpgrade } from "@pagi/core/exchange/WebSocketUpgrade"

/** What all drivers of a server use; made once. */
export interface Http1Settings {
  readonly server: ServerContext
  readonly exchange: ExchangeOptions
  /** The WebSocket protocol; without it handshakes are ordinary requests. */
  readonly webSocket: WebSocketUpgrade | undefined
}

export const makeSettings = (server: ServerContext, webSocket?: WebSocketUpgrade): Http1Settings => ({
  server,
  exchange: makeExchangeOptions(server),
  webSocket
})
