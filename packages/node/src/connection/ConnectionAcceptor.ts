import { ConnectionScopes } from "@pagi/core/server/ConnectionScope"
import { errorContent } from "@pagi/core/http/ResponseContent"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import { errorResponse } from "@pagi/http1/protocol/ErrorResponse"
import { refusal as goAway } from "@pagi/http2/protocol/head/Refusal"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Socket } from "node:net"
import type { DescriptorLimit } from "./DescriptorLimit.ts"
import type { OnConnection } from "../listen/SocketListener.ts"
import { clientOf, NetTransport } from "./NetTransport.ts"
import { type Answer, Refusals } from "./Refusals.ts"
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
    const { options, registry } = server
    const { maxConnections } = options
    const turns = new TurnQueue(server.runner.background)
    const tellFailure = (socket: Socket): void =>
      server.observer?.protocolError?.("tls-handshake", { client: clientOf(socket), server: undefined })
    const handshakes = certificates && new TlsHandshakes(server, certificates, keyring, tellFailure)
    const refusals = new Refusals(server, answerOf(server))
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        registry.abort("server_shutdown")
        refusals.destroy()
      })
    )
    const protocols = new Protocols(server, yield* ConnectionScopes.make(server.runner))
    return (accepted, address) => {
      const { socket } = accepted
      const isShort = descriptors.isReached(accepted.descriptor, registry)
      const isAdmitted = !isShort && registry.makeRoom(maxConnections)
      // Those that are turned away must leave some of the last descriptors to others.
      const room = isShort ? descriptors.reserve / 2 : maxConnections
      if (!isAdmitted) {
        const connection = { client: clientOf(socket), server: address }
        server.observer?.limitHit?.(isShort ? "openFiles" : "maxConnections", connection)
      }
      if (handshakes === undefined) {
        const transport = new NetTransport(accepted, address, turns)
        if (isAdmitted) protocols.detect(transport)
        else refusals.add(transport, undefined, room)
        return
      }
      if (isAdmitted) {
        handshakes.accept(socket, (secure, tls) => {
          const transport = new NetTransport({ socket: secure, slot: undefined, tls }, address, turns)
          protocols.open(transport, secure.alpnProtocol === "h2")
        })
        return
      }
      const refusal = refusals.reserve(socket, room)
      if (refusal === undefined) {
        socket.destroy()
        return
      }
      socket.on("close", refusal.end)
      handshakes.begin(socket, (secure, tls) => {
        const transport = new NetTransport({ socket: secure, slot: undefined, tls }, address, turns)
        refusal.answer(transport, secure.alpnProtocol || undefined)
      })
    }
  })

/** What each protocol has for it; there is no request yet that could be answered. */
const answerOf =
  ({ date, exchanges }: ServerContext): Answer =>
  (transport, alpn) => {
    const isHttp2 = alpn === "h2"
    const length = isHttp2 ? 0 : errorContent(message).length
    exchanges?.begin(transport, undefined).answered(503, length, "at_capacity")
    transport.write(
      isHttp2 ? goAway(message) : errorResponse(503, message, date.value, { headers: [["retry-after", retryAfter]] })
    )
  }
