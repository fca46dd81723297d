/**
 * The options of each group, one row for each: what it is for, its default and what is allowed. Programs, command-line
 * flags, environment variables and the documentation are all read off them.
 */
import * as Duration from "effect/Duration"
import * as Combinations from "./Combinations.ts"
import * as Endpoint from "./Endpoint.ts"
import * as ForwardedFields from "./ForwardedFields.ts"
import * as Network from "./Network.ts"
import {
  bytes,
  choice,
  collector,
  count,
  integer,
  list,
  logFormat,
  optional,
  permissions,
  processes,
  requestPath,
  prefix,
  seconds,
  text,
  toggle,
  token
} from "./OptionKind.ts"
import { atStart, define } from "./OptionTable.ts"
import { http2, requests, responses, streaming } from "./RequestRows.ts"

/* The rows of each group. Sizes are in bytes; a limit or duration of 0 means none. */

const configuration = {
  mode: atStart(
    define(
      choice("development", "production"),
      "production",
      "What the server is run for; the command takes development in a terminal (docs/configuration.md)",
      "E"
    )
  )
}

const listening = {
  host: atStart(define(Endpoint.hostKind, "127.0.0.1", "Address or name to listen on", "o")),
  port: atStart(define(Endpoint.portKind, 5000, "Port to listen on; 0 picks a free one", "p")),
  socket: atStart(define(optional(Endpoint.pathKind), undefined, "Unix socket to listen on, instead of host and port")),
  socketMode: atStart(
    define(optional(permissions), undefined, "Permissions of Unix sockets, instead of what the umask leaves")
  ),
  listen: atStart(
    define(
      optional(list(Endpoint.kind, 1)),
      undefined,
      "Everything to listen on, instead of host, port and socket; proxy+ before one is for the PROXY protocol"
    )
  ),
  proxyProtocol: define(
    toggle,
    false,
    "Has every connection begin with a header of the PROXY protocol, which says who the client is (docs/proxy-protocol.md)"
  ),
  listenerBacklog: atStart(
    define(count(1, 2 ** 31 - 1), 2048, "Connections that the system queues before they are accepted", "b")
  )
}

const tls = {
  redirectHttps: atStart(
    define(
      optional(list(Endpoint.redirectKind, 1)),
      undefined,
      "Where to listen besides for plain HTTP, whose requests are redirected to https (docs/tls.md)"
    )
  ),
  redirectPort: define(count(0, 65535), 0, "Port of https for these redirects; 0 for that of the first listener"),
  redirectExcept: define(
    list(requestPath),
    [],
    "Paths, with all below them, that the application answers there too, such as /.well-known/acme-challenge"
  ),
  disableTls: atStart(define(toggle, false, "Speaks no TLS, whatever else is set about it"))
}

const pressure = {
  maxConnections: define(count(1), 1000, "Connections at the same time; further ones are answered with 503"),
  maxConcurrentRequests: define(
    count(0),
    0,
    "Requests that the application handles at the same time, in each process; further ones wait (docs/overload.md)"
  ),
  maxQueuedRequests: define(
    count(0),
    Combinations.defaultQueuedRequests,
    "Requests that may wait because of maxConcurrentRequests; for one more, one is answered with 503"
  ),
  maxQueueTime: define(
    seconds,
    Duration.zero,
    "How long a request may wait, for others or for the busy process to read it, before it is answered with 503"
  ),
  healthPaths: define(
    list(requestPath),
    [],
    "Paths whose requests never wait and are not refused because of others, such as /health"
  )
}

const development = {
  reload: atStart(define(toggle, false, "Replaces the workers when files of the application change (docs/reload.md)")),
  reloadInclude: atStart(define(optional(list(text("PATH|GLOB"), 1)), undefined, "Further files whose changes reload")),
  reloadBrowser: define(
    toggle,
    false,
    "Has pages reload themselves in the browser when there is other code than theirs (docs/development.md)"
  )
}

const processing = {
  workers: atStart(
    define(
      processes(0),
      0,
      "Processes that serve, below one that looks after them; 0 serves without, auto is one for each processor that it may use",
      "w"
    )
  ),
  reuseport: atStart(
    define(toggle, false, "Lets each worker open TCP sockets of its own, among which the system distributes")
  ),
  maxRequests: define(count(0), 0, "Requests after which a worker is replaced"),
  maxRequestsJitter: define(count(0), 0, "Largest number of requests that a worker adds to it, at random"),
  maxWorkerMemory: atStart(
    define(bytes(0), 0, "Memory of a worker's process (RSS) above which it is replaced, if it stays there")
  ),
  maxLoopDelay: atStart(
    define(seconds, Duration.zero, "How late a worker's event loop may be before it is replaced, if that goes on")
  ),
  minWorkers: atStart(
    define(
      integer(0, 1024, "N"),
      0,
      "Fewest workers, to which those that are not needed leave; 0 for as many as workers says"
    )
  ),
  maxWorkers: atStart(
    define(
      processes(0),
      0,
      "Most workers, of which more are started while those that there are have too much to do; 0 for as many as workers says"
    )
  ),
  heartbeatTimeout: atStart(
    define(seconds, Duration.seconds(50), "How long a worker may give no sign of life before it is replaced")
  ),
  bootTimeout: atStart(
    define(
      seconds,
      Duration.seconds(60),
      "How long the command may take to load the application; with workers, how long one may take until it serves"
    )
  )
}

const logs = {
  accessLog: define(
    text("FILE|stdout|stderr|log|off"),
    "stderr",
    "Where finished requests are logged: a file, stdout, stderr, log for messages like all others, or off"
  ),
  accessLogFormat: define(logFormat, "clf", "What the access log says of a request (docs/access-log.md)"),
  logFormat: define(
    optional(choice("plain", "pretty", "logfmt", "json")),
    undefined,
    "How the command writes messages; by default pretty in a terminal, and otherwise plain (docs/logging.md)"
  ),
  logLevel: define(choice("debug", "info", "warn", "error"), "info", "Least severe message that the server logs"),
  quiet: define(toggle, false, "Logs warnings and errors only, and no access log unless one is named", "q"),
  requestId: define(
    choice("off", "make", "trust"),
    "off",
    "Gives each exchange an id: one that the server makes, or that of x-request-id from trustedProxies (docs/logging.md)"
  ),
  sendRequestId: define(toggle, false, "Tells clients the id, in the field x-request-id of responses")
}

const proxies = {
  trustedProxies: define(
    optional(Network.peersKind),
    undefined,
    "Proxies that are believed what they say about their clients, and who alone may use the PROXY protocol (docs/proxies.md)"
  ),
  trustedFields: define(
    ForwardedFields.kind,
    ForwardedFields.all,
    "Which fields of theirs count: X-Forwarded- and one of the first five, or Forwarded (RFC 7239)"
  ),
  rootPath: define(
    prefix,
    "",
    "Prefix that the proxy in front takes off the path; it is the rootPath of scopes (docs/proxies.md)"
  )
}

const observing = {
  admin: atStart(
    define(
      optional(Endpoint.adminKind),
      undefined,
      "Where to answer what an administrator and his programs ask: health, metrics, status and the dashboard"
    )
  ),
  adminToken: atStart(
    define(
      optional(token),
      undefined,
      "What allows commands over TCP there; better by its variable than by the flag, which others can see"
    )
  ),
  otlp: atStart(
    define(
      collector,
      "off",
      "Where the command exports traces, metrics and logs to by OTLP; on leaves that to OTEL_EXPORTER_OTLP_ENDPOINT (docs/otlp.md)"
    )
  )
}

const stopping = {
  lifespan: define(
    choice("auto", "on", "off"),
    "auto",
    "Whether the application must (on), may (auto) or does not (off) handle lifespan events"
  ),
  lifespanStartupTimeout: define(seconds, Duration.seconds(30), "How long the application may take to start"),
  disconnectGrace: define(
    seconds,
    Duration.seconds(5),
    "How long an application may run on after its peer has left; so long its connection still counts"
  ),
  drainDelay: atStart(
    define(
      seconds,
      Duration.zero,
      "How long the server goes on accepting after it was told to stop, while it reports not to be ready"
    )
  ),
  shutdownTimeout: atStart(
    define(
      seconds,
      Duration.seconds(30),
      "How long requests, and then the application, may take to finish when the server stops"
    )
  )
}

/** The groups of options, as `--help` and the documentation have them. */
export const groups = {
  listening: { title: "Where to listen", about: "addresses, ports, Unix sockets", rows: listening },
  tls: { title: "TLS", about: "certificates, versions, client certificates", rows: tls },
  configuration: {
    title: "Configuration",
    about: "development or production, and where options come from",
    rows: configuration
  },
  development: { title: "Development", about: "loading the application anew when files change", rows: development },
  processes: { title: "Processes", about: "workers, how they are replaced, and the process itself", rows: processing },
  stopping: { title: "Start and stop", about: "lifespan, draining, how long a stop may take", rows: stopping },
  proxies: { title: "Behind proxies", about: "who is believed what he says about clients", rows: proxies },
  pressure: { title: "Under pressure", about: "connections and requests at once, and those that wait", rows: pressure },
  requests: {
    title: "Sizes and times of requests",
    about: "limits of headers and bodies, time limits of connections",
    rows: requests
  },
  responses: { title: "Files and responses", about: "how files and other content are sent", rows: responses },
  streaming: { title: "WebSocket and event streams", about: "frames, messages, silence", rows: streaming },
  http2: { title: "HTTP/2", about: "streams, windows, frames", rows: http2 },
  logs: { title: "Logs", about: "the access log, messages, ids of requests", rows: logs },
  observing: { title: "Administration and telemetry", about: "health, metrics, the dashboard, OTLP", rows: observing }
} as const

/** The name of a group of options, as `--help GROUP` takes it. */
export type GroupName = keyof typeof groups

/** Every option with a flag and an environment variable, of all groups. */
export const table = {
  ...listening,
  ...tls,
  ...configuration,
  ...development,
  ...processing,
  ...stopping,
  ...proxies,
  ...pressure,
  ...requests,
  ...responses,
  ...streaming,
  ...http2,
  ...logs,
  ...observing
}
