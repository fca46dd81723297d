import { type ExchangeOptions, makeExchangeOptions } from "@pagi/core/exchange/Exchange"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { WebSocketUpgrade } from "@pagi/core/exchange/WebSocketUpgrade"
import type { MachineSettings } from "../protocol/MachineSettings.ts"
import { OutputPool } from "../protocol/wire/OutputBuffer.ts"

/** What all drivers of a server use; made once. */
export interface Http2Settings {
  readonly server: ServerContext
  readonly exchange: ExchangeOptions
  readonly machine: MachineSettings
  /** The WebSocket protocol; without it no client is offered to use it (RFC 8441 §3). */
  readonly webSocket: WebSocketUpgrade | undefined
}

/** Reads them off the options of a server, which are checked already. */
export const makeSettings = (server: ServerContext, webSocket?: WebSocketUpgrade): Http2Settings => {
  const { clock, options } = server
  const exchange = makeExchangeOptions(server)
  const machine: MachineSettings = {
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
