import { ConnectionScopes } from "@pagi/core/server/ConnectionScope"
import { Deadline } from "@pagi/core/server/Deadlines"
import { Linger } from "@pagi/core/server/Linger"
import type { Limit, ObservedConnection } from "@pagi/core/observe/Observer"
import { errorContent } from "@pagi/core/http/ResponseContent"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Address } from "@pagi/core/contract/Address"
import { errorResponse } from "@pagi/http1/protocol/ErrorResponse"
import { refusal } from "@pagi/http2/protocol/head/Refusal"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Socket } from "node:net"
import type { DescriptorLimit } from "./DescriptorLimit.ts"
import type { OnConnection } from "../listen/SocketListener.ts"
import type { AcceptedSocket } from "../listen/SharedRead.ts"
import { clientOf, NetTransport } from "./NetTransport.ts"
import type { TicketKeyring } from "../tls/TicketSecrets.ts"
import type { TlsCertificates } from "../tls/TlsCertificates.ts"
import { Protocols } from "./Protocols.ts"
import { TlsHandshakes } from "../tls/TlsHandshakes.ts"
import { TurnQueue } from "./TurnQueue.ts"

/** Seconds after which a client that was turned away may try again, for Retry-After (RFC 9110 §10.2.3). */
const retryAfter = "1"

const message = "the server is at capacity"

/** Makes a connection of each accepted socket, in a scope below the current one; beyond the limits it answers 503. */
export const makeAcceptor = (
  server: ServerContext,
  descriptors: DescriptorLimit,
  certificates: TlsCertificates | undefined,
  keyring: TicketKeyring
): Effect.Effect<OnConnection, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const turns = new TurnQueue(server.runner.background)
    const tellFailure = (socket: Socket): void =>
      server.observer?.protocolError?.("tls-handshake", { client: clientOf(socket), server: undefined })
    const handshakes = certificates && new TlsHandshakes(server, certificates, keyring, tellFailure)
    const rejections = new Rejections(server, handshakes)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        server.registry.abort("server_shutdown")
        rejections.destroy()
      })
    )
    const protocols = new Protocols(server, yield* ConnectionScopes.make(server.runner))
    const transport = (accepted: AcceptedSocket, address: Address | undefined) =>
      new NetTransport(accepted, address, turns)
    return (accepted, address) => {
      const { maxConnections } = server.options
      // Those that are turned away must leave some of the last descriptors to others.
      if (descriptors.isReached(accepted.descriptor, server.registry))
        rejections.add(accepted, address, descriptors.reserve / 2, "openFiles")
      else if (!server.registry.makeRoom(maxConnections))
        rejections.add(accepted, address, maxConnections, "maxConnections")
      else if (handshakes === undefined) protocols.detect(transport(accepted, address))
      else {
        handshakes.accept(accepted.socket, (socket, tls) => {
          protocols.open(transport({ socket, slot: undefined, tls }, address), socket.alpnProtocol === "h2")
        })
      }
    }
  })

/**
 * The clients that were turned away. Their requests are read and discarded for a while, since a reset for unread bytes
 * could destroy the answer on its way (RFC 9112 §9.6).
 */
class Rejections {
  readonly #server: ServerContext
  readonly #handshakes: TlsHandshakes | undefined
  readonly #sockets = new Set<Socket>()

  constructor(server: ServerContext, handshakes: TlsHandshakes | undefined) {
    this.#server = server
    this.#handshakes = handshakes
  }

  /** Answers. No more than `room` clients have time to read that, those that came last; TLS takes too much for the rest. */
  add(accepted: AcceptedSocket, server: Address | undefined, room: number, limit: Limit): void {
    const { socket } = accepted
    const connection = { client: clientOf(socket), server }
    this.#server.observer?.limitHit?.(limit, connection)
    socket.on("error", () => {}) // Whatever it is, there is nobody to tell.
    if (this.#handshakes === undefined) {
      this.#makeRoom(room)
      const discard = this.#linger(socket)
      if (accepted.slot === undefined) socket.on("data", discard)
      else
        accepted.slot.reader = {
          isDiscarding: true,
          onRead: discard,
          onEnd: () => {},
          onError: () => {},
          onClosed: () => {}
        }
      socket.resume()
      socket.end(this.#answer(connection), "latin1")
    } else if (this.#sockets.size < room) {
      const discard = this.#linger(socket)
      this.#handshakes.begin(socket, (secure) => {
        secure.on("error", () => {}).on("data", discard)
        secure.end(secure.alpnProtocol === "h2" ? this.#goAway(connection) : this.#answer(connection), "latin1")
      })
    } else socket.destroy() // A handshake costs more than anybody may have who is turned away.
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #makeRoom(room: number): void {
    const [oldest] = this.#sockets
    if (oldest === undefined || this.#sockets.size < room) return
    this.#sockets.delete(oldest)
    oldest.destroy()
  }

  /** Answers what to do with the bytes that still come. */
  #linger(socket: Socket): (bytes: Uint8Array) => void {
    const { deadlines, options } = this.#server
    const deadline = new Deadline(deadlines, { onDeadline: () => socket.destroy() })
    const linger = new Linger(deadlines, deadline, options.maxBodySize)
    this.#sockets.add(socket)
    socket.on("close", () => {
      deadline.release()
      this.#sockets.delete(socket)
    })
    return ({ length }) => {
      if (!linger.receive(length)) socket.destroy()
    }
  }

  /** What HTTP/2 has for it; there is no request yet that could be answered. */
  #goAway(connection: ObservedConnection): Uint8Array {
    this.#server.exchanges?.begin(connection, undefined).answered(503, 0, "at_capacity")
    return refusal(message)
  }

  #answer(connection: ObservedConnection): string {
    const { date, exchanges } = this.#server
    exchanges?.begin(connection, undefined).answered(503, errorContent(message).length, "at_capacity")
    return errorResponse(503, message, date.value, {
      headers: [["retry-after", retryAfter]]
    })
  }
}
