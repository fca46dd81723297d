import { type ExchangeOptions, makeExchangeOptions } from "@pagi/core/Exchange/Exchange"
import type { ServerContext } from "@pagi/core/ServerContext"

/** What all drivers of a server use; made once. */
export interface Http1Settings {
  readonly server: ServerContext
  readonly exchange: ExchangeOptions
}

export const makeSettings = (server: ServerContext): Http1Settings => ({
  server,
  exchange: makeExchangeOptions(server)
})
