/** What an application is told about the connection or exchange that it is run for. */
import type { Effect } from "effect/Effect"
import type { ByteString } from "../bytes/ByteString.ts"
import type { ConnectionState } from "./ConnectionState.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { Address } from "./Address.ts"
import type { TransportState } from "./TransportState.ts"

/** The version of the contract. */
export interface PagiVersion {
  readonly version: "0.3"
  readonly specVersion: "0.3"
}

/** The version that this server has. */
export const pagiVersion: PagiVersion = { version: "0.3", specVersion: "0.3" }

/** The version of HTTP that a request came by. */
export type HttpVersion = "1.0" | "1.1" | "2"

/** What the lifespan handler put there; each exchange has a shallow copy of its own. */
export type State = Record<string, unknown>

/** Extensions by name, with whatever the extension says about itself. */
export type Extensions = Readonly<Record<string, unknown>>

interface RequestScope {
  readonly pagi: PagiVersion
  readonly httpVersion: HttpVersion
  /** Percent-decoded, then UTF-8 decoded; bytes that are not valid UTF-8 stay as the decoded latin1 bytes. */
  readonly path: string
  /** As received, without the query. */
  readonly rawPath: ByteString
  /** Without "?", still encoded. */
  readonly queryString: ByteString
  /**
   * The prefix below which the application is mounted: by a proxy that takes it off the path (option `rootPath`,
   * `x-forwarded-prefix`), or in a router (`PagiApp.toHttpEffect`). Decoded as `path` is, which comes behind it; empty
   * otherwise.
   */
  readonly rootPath: string
  /** Lower-case names in arrival order, duplicates kept, one combined `cookie`. */
  readonly headers: HeaderBlock
  /** The id of the exchange, which the field `x-request-id` of `headers` has too; absent unless the server gives ids. */
  readonly requestId?: string
  /** The peer, or whom a trusted proxy names as its client, whose port may be 0 then; absent on Unix sockets. */
  readonly client?: Address
  /** Where the client has connected to. */
  readonly server?: Address
  /** A copy, for this exchange alone, of what the lifespan handler put there. */
  readonly state: State
  /** What may be used beyond the contract: `fullflush` by default, over TLS also `tls` (`TlsExtension`). */
  readonly extensions: Extensions
  /** How far the peer lags behind. */
  readonly transport: TransportState
  /** Completes when the server begins to drain, so that long exchanges can end by themselves. */
  readonly shuttingDown: Effect<void>
  /** Whether the server wants new work, for the health checks of a load balancer. */
  readonly readiness: Readiness
}

/** Turns false when the server is told to stop: before `drainDelay`, and so before `shuttingDown`. */
export interface Readiness {
  readonly isReady: boolean
}

/** What an application is told of a request. */
export interface HttpScope extends RequestScope {
  readonly type: "http"
  readonly scheme: "http" | "https"
  /** As received; methods are case-sensitive. */
  readonly method: string
  /** Whether the peer is still there, and how far the response has come. */
  readonly connection: ConnectionState
}

/** What an application is told of a request whose Accept field lists `text/event-stream`. */
export interface SseScope extends RequestScope {
  readonly type: "sse"
  readonly scheme: "http" | "https"
  readonly method: string
}

/**
 * What an application is told of a WebSocket handshake (RFC 6455, over HTTP/2 RFC 8441), which has been checked by
 * then.
 */
export interface WebSocketScope extends RequestScope {
  readonly type: "websocket"
  readonly scheme: "ws" | "wss"
  /** What the client offers, in its order. */
  readonly subprotocols: ReadonlyArray<string>
}

/** What an application is told when it is run for the start and the stop of the server. */
export interface LifespanScope {
  readonly type: "lifespan"
  readonly pagi: PagiVersion & {
    /** Whether the process is a worker, below a supervisor. */
    readonly isWorker: boolean
    /** 1 to N under a supervisor. */
    readonly workerNum?: number
  }
  /** One object for the process: what is put there is seen by every later exchange. */
  readonly state: State
}

/** What an application is run with; `type` tells which of the four it is. */
export type Scope = HttpScope | SseScope | WebSocketScope | LifespanScope
