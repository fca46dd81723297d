import type { ServerContext } from "@pagi/core/ServerContext"
import type { Limits } from "./protocol/Limits.ts"
import type { WebSocketPlatform } from "./WebSocketPlatform.ts"

/** What all sessions of a server use; made once. */
export interface WebSocketSettings {
  readonly server: ServerContext
  readonly platform: WebSocketPlatform
  readonly limits: Limits
}

export const makeSettings = (server: ServerContext, platform: WebSocketPlatform): WebSocketSettings => ({
  server,
  platform,
  limits: {
    maxFrameSize: server.options.maxWsFrameSize,
    maxMessageSize: server.options.maxWsMessageSize,
    maxFragments: server.options.maxWsFragments
  }
})
