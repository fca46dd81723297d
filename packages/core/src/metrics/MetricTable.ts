/**
 * Every metric of the server: its name and unit in OpenTelemetry's manner, what it says, and by which labels it is told
 * apart. What counts, `/metrics`, OTLP and docs/observability.md are all read off this table.
 */

/** One metric. */
export interface MetricRow {
  /** As OpenTelemetry names it. */
  readonly name: string
  /** As Prometheus has always named it; unless given, `prometheusName` makes it of the name, the unit and the type. */
  readonly prometheus?: string
  readonly type: "Counter" | "Gauge" | "Histogram"
  /** In UCUM, which OpenTelemetry asks for: `s`, `By`, `1`, or what is counted, in braces. */
  readonly unit: string
  readonly description: string
  /** What the labels are, by their names. Values come from sets that do not grow with what clients send. */
  readonly labels: Readonly<Record<string, string>>
  /** Upper bounds of a histogram's buckets. */
  readonly boundaries?: ReadonlyArray<number>
  /** Whether each process of a server with workers has a value of its own, told apart by the label `worker`. */
  readonly isPerProcess?: boolean
}

/** A row, which keeps its literals. */
export const define = <const Row extends MetricRow>(row: Row): Row => row

/** Seconds, as OpenTelemetry recommends them for requests, which begins with 5 ms, and below: most requests take less. */
const requestSeconds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10
]

/** Seconds, for what is over in no time unless something is wrong. */
const shortSeconds = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** Seconds, for what lasts. */
const sessionSeconds = [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400]

const protocol =
  "`http/1.1`, for 1.0 too; `h2`; `websocket` for one that was accepted; `unknown` for one that has not said anything"
const version = "`1.0`, `1.1`, `2`; empty without a valid head"
const method = "GET, HEAD, POST, PUT, PATCH, DELETE, CONNECT, OPTIONS, TRACE, QUERY; all others are `_OTHER`"

export const table = {
  requestDuration: define({
    name: "http.server.request.duration",
    type: "Histogram",
    unit: "s",
    description:
      "Time from the head of a request to the end of its response; event streams and WebSockets are not in it",
    labels: {
      "http.request.method": method,
      "http.response.status_code": "as sent; 499 when the client has left before one was",
      "network.protocol.version": version,
      "url.scheme": "`http` or `https`"
    },
    boundaries: requestSeconds
  }),
  requests: define({
    name: "pagi.server.requests",
    type: "Counter",
    unit: "{request}",
    description: "Requests that have been answered, event streams and WebSockets among them",
    labels: {
      "http.request.method": method,
      "network.protocol.version": version,
      status_class: "`1xx` to `5xx`",
      kind: "`sse` of an event stream, `websocket` of a session that was accepted, else `http`"
    }
  }),
  activeRequests: define({
    name: "http.server.active_requests",
    type: "Gauge",
    unit: "{request}",
    description: "Requests that have begun and not ended, event streams and WebSockets among them",
    labels: {},
    isPerProcess: true
  }),
  firstByte: define({
    name: "pagi.server.first_byte.duration",
    type: "Histogram",
    unit: "s",
    description: "Time from the head of a request until the head of its response was sent",
    labels: { "network.protocol.version": version },
    boundaries: requestSeconds
  }),
  queueTime: define({
    name: "pagi.server.queue.duration",
    type: "Histogram",
    unit: "s",
    description:
      "Time for which a request had waited for those before it on its connection, before the application was started",
    labels: { "network.protocol.version": version },
    boundaries: shortSeconds
  }),
  waitingRequests: define({
    name: "pagi.server.requests.waiting",
    type: "Gauge",
    unit: "{request}",
    description: "Requests that wait until others have ended (maxConcurrentRequests)",
    labels: {},
    isPerProcess: true
  }),
  waitTime: define({
    name: "pagi.server.wait.duration",
    type: "Histogram",
    unit: "s",
    description: "How long requests have waited until others had ended; those that need not wait are not in it",
    labels: {},
    boundaries: shortSeconds
  }),
  sessionDuration: define({
    name: "pagi.server.session.duration",
    type: "Histogram",
    unit: "s",
    description: "How long event streams and WebSockets have lasted",
    labels: { kind: "`sse` or `websocket`" },
    boundaries: sessionSeconds
  }),
  connections: define({
    name: "pagi.server.connections",
    type: "Gauge",
    unit: "{connection}",
    description: "Open connections, and those whose applications have not ended yet",
    labels: { "network.protocol.name": protocol },
    isPerProcess: true
  }),
  connectionLimit: define({
    name: "pagi.server.connections.limit",
    type: "Gauge",
    unit: "{connection}",
    description:
      "How many connections there may be at the same time: the option maxConnections, of all servers of the process",
    labels: {},
    isPerProcess: true
  }),
  connectionsOpened: define({
    name: "pagi.server.connections.opened",
    type: "Counter",
    unit: "{connection}",
    description: "Connections that were accepted",
    labels: {}
  }),
  connectionsClosed: define({
    name: "pagi.server.connections.closed",
    type: "Counter",
    unit: "{connection}",
    description: "Connections that have ended",
    labels: {
      "network.protocol.name": protocol,
      reason:
        "`client_closed`, `connection_lost`, `complete`, `idle_timeout`, `limit`, `protocol_error`, `tls_failed`, `server_error`, `server_shutdown`"
    }
  }),
  bytes: define({
    name: "pagi.server.network.io",
    type: "Counter",
    unit: "By",
    description: "Bytes of connections, also of clients that were turned away; without what TLS adds",
    labels: { "network.io.direction": "`receive` or `transmit`" }
  }),
  suspendedSends: define({
    name: "pagi.server.sends.suspended",
    type: "Counter",
    unit: "{send}",
    description: "Sends that had to wait for a slow client",
    labels: {}
  }),
  limits: define({
    name: "pagi.server.limits.hit",
    type: "Counter",
    unit: "{hit}",
    description: "Times that a client has reached a limit, time limits among them",
    labels: { limit: "the option that sets it, or `openFiles`" }
  }),
  protocolErrors: define({
    name: "pagi.server.protocol.errors",
    type: "Counter",
    unit: "{error}",
    description: "Broken rules of a protocol",
    labels: { reason: "the rule" }
  }),
  resets: define({
    name: "pagi.server.stream.resets",
    type: "Counter",
    unit: "{reset}",
    description: "HTTP/2 streams that were reset, also by the server when it needs no more of a request",
    labels: { by: "`client` or `server`" }
  }),
  handshakes: define({
    name: "pagi.server.tls.handshakes",
    type: "Counter",
    unit: "{handshake}",
    description: "TLS handshakes that have ended",
    labels: {
      "tls.protocol.version": "`1.2`, `1.3`; empty for one that was not done",
      outcome: "`full`, `resumed`, `failed`, or `abandoned` by a client that has left or took too long"
    }
  }),
  messages: define({
    name: "pagi.server.websocket.messages",
    type: "Counter",
    unit: "{message}",
    description: "Messages of WebSockets",
    labels: { "network.io.direction": "`receive` or `transmit`" }
  }),
  workers: define({
    name: "pagi.server.workers",
    type: "Gauge",
    unit: "{worker}",
    description: "Workers of a server that has them",
    labels: { phase: "`booting`, `serving`, `surplus` (there is no place for it any more) or `leaving`" }
  }),
  workersWanted: define({
    name: "pagi.server.workers.wanted",
    type: "Gauge",
    unit: "{worker}",
    description: "How many workers there are to be",
    labels: {}
  }),
  workersMinimum: define({
    name: "pagi.server.workers.minimum",
    type: "Gauge",
    unit: "{worker}",
    description:
      "How many workers there are to be at least; the same as `pagi.server.workers.wanted` for a fixed number",
    labels: {}
  }),
  workersMaximum: define({
    name: "pagi.server.workers.maximum",
    type: "Gauge",
    unit: "{worker}",
    description:
      "How many workers there are to be at most; the same as `pagi.server.workers.wanted` for a fixed number",
    labels: {}
  }),
  workerChanges: define({
    name: "pagi.server.worker.changes",
    type: "Counter",
    unit: "{worker}",
    description: "Workers by which there were to be more or fewer than before",
    labels: {
      reason:
        "`scaled_up` (workers were busy), `scaled_down` (one was not needed), `added` or `removed` (somebody asked for it)"
    }
  }),
  workerRestarts: define({
    name: "pagi.server.worker.restarts",
    type: "Counter",
    unit: "{restart}",
    description: "Workers that have ended or were replaced, with another one in their place",
    labels: {
      reason:
        "`reload`, `max_requests`, `memory`, `loop_delay`, `silent`, `boot_timeout`, `signal` (it was told to stop), `killed` (by a signal) or `failed`"
    }
  })
} as const satisfies Readonly<Record<string, MetricRow>>

/** Units as Prometheus writes them at the end of a name. */
const suffixes: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes", "1": "_ratio" }

/** The unit of a metric in Prometheus' words, as it is at the end of a name; empty without one. */
export const prometheusUnit = (unit: string): string => (suffixes[unit] ?? "").slice(1)

/** `http_server_request_duration_seconds` of `http.server.request.duration`, unless Prometheus has a name of its own. */
export const prometheusName = ({ name, prometheus, type, unit }: MetricRow): string => {
  if (prometheus !== undefined) return prometheus
  const base = `${name.replaceAll(".", "_")}${suffixes[unit] ?? ""}`
  return type === "Counter" ? `${base}_total` : base
}
