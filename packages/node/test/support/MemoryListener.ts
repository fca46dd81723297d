import type * as ServerOptions from "@pagi/core/ServerOptions"
import { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import { type Acceptor, type Listen, type Listener, MoreListeners } from "../../src/accept/Listener.ts"
import { answer, serveHttp } from "./Server.ts"
import { until } from "./Until.ts"

/** A listener without sockets: clients are at the other end of a `MemoryTransport`. */
export class MemoryListener {
  /** Who gets its clients, as long as it takes any. */
  acceptor: Acceptor | undefined = undefined

  readonly listen: Listen = (acceptor) =>
    Effect.acquireRelease(
      Effect.sync((): Listener => {
        this.acceptor = acceptor
        return {
          address: ["memory", null],
          url: "memory:",
          stopAccepting: Effect.sync(() => {
            this.acceptor = undefined
          })
        }
      }),
      ({ stopAccepting }) => stopAccepting
    )

  /** A new client, if the server takes any; with `alpn`, one that has agreed on this protocol. */
  connect(alpn?: string): MemoryTransport | undefined {
    const { acceptor } = this
    if (acceptor === undefined) return undefined
    const transport = new MemoryTransport({ client: undefined, server: ["memory", null] })
    if (acceptor.admit()) acceptor.serve(transport, alpn)
    else acceptor.refuse(transport, alpn)
    return transport
  }
}

/**
 * A server that listens in memory besides, and how to connect to it, with a protocol that was agreed on or without. Clients
 * break off with the scope at the latest.
 */
export const serveInMemory = (options: ServerOptions.Input = {}) =>
  Effect.gen(function* () {
    const listener = new MemoryListener()
    const running = yield* serveHttp(answer("served"), options).pipe(
      Effect.provideService(MoreListeners, [listener.listen])
    )
    const connect = (alpn?: string) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          const client = listener.connect(alpn)
          return client === undefined ? Effect.fail("nobody listens") : Effect.succeed(client)
        }),
        (client) => Effect.sync(() => client.fail())
      )
    return { ...running, listener, connect }
  })

export const endsWith = (client: MemoryTransport, end: string) =>
  until(`the client receives ${JSON.stringify(end)}`, () => client.text.endsWith(end))
