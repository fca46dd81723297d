import * as Effect from "effect/Effect"
import { createServer, type Server } from "node:net"

const listening = Effect.acquireRelease(
  Effect.callback<Server>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
)

/** A port of the loopback interface that somebody has, as long as the scope is open. */
export const takenPort = Effect.map(listening, (server) => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : Number.NaN
})

/** One that was free a moment ago. */
export const freePort: Effect.Effect<number> = Effect.scoped(takenPort)
