import type { ListenerFibers } from "@pagi/core/server/ConnectionFibers"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { WebSocketUpgrade } from "@pagi/core/exchange/WebSocketUpgrade"
import type { Values } from "@pagi/core/options/ServerOptions"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"

/**
 * A protocol that a server can speak: one row of the table `Protocols`. A row is a value without a state; what belongs
 * to a server is made by `prepare`.
 */
export interface Protocol {
  /** Its name in ALPN (RFC 7301), by which clients choose it in a handshake. Each row has another one. */
  readonly alpn: string
  /**
   * Whether listeners that carry bytes in order offer it in their handshakes, as those of sockets do with TLS; true unless
   * given. One that needs more of a transport, as HTTP/3 does, is offered only by the listeners that have it.
   */
  readonly isOffered?: boolean
  /** Whether a server with these options speaks it; without this function every server does. */
  readonly isOn?: (options: Values) => boolean
  /**
   * Whether a client that has begun with these bytes speaks it, or nothing while that cannot be told. Asked for clients
   * without TLS, again with all bytes from the first on whenever some have come: these are kept until then, so a few dozen
   * should do. It must not change them, and must not throw. Without this function the protocol can only be chosen by ALPN.
   */
  readonly recognises?: (bytes: Uint8Array) => boolean | undefined
  /** Makes what a server needs to speak it. Called once for each server that does, before that listens. */
  readonly prepare: (parts: ProtocolParts) => PreparedProtocol
}

/**
 * What a server has for all of its protocols. These types are not stable: the modules `@pagi/core/server/*` and
 * `@pagi/core/exchange/*` may change in any version.
 */
export interface ProtocolParts {
  /** What connections share: the `registry`, which each driver needs, the options, time limits, who runs the application. */
  readonly server: ServerContext
  /** The fibers of connections, for drivers that run applications. */
  readonly fibers: ListenerFibers
  /** For protocols over which WebSockets are opened. */
  readonly webSocket: WebSocketUpgrade
}

/** A protocol as one server speaks it. These are plain calls, once for each connection, and must not throw. */
export interface PreparedProtocol {
  /**
   * Makes the driver of a new connection and answers it. The driver must, in this call, add itself to the server's
   * registry, from which it removes itself when the connection has closed and nothing of it runs any more, and give
   * itself to `transport.open`. What the client has sent before is told to the driver right afterwards, by `onData`.
   */
  open(transport: Transport): TransportHandler
  /**
   * Writes to a client that the server is at capacity, and tells observers of an exchange that ended so. The client may
   * not have sent anything yet. The caller has opened the transport, ends it afterwards, and discards what comes.
   */
  refuse(transport: Transport): void
}
