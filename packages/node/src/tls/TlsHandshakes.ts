import type { ObservedConnection, Observer } from "@pagi/core/observe/Observer"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import { createServer, type Server, type TLSSocket } from "node:tls"
import { AwaitedConnection } from "../accept/AwaitedConnection.ts"
import { TicketKeys, useKeys } from "./SessionTickets.ts"
import type { TicketKeyring } from "./TicketSecrets.ts"
import type { ServerTls, TlsCertificates } from "./TlsCertificates.ts"
import { TlsConnection, verificationErrorOf } from "./TlsConnection.ts"

/** Told when a connection is encrypted. It must add its own connection to the registry if there is to be one. */
type OnSecure = (socket: TLSSocket, tls: TlsConnection) => void

/** Both ends of a connection. */
export type Ends = Pick<ObservedConnection, "client" | "server">

/** Told of a socket whose handshake has failed, with the ends of its connection where they are other ones than its own. */
type TellFailure = (socket: TLSSocket, ends: Ends | undefined) => void

/**
 * Time limits are kept by the server's timer wheel. Node has no word for no limit and takes 0 for its own, but makes a
 * timer for what is above that only; one for each connection would cost more than the wheel's.
 */
const noTimeout = -1

/**
 * Turns accepted sockets, of whatever listener, into encrypted ones. The server of `node:tls` listens to nothing itself:
 * it is given connections, which its documentation allows for, and verifies clients. New certificates are a new one.
 */
export class TlsHandshakes {
  readonly #server: ServerContext
  readonly #certificates: TlsCertificates
  readonly #keyring: TicketKeyring
  readonly #tellFailure: TellFailure
  #current: CurrentServer | undefined = undefined

  /** `tellFailure` is called for each client that does not get through its handshake, before its socket is destroyed. */
  constructor(server: ServerContext, certificates: TlsCertificates, keyring: TicketKeyring, tellFailure: TellFailure) {
    this.#tellFailure = tellFailure
    this.#server = server
    this.#certificates = certificates
    this.#keyring = keyring
  }

  /**
   * Begins a handshake that counts as a connection: it has a time limit, which a drain makes shorter. `ends` are those of
   * the connection where they are other ones than the socket's.
   */
  accept(carrier: Socket, onSecure: OnSecure, ends?: Ends): void {
    const handshake = new Handshake(this.#server, carrier)
    const onTlsError = (): void => handshake.fail()
    this.begin(carrier, (socket, tls) => handshake.succeed(() => onSecure(socket, tls)), { ends, onTlsError })
  }

  /** Begins a handshake that somebody else watches over. */
  begin(carrier: Socket, onSecure: OnSecure, more: Omit<Outcome, "onSecure"> = {}): void {
    carrier.on("error", () => {}) // It ends the encrypted socket too, which tells of it.
    if (carrier.destroyed) return
    // Until it is encrypted, nobody but Node itself sees that a client has closed its side.
    carrier.allowHalfOpen = false
    const { server } = this.#getCurrent()
    const pending: PendingSocket = carrier
    pending[outcome] = { onSecure, ...more }
    server.emit("connection", carrier)
  }

  #getCurrent(): CurrentServer {
    const { current: tls } = this.#certificates
    if (this.#current?.tls === tls) return this.#current
    const server = createServer({ ...tls.options, handshakeTimeout: noTimeout })
    useKeys(server, tls.contexts, new TicketKeys(this.#keyring, tls.binding))
    server.on("tlsClientError", this.#onFailure)
    server.on("secureConnection", (socket) => {
      const carrier = carrierOf(socket)
      const onSecure = carrier?.[outcome]?.onSecure
      socket.allowHalfOpen = true
      tellDone(this.#server.observer, socket)
      if (carrier === undefined || onSecure === undefined) socket.destroy()
      else {
        carrier[outcome] = undefined
        onSecure(socket, new TlsConnection(socket, carrier, this.#certificates.asksClients, tls.certificateFor))
      }
    })
    return (this.#current = { tls, server })
  }

  /** Anybody can connect and send something else, so this is no more than a detail. */
  readonly #onFailure = (error: NodeJS.ErrnoException & { readonly reason?: string }, socket: TLSSocket): void => {
    const { observer } = this.#server
    // Of a client that has only left, the code is that of a reset.
    if (error.code === "ECONNRESET") observer?.tlsHandshakeEnded?.("abandoned", "")
    else {
      const pending = carrierOf(socket)?.[outcome]
      this.#tellFailure(socket, pending?.ends)
      observer?.tlsHandshakeEnded?.("failed", "")
      pending?.onTlsError?.()
    }
    socket.destroy()
    // Of a client that was refused for its certificate, the error says only that the connection has ended.
    const detail = verificationErrorOf(socket) ?? error.reason ?? error.message
    this.#server.runner.background(Effect.logDebug(`a TLS handshake failed: ${detail}`))
  }
}

/** What does the handshakes at the moment. */
interface CurrentServer {
  readonly tls: ServerTls
  readonly server: Server
}

const tellDone = (observer: Observer | undefined, socket: TLSSocket): void => {
  if (observer?.tlsHandshakeEnded === undefined) return
  const version = (socket.getProtocol() ?? "").replace("TLSv", "")
  observer.tlsHandshakeEnded(socket.isSessionReused() ? "resumed" : "full", version)
}

/** Who is told about a socket that is in the middle of its handshake. In a property: a `WeakMap` is work for each collection. */
const outcome = Symbol("outcome")

interface Outcome {
  readonly onSecure: OnSecure
  readonly onTlsError?: () => void
  /** Whose connection it is, where somebody else has opened it. */
  readonly ends?: Ends | undefined
}

interface PendingSocket extends Socket {
  [outcome]?: Outcome | undefined
}

/** Not public, but the only way from the encrypted socket of a server back to the one below it. */
const carrierOf = (socket: TLSSocket): PendingSocket | undefined =>
  (socket as { readonly _parent?: PendingSocket })._parent

/** A connection that is not encrypted yet. */
class Handshake extends AwaitedConnection {
  readonly #carrier: Socket

  constructor(server: ServerContext, carrier: Socket) {
    super(server, server.limits.headers)
    this.#carrier = carrier
    carrier.on("close", this.#onClose)
    server.registry.add(this)
  }

  /** The connection is encrypted, and goes on as the one that is added to the registry by `begin`. */
  succeed(begin: () => void): void {
    this.#carrier.off("close", this.#onClose)
    this.handOver(begin)
  }

  readonly #onClose = (): void => this.leave()

  /** What the client has sent is no handshake that the server accepts; its socket is about to be destroyed. */
  fail(): void {
    this.endReason = "tls_failed"
  }

  protected destroy(): void {
    this.#carrier.destroy()
  }
}
