/** The listeners of the endpoints that a server's options name: sockets of TCP and Unix, opened here or inherited. */
import { endpoints } from "@pagi/core/options/Endpoint"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Socket } from "node:net"
import type { Inheritance } from "../listen/InheritedSockets.ts"
import type { Acceptor, Listener } from "../accept/Listener.ts"
import { listenAll } from "../listen/Listeners.ts"
import type { ListenError } from "../accept/ListenError.ts"
import type { ListenOptions, OnSocket } from "../listen/SocketListener.ts"
import type { TicketKeyring } from "../tls/TicketSecrets.ts"
import type { TlsCertificates } from "../tls/TlsCertificates.ts"
import { type Ends, TlsHandshakes } from "../tls/TlsHandshakes.ts"
import type { AcceptShare } from "./AcceptShare.ts"
import { DescriptorLimit, readLimit } from "./DescriptorLimit.ts"
import { clientOf } from "./NetTransport.ts"
import type { ProxiedParts } from "./ProxiedAcceptor.ts"
import { makeSocketAcceptor, withShare } from "./SocketAcceptor.ts"

/** What sockets need beside the options. */
export interface SocketParts {
  /** Sockets that the process was started with. */
  readonly inheritance: Inheritance
  /** Absent when clients are not to speak TLS. */
  readonly certificates: TlsCertificates | undefined
  readonly tickets: TicketKeyring
  /** Whether this is one process of several that serve the same endpoints. */
  readonly isWorker: boolean
  /** Absent when the process shares no socket with others. */
  readonly share: AcceptShare | undefined
}

/** Listens on every endpoint until the scope closes, or on none. */
export const listenOnEndpoints = (
  acceptor: Acceptor,
  { certificates, inheritance, isWorker, share, tickets }: SocketParts
): Effect.Effect<Arr.NonEmptyReadonlyArray<Listener>, ListenError, EffectScope.Scope> =>
  Effect.gen(function* () {
    const { server } = acceptor
    const { options } = server
    const descriptors = new DescriptorLimit(server, readLimit())
    const tellFailure = (socket: Socket, ends: Ends | undefined): void =>
      server.observer?.protocolError?.("tls-handshake", {
        client: ends === undefined ? clientOf(socket) : ends.client,
        server: ends?.server,
        secure: true
      })
    const handshakes = certificates && new TlsHandshakes(server, certificates, tickets, tellFailure)
    const places = endpoints(options)
    const onProxied = places.some(({ proxyProtocol }) => proxyProtocol === true)
      ? yield* makeProxied({ acceptor, descriptors, handshakes })
      : undefined
    const own: ListenOptions = {
      secure: certificates !== undefined,
      backlog: options.listenerBacklog,
      reusePort: options.reuseport && isWorker,
      isQuiet: isWorker,
      onSocket: makeSocketAcceptor(acceptor, descriptors, handshakes),
      onProxied,
      onPlain: options.redirectHttps && makeSocketAcceptor(acceptor, descriptors, undefined),
      believesAll: server.isTrusted === undefined,
      onAcceptError: (error) => descriptors.onAcceptError(error)
    }
    const inherited = {
      ...own,
      onSocket: withShare(own.onSocket, acceptor, share),
      onProxied: onProxied && withShare(onProxied, acceptor, share),
      onPlain: own.onPlain && withShare(own.onPlain, acceptor, share)
    }
    return yield* listenAll(places, inheritance, own, inherited)
  })

/** Loads what only servers behind the PROXY protocol need. */
const makeProxied = (parts: ProxiedParts): Effect.Effect<OnSocket> =>
  Effect.map(
    Effect.promise(() => import("./ProxiedAcceptor.ts")),
    ({ makeProxiedAcceptor }) => makeProxiedAcceptor(parts)
  )
