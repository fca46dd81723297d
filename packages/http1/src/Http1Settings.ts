import type { HttpExchangeOptions } from "@pagi/core/Exchange/Http"
import type { ServerContext } from "@pagi/core/ServerContext"

/** What all drivers of a server use; made once. */
export interface Http1Settings {
  readonly server: ServerContext
  readonly exchange: HttpExchangeOptions
}

export const makeSettings = (server: ServerContext): Http1Settings => ({
  server,
  exchange: {
    highWaterMark: server.options.writeHighWatermark,
    lowWaterMark: server.options.writeLowWatermark,
    fullFlush: "fullflush" in server.options.extensions,
    log: server.runner.background
  }
})
