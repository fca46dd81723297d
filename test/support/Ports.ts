import * as Effect from "effect/Effect"
import { createServer, type Server } from "node:net"

/** Nothing where the port is not to be had. */
const listening = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Server | undefined>((resume) => {
      const server = createServer()
      server.once("error", () => resume(Effect.undefined))
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => void (server?.close(() => resume(Effect.void)) ?? resume(Effect.void)))
  )

const portOf = (server: Server | undefined): number => {
  const address = server?.address()
  return typeof address === "object" && address !== null ? address.port : Number.NaN
}

/** A port of the loopback interface that somebody has, as long as the scope is open. */
export const takenPort = Effect.map(listening(0), portOf)

/** Ports that no system gives to connections, nor to those who listen anywhere: such a one may be taken in a moment. */
const [first, count] = [12_000, 20_000] as const

/** One that was free a moment ago. */
export const freePort: Effect.Effect<number> = Effect.gen(function* () {
  while (true) {
    const port = first + Math.floor(Math.random() * count)
    if ((yield* Effect.scoped(listening(port))) !== undefined) return port
  }
})
