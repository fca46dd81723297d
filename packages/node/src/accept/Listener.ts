/**
 * What listens, and what it does with the clients that come: the two sides of the seam between a server and its
 * listeners. Sockets of TCP and Unix, with TLS or without, are behind it; QUIC, or a test that needs no network, can be.
 */
import type { Address } from "@pagi/core/contract/Address"
import type { Limit, ObservedConnection } from "@pagi/core/observe/Observer"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Transport } from "@pagi/core/transport/Transport"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { ListenError } from "./ListenError.ts"

/** A place where clients can connect, as the server sees it. */
export interface Listener {
  /** `[host, port]`, or `[path, null]` for a Unix socket and whatever else has no port. */
  readonly address: Address
  /** Where clients reach it, for instance `http://127.0.0.1:5000/` or `unix:/run/app.sock`. */
  readonly url: string
  /** What is to be warned of when the server announces where it listens. */
  readonly remark?: string | undefined
  /**
   * Takes no new clients any more; connections stay. The server calls it when it stops, before it drains its
   * connections, and may call it again. It cannot fail.
   */
  readonly stopAccepting: Effect.Effect<void>
}

/**
 * Begins to listen. The server calls it once, when it is ready for clients: the first may be given to the acceptor
 * before this has succeeded. What has begun must end with the scope at the latest. When it fails, the server does not
 * start: a `ListenError` of the endpoint that it stands for, with the code of the reason, says why.
 */
export type Listen = (acceptor: Acceptor) => Effect.Effect<Listener, ListenError, EffectScope.Scope>

/**
 * What a server does with the clients of its listeners. For each of them a listener calls `admit`, and then either
 * `serve`, once there is a transport that nobody has opened yet, or `refuse`. Where it takes time until there is a
 * transport, as for a handshake, `admit` comes before that, and `refuseLater` takes the place of `refuse`. These are
 * plain calls, which do not throw.
 */
export interface Acceptor {
  /**
   * What the parts of a server share; not stable, as the modules `@pagi/core/server/*` may change in any version. A listener
   * with handshakes needs the `registry`: the handshake of an admitted client is added to it, so that it counts as a
   * connection and ends when the server drains, and `handOver` makes of it the connection that `serve` opens.
   */
  readonly server: ServerContext
  /** The protocols that a listener with handshakes offers to its clients by ALPN, in the order of preference. */
  readonly alpn: ReadonlyArray<string>
  /**
   * Whether there is room for another connection, which then must be served or added to the registry in the same turn. One
   * that only lingers may be closed for it.
   */
  admit(): boolean
  /**
   * Opens a connection. `alpn` is the protocol that was agreed on; without it, clients of TLS get the fallback of the
   * server's table, and of others the first bytes tell, as of those whose TLS has ended in front (`isDecrypted`).
   */
  serve(transport: Transport, alpn?: string): void
  /**
   * Answers that the server is at capacity, and closes the connection when the client has had time to read that. When
   * more clients are being turned away than there is room for, the one that came first has no more time.
   */
  refuse(transport: Transport, alpn?: string, shortage?: Shortage): void
  /**
   * The same for a client to which nothing can be said yet. What has to be done before that must cost nobody else
   * much: when there is no room there is no answer, and the listener has to close the connection.
   */
  refuseLater(carrier: Carrier, shortage?: Shortage): Refusal | undefined
}

/** Of what there is not enough for another client; of connections, `maxConnections`, unless a listener says otherwise. */
export interface Shortage {
  /** The limit that observers are told of. */
  readonly limit: Limit
  /** How many clients may be in the course of being turned away. */
  readonly room: number
}

/** What carries the bytes of a client before there is a transport; observers are told of its addresses. */
export interface Carrier extends ObservedConnection {
  /** Closes it. The server calls that when the client has had its time, or the server has none any more. */
  destroy(): void
}

/** A client that is being turned away. */
export interface Refusal {
  /** Answers, now that there is a transport. To be called once at most. */
  answer(transport: Transport, alpn: string | undefined): void
  /** Must be called when the carrier has closed, whether there was an answer or not. */
  readonly end: () => void
}

/**
 * What a server listens on beside the endpoints of its options, in this order; nothing by default. A program that embeds a
 * server provides it:
 *
 *     PagiServer.layer.pipe(Layer.provide(Layer.succeed(MoreListeners, [listen])))
 *
 * Workers are processes of their own and do not have it.
 */
export const MoreListeners = Context.Reference<ReadonlyArray<Listen>>("@pagi/node/MoreListeners", {
  defaultValue: () => []
})
