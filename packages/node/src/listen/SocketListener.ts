/** Listens on one endpoint, a port of TCP or a Unix socket, and passes on the sockets that it accepts. */
import { type Endpoint, formatHost, tcp, type TcpEndpoint, type UnixEndpoint } from "@pagi/core/options/Endpoint"
import type { Address } from "@pagi/core/contract/Address"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { createServer, type Server, type Socket } from "node:net"
import { resolve } from "node:path"
import type { Listener } from "../accept/Listener.ts"
import { fromErrno, type ListenError } from "../accept/ListenError.ts"
import * as ListenerRemark from "./ListenerRemark.ts"
import { type AcceptedSocket, acceptSockets } from "./SharedRead.ts"
import * as UnixSocket from "./UnixSocket.ts"

/** Takes an accepted socket. `server` is the address that the peer has connected to. */
export type OnSocket = (accepted: AcceptedSocket, server: Address | undefined) => void

export interface ListenOptions {
  /** Whether clients are to speak TLS; listeners say so in their URLs. */
  readonly secure?: boolean
  readonly backlog: number
  /** Whether other processes may listen on the same port too; the system distributes connections among them. */
  readonly reusePort?: boolean
  /** Whether it is for somebody else to say where the server listens. */
  readonly isQuiet?: boolean
  /** A connection could not be accepted; those that are open, and later ones, are not concerned. */
  readonly onAcceptError: (error: NodeJS.ErrnoException) => void
  readonly onSocket: OnSocket
  /** The same for endpoints with `proxyProtocol`; where there are none, nobody. */
  readonly onProxied?: OnSocket | undefined
  /** The same for endpoints that redirect, whose clients speak no TLS. */
  readonly onPlain?: OnSocket | undefined
  /** Whether those with `proxyProtocol` believe whoever connects. */
  readonly believesAll?: boolean
}

/** What there is for one of several endpoints. */
export const forEndpoint = (endpoint: Endpoint, options: ListenOptions): ListenOptions => {
  const { believesAll = false, onPlain, onProxied, ...rest } = options
  if (endpoint.redirects === true && onPlain !== undefined) return { ...rest, secure: false, onSocket: onPlain }
  return endpoint.proxyProtocol === true && onProxied !== undefined
    ? { ...rest, onSocket: onProxied, believesAll }
    : rest
}

/** Listens for as long as the scope is open. */
export const listen = (
  endpoint: Endpoint,
  options: ListenOptions
): Effect.Effect<Listener, ListenError, EffectScope.Scope> => {
  const own = forEndpoint(endpoint, options)
  return Effect.acquireRelease(
    endpoint._tag === "Tcp" ? listenTcp(endpoint, own) : listenUnix(endpoint, own),
    ({ stopAccepting }) => stopAccepting
  )
}

const listenTcp = (endpoint: TcpEndpoint, options: ListenOptions): Effect.Effect<Listener, ListenError> => {
  const { host, port } = endpoint
  return start(endpoint, (server) => {
    server.listen({ host, port, backlog: options.backlog, reusePort: options.reusePort === true })
    return () => fromServer(server, addressOf(tcpEndpointOf(server) ?? endpoint), options)
  })
}

const listenUnix = (endpoint: UnixEndpoint, options: ListenOptions): Effect.Effect<Listener, ListenError> =>
  Effect.andThen(
    UnixSocket.prepare(endpoint),
    start(endpoint, (server) => {
      const file = UnixSocket.inPrivateFolder(endpoint.path, (path) => {
        server.listen({ path, backlog: options.backlog })
        return server.listening ? UnixSocket.publish(path, endpoint) : undefined
      })
      return () => fromServer(server, addressOf(endpoint), options, () => file && UnixSocket.giveUp(file))
    })
  )

export const createListeningServer = (): Server => createServer({ allowHalfOpen: true, noDelay: true })

/** Waits until a server listens that `begin` tells to; what `begin` answers makes the listener of it in the same turn. */
const start = (endpoint: Endpoint, begin: (server: Server) => () => Listener): Effect.Effect<Listener, ListenError> =>
  Effect.callback((resume) => {
    const server = createListeningServer()
    const fail = (error: unknown) => resume(Effect.fail(fromErrno(endpoint, error)))
    server.once("error", fail)
    try {
      const listener = begin(server)
      server.once("listening", () => {
        server.off("error", fail)
        resume(Effect.succeed(listener()))
      })
    } catch (error) {
      server.close()
      fail(error)
    }
    return Effect.sync(() => server.close())
  })

/** The listener of a server that listens. `giveUp` is called once, before the listening socket closes. */
export const fromServer = (
  server: Server,
  address: Address,
  options: ListenOptions,
  giveUp: () => void = () => {}
): Listener => {
  server.on("error", options.onAcceptError)
  const isTcp = address[1] !== null
  const isForAll = isTcp && isWildcard(address[0])
  const accept = (accepted: AcceptedSocket): void => {
    const { socket } = accepted
    // Asked for now, while the system knows it: after a reset it does not, and a request would be from nobody.
    if (isTcp && socket.remoteAddress === undefined) socket.destroy()
    else options.onSocket(accepted, isForAll ? localAddressOf(socket) : address)
  }
  const isSecure = options.secure === true
  const url = urlOf(address, isSecure)
  acceptSockets(server, accept, isSecure)
  return {
    address,
    url,
    remark: ListenerRemark.of({ url, isTcp, isSecure, believesAll: options.believesAll === true }),
    stopAccepting: Effect.sync(() => {
      if (!server.listening) return
      giveUp()
      // Refuses new connections at once; its callback would wait for the last open one.
      server.close()
    })
  }
}

/** Where a server listens on TCP; nothing for a Unix socket. */
export const tcpEndpointOf = (server: Server): TcpEndpoint | undefined => {
  const bound = server.address()
  return bound === null || typeof bound === "string" ? undefined : tcp(bound.address, bound.port)
}

/** An endpoint as scopes have it. */
export const addressOf = (endpoint: Endpoint): Address =>
  endpoint._tag === "Tcp" ? [endpoint.host, endpoint.port] : [endpoint.path, null]

export const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::"

const localAddressOf = ({ localAddress, localPort }: Socket): Address | undefined =>
  localAddress === undefined || localPort === undefined ? undefined : [localAddress, localPort]

/** Where clients reach an address. */
export const urlOf = ([host, port]: Address, secure: boolean): string =>
  port === null ? `unix:${resolve(host)}` : `${secure ? "https" : "http"}://${formatHost(host)}:${port}/`
