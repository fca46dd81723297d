/** The slowest and the failing requests of the last minutes. */

export interface RecentRequest {
  readonly method: string
  /** The path of the target, without the query, which may be private. */
  readonly path: string
  readonly status: number
  /** Milliseconds since 1970, of its end. */
  readonly endedAt: number
  /** Milliseconds. */
  readonly duration: number
  readonly httpVersion: string
  readonly kind: "http" | "sse" | "websocket"
  /** Absent without workers. */
  readonly worker?: number
  /** Absent unless requests have ids. */
  readonly requestId?: string
}

export interface RecentRequests {
  /** The slowest first. */
  readonly slowest: ReadonlyArray<RecentRequest>
  /** Answered with 500 or more, or broken off by the server; the latest first. */
  readonly failed: ReadonlyArray<RecentRequest>
}
