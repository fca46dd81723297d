import type { Address } from "@pagi/core/Transport"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { createServer, type Server, type Socket } from "node:net"
import { ListenError } from "./ListenError.ts"

/** An open listening socket. */
export interface Listener {
  readonly address: Address
  /** Where clients reach it, for instance `http://127.0.0.1:5000/`. */
  readonly url: string
  /** Closes the listening socket; connections stay. The socket also closes with its scope. */
  readonly stopAccepting: Effect.Effect<void>
}

export interface TcpListenerOptions {
  readonly host: string
  readonly port: number
  readonly backlog: number
  readonly onConnection: (socket: Socket) => void
}

/** Listens on a TCP port for as long as the scope is open. */
export const listenTcp = (options: TcpListenerOptions): Effect.Effect<Listener, ListenError, EffectScope.Scope> =>
  Effect.map(Effect.acquireRelease(bind(options), close), (server) => {
    const address = addressOf(server, options)
    return { address, url: urlOf(address), stopAccepting: close(server) }
  })

const bind = (options: TcpListenerOptions): Effect.Effect<Server, ListenError> =>
  Effect.callback((resume) => {
    const { backlog, host, port } = options
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      // Asked for now, while the system knows it: after a reset it does not, and a request would be from nobody.
      if (socket.remoteAddress === undefined) socket.destroy()
      else options.onConnection(socket)
    })
    const onError = (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(new ListenError({ host, port, code: error.code ?? error.message })))
    server.once("error", onError)
    server.listen({ host, port, backlog }, () => {
      server.off("error", onError)
      resume(Effect.succeed(server))
    })
    return Effect.sync(() => server.close())
  })

/** `Server.close` refuses new connections at once; its callback would wait for the last open one. */
const close = (server: Server): Effect.Effect<void> =>
  Effect.sync(() => {
    server.close()
  })

const addressOf = (server: Server, options: TcpListenerOptions): Address => {
  const bound = server.address()
  return bound === null || typeof bound === "string" ? [options.host, options.port] : [bound.address, bound.port]
}

const urlOf = ([host, port]: Address): string => `http://${host.includes(":") ? `[${host}]` : host}:${port}/`
