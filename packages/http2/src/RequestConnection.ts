import type { ConnectionScopes } from "@pagi/core/ConnectionScope"
import type { Transport } from "@pagi/core/Transport"
import type { Http2Settings } from "./Http2Settings.ts"
import type { Connection } from "./protocol/Connection.ts"
import type { RequestStream } from "./RequestStream.ts"

/** What a stream needs of its connection. */
export interface RequestConnection {
  readonly settings: Http2Settings
  readonly transport: Transport
  readonly scopes: ConnectionScopes
  readonly machine: Connection<RequestStream>
  /** Whether the peer is not read, since it has to read first what it has asked for. */
  readonly isPaused: boolean
  /** Frames were written, or content that waits. */
  onWritten(stream: RequestStream): void
  /** The head of a response waits for content, at most until the turn ends. */
  onHeld(stream: RequestStream): void
  /** Looks at the stream when so many ticks have passed, or earlier; answers the tick by which they have. */
  watchStall(ticks: number): number
  /** Sends everything that can be sent now. */
  flush(): void
  /** An application has begun to wait for something; `onApplicationEnd` will tell. */
  onApplicationStart(stream: RequestStream): void
  onApplicationEnd(stream: RequestStream): void
}
