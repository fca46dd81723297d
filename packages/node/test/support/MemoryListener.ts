import { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import type { Acceptor, Listen, Listener } from "../../src/accept/Listener.ts"

/** A listener without sockets: clients are at the other end of a `MemoryTransport`. */
export class MemoryListener {
  #acceptor: Acceptor | undefined = undefined

  readonly listen: Listen = (acceptor) =>
    Effect.acquireRelease(
      Effect.sync((): Listener => {
        this.#acceptor = acceptor
        return {
          address: ["memory", null],
          url: "memory:",
          stopAccepting: Effect.sync(() => {
            this.#acceptor = undefined
          })
        }
      }),
      ({ stopAccepting }) => stopAccepting
    )

  /** A new client, if the server takes any. */
  connect(): MemoryTransport | undefined {
    const acceptor = this.#acceptor
    if (acceptor === undefined) return undefined
    const transport = new MemoryTransport({ client: undefined, server: ["memory", null] })
    if (acceptor.admit()) acceptor.serve(transport)
    else acceptor.refuse(transport)
    return transport
  }
}
