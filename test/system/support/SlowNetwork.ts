/** A way to a port of the loopback interface on which what is sent can be kept for a while, as by a network that fails. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { connect, createServer, type Server, type Socket } from "node:net"

interface Way {
  readonly ends: readonly [Socket, Socket]
  /** What is to be done when it works again; nothing while it does. */
  kept: Array<() => void> | undefined
}

export interface SlowNetwork {
  readonly port: number
  /** Keeps what is sent by the connections that are there; new ones work. */
  readonly keep: Effect.Effect<void>
  /** Brings what was kept. */
  readonly bring: Effect.Effect<void>
}

export const slowNetwork = (to: number): Effect.Effect<SlowNetwork, never, Scope.Scope> =>
  Effect.gen(function* () {
    const ways = new Set<Way>()
    const carry = (way: Way, from: Socket, into: Socket) => {
      const later = (run: () => void) => (way.kept === undefined ? run() : void way.kept.push(run))
      from.on("data", (data) => later(() => void into.write(data)))
      from.on("end", () => later(() => void into.end()))
      from.on("error", () => later(() => void into.destroy()))
    }
    const server = yield* Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const listening = createServer({ allowHalfOpen: true }, (near) => {
          const far = connect({ port: to, host: "127.0.0.1", allowHalfOpen: true })
          const way: Way = { ends: [near, far], kept: undefined }
          ways.add(way)
          carry(way, near, far)
          carry(way, far, near)
        }).listen(0, "127.0.0.1", () => resume(Effect.succeed(listening)))
      }),
      (listening) =>
        Effect.callback<void>((resume) => {
          for (const { ends } of ways) for (const end of ends) end.destroy()
          listening.close(() => resume(Effect.void))
        })
    )
    const address = server.address()
    return {
      port: typeof address === "object" && address !== null ? address.port : Number.NaN,
      keep: Effect.sync(() => {
        for (const way of ways) way.kept ??= []
      }),
      bring: Effect.sync(() => {
        for (const way of ways) {
          const kept = way.kept ?? []
          way.kept = undefined
          for (const run of kept) run()
        }
      })
    }
  })
