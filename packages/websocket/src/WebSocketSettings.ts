import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Limits } from "./protocol/Limits.ts"
import { Rules } from "./protocol/Rules.ts"
import { SharedCompression } from "./SharedFrame.ts"
import type { WebSocketPlatform } from "./WebSocketPlatform.ts"

/** What all sessions of a server use; made once. */
export interface WebSocketSettings {
  readonly server: ServerContext
  readonly platform: WebSocketPlatform
  /** What the protocol machine of a session goes by: limits, and which extensions were agreed on. */
  readonly rules: Rules
  /** The same for sessions that have agreed on compression. */
  readonly compressionRules: Rules
  /** For messages to many sessions. */
  readonly sharedCompression: SharedCompression
}

export const makeSettings = (server: ServerContext, platform: WebSocketPlatform): WebSocketSettings => {
  const limits: Limits = {
    maxFrameSize: server.options.maxWsFrameSize,
    maxMessageSize: server.options.maxWsMessageSize,
    maxFragments: server.options.maxWsFragments
  }
  return {
    server,
    platform,
    rules: Rules.forServer(limits, false),
    compressionRules: Rules.forServer(limits, true),
    sharedCompression: new SharedCompression(platform)
  }
}
