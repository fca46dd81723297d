/** What happened in one second, as the dashboard and `pagi-server top` draw it. */
export interface HistoryPoint {
  /** Milliseconds since 1970, of the second's end. */
  readonly at: number
  /** Requests that ended, by the class of their status. */
  readonly statuses: { readonly [Class in "1xx" | "2xx" | "3xx" | "4xx" | "5xx"]: number }
  /** Milliseconds, estimated from the buckets of the histogram; nothing when no request ended. */
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number } | null
  /** Bytes of connections in this second. */
  readonly received: number
  readonly sent: number
  /** Open at the end of the second. */
  readonly connections: number
  /** The same by protocol, as far as there are some; `unknown` is of clients that have not said anything. */
  readonly open: Readonly<Record<string, number>>
  readonly activeRequests: number
  /** Connections that ended in this second, by protocol. */
  readonly closed: Readonly<Record<string, number>>
  /** Limits reached and rules broken in this second, by name. */
  readonly refused: Readonly<Record<string, number>>
  /** Processes that have told how they are. */
  readonly processes: ReadonlyArray<ProcessPoint>
  /** What happened to workers, in the order in which it did. */
  readonly marks: ReadonlyArray<HistoryMark>
}

export interface ProcessPoint {
  /** 0 without workers. */
  readonly worker: number
  /** Milliseconds. */
  readonly lag: number
  /** Bytes. */
  readonly memory: number
  readonly connections: number
}

export interface HistoryMark {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly what: "worker started" | "worker ended" | "reload" | "reloaded" | "hot restart" | "stopping"
  readonly worker?: number
  /** Why, where there is something to say. */
  readonly reason?: string
}
