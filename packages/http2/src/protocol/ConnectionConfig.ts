import type { BudgetLimits } from "./AbuseBudget.ts"
import type { OutputPool } from "./wire/OutputBuffer.ts"

/** What the connections of a server have in common. Sizes are in bytes. */
export interface ConnectionConfig extends BudgetLimits {
  /** SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 §6.5.2). */
  readonly maxConcurrentStreams: number
  /** SETTINGS_INITIAL_WINDOW_SIZE: what a client may send of each request before the application has received any. */
  readonly initialWindowSize: number
  /** SETTINGS_MAX_FRAME_SIZE. */
  readonly maxFrameSize: number
  /** SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxHeaderListSize: number
  /** Fields of a header section. */
  readonly maxHeaderCount: number
  /** SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3). */
  readonly enableConnectProtocol: boolean
  /** Bytes that may wait for the transport before content waits in its stream. */
  readonly highWaterMark: number
  /** Memory that frames are written into. */
  readonly pool: OutputPool
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
}
