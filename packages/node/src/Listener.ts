import type { Address } from "@pagi/core/Transport"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { createServer, type Server, type Socket } from "node:net"
import { ListenError } from "./ListenError.ts"
import { type AcceptedSocket, acceptSockets } from "./SharedRead.ts"

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
  /** A connection could not be accepted; those that are open, and later ones, are not concerned. */
  readonly onAcceptError: (error: NodeJS.ErrnoException) => void
  /** `server` is the address that the peer has connected to. */
  readonly onConnection: (accepted: AcceptedSocket, server: Address | undefined) => void
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
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    const onError = (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(new ListenError({ host, port, code: error.code ?? error.message })))
    server.once("error", onError)
    server.listen({ host, port, backlog }, () => {
      server.off("error", onError)
      server.on("error", (error) => options.onAcceptError(error))
      const listening = addressOf(server, options)
      acceptSockets(server, (accepted) => {
        const { socket } = accepted
        // Asked for now, while the system knows it: after a reset it does not, and a request would be from nobody.
        if (socket.remoteAddress === undefined) socket.destroy()
        else options.onConnection(accepted, isWildcard(listening) ? localAddressOf(socket) : listening)
      })
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

const isWildcard = ([host]: Address): boolean => host === "0.0.0.0" || host === "::"

const localAddressOf = ({ localAddress, localPort }: Socket): Address | undefined =>
  localAddress === undefined || localPort === undefined ? undefined : [localAddress, localPort]

const urlOf = ([host, port]: Address): string => `http://${host.includes(":") ? `[${host}]` : host}:${port}/`
