import { ConnectionScopes } from "@pagi/core/server/ConnectionScope"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Socket } from "node:net"
import type { DescriptorLimit } from "./DescriptorLimit.ts"
import type { OnConnection } from "../listen/SocketListener.ts"
import { clientOf, NetTransport } from "./NetTransport.ts"
import { Refusals } from "./Refusals.ts"
import type { TicketKeyring } from "../tls/TicketSecrets.ts"
import type { TlsCertificates } from "../tls/TlsCertificates.ts"
import { type ProtocolTable, ServerProtocols } from "./Protocols.ts"
import { TlsHandshakes } from "../tls/TlsHandshakes.ts"
import { TurnQueue } from "./TurnQueue.ts"

/** Makes a connection of each accepted socket, in a scope below the current one; those beyond the limits are turned away. */
export const makeAcceptor = (
  server: ServerContext,
  descriptors: DescriptorLimit,
  table: ProtocolTable,
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
    yield* Effect.addFinalizer(() => Effect.sync(() => registry.abort("server_shutdown")))
    const protocols = new ServerProtocols(table, server, yield* ConnectionScopes.make(server.runner))
    const refusals = new Refusals(protocols)
    yield* Effect.addFinalizer(() => Effect.sync(() => refusals.destroy()))
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
          protocols.named(secure.alpnProtocol || undefined).open(transport)
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
