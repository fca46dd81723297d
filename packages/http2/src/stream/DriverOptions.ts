import { type ExchangeOptions, makeExchangeOptions } from "@pagi/core/exchange/Exchange"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { WebSocketUpgrade } from "@pagi/core/exchange/WebSocketUpgrade"
import type { ConnectionConfig } from "../protocol/ConnectionConfig.ts"
import { OutputPool } from "../protocol/wire/OutputBuffer.ts"

/** What all drivers of a server use; made once. */
export interface DriverOptions {
  readonly server: ServerContext
  readonly exchange: ExchangeOptions
  readonly machine: ConnectionConfig
  /** The WebSocket protocol; without it no client is offered to use it (RFC 8441 §3). */
  readonly webSocket: WebSocketUpgrade | undefined
}

/** Reads them off the options of a server, which are checked already. */
export const makeSettings = (server: ServerContext, webSocket?: WebSocketUpgrade): DriverOptions => {
  const { clock, options } = server
  const exchange = makeExchangeOptions(server)
  const machine: ConnectionConfig = {
    maxConcurrentStreams: options.h2MaxConcurrentStreams,
    initialWindowSize: options.h2InitialWindowSize,
    maxFrameSize: options.h2MaxFrameSize,
    maxHeaderListSize: options.h2MaxHeaderListSize,
    maxHeaderCount: options.maxHeaderCount,
    enableConnectProtocol: options.h2EnableConnectProtocol && webSocket !== undefined && exchange.servesWebSockets,
    resetBurst: options.h2ResetBurst,
    resetsPerSecond: options.h2ResetRate,
    highWaterMark: options.writeHighWatermark,
    pool: new OutputPool(),
    now: () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  }
  return { server, exchange, machine, webSocket }
}
