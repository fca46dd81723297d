import { ListenerFibers } from "@pagi/core/server/ConnectionFibers"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { Transport } from "@pagi/core/transport/Transport"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Acceptor, Carrier, Refusal, Shortage } from "./Listener.ts"
import { FirstConnection } from "./FirstConnection.ts"
import { GivesWay } from "./GivesWay.ts"
import type { ProtocolTable } from "./Protocols.ts"
import { Refusals } from "./Refusals.ts"
import { ServerProtocols } from "./ServerProtocols.ts"

/**
 * Opens the connections of a server in its protocols; those beyond the limit are turned away, or have others give way
 * (`GivesWay`). When the current scope
 * closes, the connections are aborted.
 */
export const makeAcceptor = (
  server: ServerContext,
  table: ProtocolTable
): Effect.Effect<Acceptor, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const onFirst = yield* FirstConnection
    const givesWay = yield* GivesWay
    yield* Effect.addFinalizer(() => Effect.sync(() => server.registry.abort("server_shutdown")))
    const protocols = new ServerProtocols(table, server, yield* ListenerFibers.make(server.runner))
    const refusals = new Refusals(protocols)
    yield* Effect.addFinalizer(() => Effect.sync(() => refusals.destroy()))
    return new ConnectionAcceptor(protocols, refusals, onFirst, givesWay)
  })

class ConnectionAcceptor implements Acceptor {
  readonly server: ServerContext
  readonly alpn: ReadonlyArray<string>
  readonly #protocols: ServerProtocols
  readonly #refusals: Refusals
  readonly #atCapacity: Shortage
  readonly #givesWay: boolean
  /** Who is told of the first connection, until there has been one. */
  #onFirst: (() => void) | undefined

  constructor(protocols: ServerProtocols, refusals: Refusals, onFirst: (() => void) | undefined, givesWay: boolean) {
    this.server = protocols.server
    this.alpn = protocols.alpn
    this.#protocols = protocols
    this.#refusals = refusals
    this.#atCapacity = { limit: "maxConnections", room: protocols.server.options.maxConnections }
    this.#onFirst = onFirst
    this.#givesWay = givesWay
  }

  admit(): boolean {
    if (this.#onFirst !== undefined) this.#noteFirst(this.#onFirst)
    const { registry } = this.server
    return registry.makeRoom(this.#atCapacity.room) || (this.#givesWay && registry.dropLeast())
  }

  serve(transport: Transport, alpn?: string): void {
    if (alpn === undefined && (!transport.secure || transport.isDecrypted === true)) this.#protocols.detect(transport)
    else this.#protocols.named(alpn).open(transport)
  }

  refuse(transport: Transport, alpn?: string, { limit, room } = this.#atCapacity): void {
    this.server.observer?.limitHit?.(limit, transport)
    this.#refusals.add(transport, alpn, room)
  }

  refuseLater(carrier: Carrier, { limit, room } = this.#atCapacity): Refusal | undefined {
    this.server.observer?.limitHit?.(limit, carrier)
    return this.#refusals.reserve(carrier, room)
  }

  #noteFirst(tell: () => void): void {
    this.#onFirst = undefined
    tell()
  }
}
