/** The clients of sockets that proxies connect to with the PROXY protocol: each has a header before everything else. */
import type { Address } from "@pagi/core/contract/Address"
import type { ObservedConnection } from "@pagi/core/observe/Observer"
import { ticks } from "@pagi/core/server/Deadlines"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import * as Effect from "effect/Effect"
import type { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { AwaitedConnection } from "../accept/AwaitedConnection.ts"
import type { Acceptor, Carrier, Shortage } from "../accept/Listener.ts"
import type { AcceptedSocket } from "../listen/SharedRead.ts"
import type { OnSocket } from "../listen/SocketListener.ts"
import type { Header, HeaderProblem } from "../proxyProtocol/Header.ts"
import type { TlsConnection } from "../tls/TlsConnection.ts"
import type { TlsHandshakes } from "../tls/TlsHandshakes.ts"
import type { DescriptorLimit } from "./DescriptorLimit.ts"
import { type HeaderOwner, type HeaderReader, readFrom } from "./HeaderReader.ts"
import type { NetTransport } from "./NetTransport.ts"
import { ProxiedTransport, UnknownTransport } from "./ProxiedTransport.ts"
import { alpnOf, carrierOf } from "./SocketAcceptor.ts"
import { TurnQueue } from "./TurnQueue.ts"

/** Why a connection is closed without an answer; what observers are told. */
export type ProxyProblem = HeaderProblem | "proxy-incomplete" | "proxy-untrusted"

/** Ticks for a header where request heads may take any time: a proxy sends it as soon as it has connected. */
const longestWait = ticks(30, "seconds")

/** What accepting takes. */
export interface ProxiedParts {
  readonly acceptor: Acceptor
  readonly descriptors: Pick<DescriptorLimit, "isReached" | "reserve">
  readonly handshakes: Pick<TlsHandshakes, "accept" | "begin"> | undefined
}

/**
 * Gives the clients of sockets to an acceptor when their proxies have said who they are. If the server trusts some of them,
 * others are not served at all; if none is named, everybody is believed.
 */
export const makeProxiedAcceptor = (parts: ProxiedParts): OnSocket => {
  const { acceptor, descriptors, handshakes } = parts
  const { server } = acceptor
  const { isTrusted } = server
  const turns = new TurnQueue(server.runner.background, server.observer)
  const ofDescriptors: Shortage = { limit: "openFiles", room: descriptors.reserve / 2 }
  return (accepted, address) => {
    const { descriptor, socket } = accepted
    const peer: Carrier = { ...carrierOf(socket, address), secure: handshakes !== undefined }
    if (isTrusted !== undefined && !isTrusted(peer)) {
      tellProblem(server, peer, "proxy-untrusted")
      // Before the system has told of what comes.
      socket.on("error", () => {})
      socket.destroy()
      return
    }
    const proxy: ProxyConnection = { accepted, address, peer, turns }
    const isShort = descriptors.isReached(descriptor, server.registry)
    if (!isShort && acceptor.admit()) new AwaitedHeader(parts, proxy)
    else refuse(parts, proxy, isShort ? ofDescriptors : undefined)
  }
}

/** A connection from a proxy. */
interface ProxyConnection {
  readonly accepted: AcceptedSocket
  /** Where the proxy has connected to. */
  readonly address: Address | undefined
  readonly peer: Carrier
  readonly turns: TurnQueue
}

const tellProblem = (server: ServerContext, peer: ObservedConnection, problem: ProxyProblem): void => {
  server.observer?.protocolError?.(problem, peer)
  const from = peer.client === undefined ? "a Unix socket" : peer.client[0]
  server.runner.background(Effect.logDebug(`a connection from ${from} was closed: ${words[problem]}`))
}

const words: Readonly<Record<ProxyProblem, string>> = {
  "proxy-missing": "it does not begin with a header of the PROXY protocol",
  "proxy-malformed": "its header of the PROXY protocol is not valid",
  "proxy-too-long": "its header of the PROXY protocol is too long",
  "proxy-checksum": "the checksum of its header of the PROXY protocol is wrong",
  "proxy-incomplete": "it has ended within its header of the PROXY protocol",
  "proxy-untrusted": "it is none of trustedProxies, which alone may say by the PROXY protocol whose connection it is"
}

/** What the client of a proxy is served by. */
const transportOf = (
  { accepted, address, turns }: ProxyConnection,
  { proxied }: Header,
  above?: { readonly socket: TLSSocket; readonly tls: TlsConnection }
): NetTransport => {
  const through: AcceptedSocket = above === undefined ? accepted : { ...above, slot: undefined }
  return proxied === undefined
    ? new UnknownTransport(through, address, turns)
    : new ProxiedTransport(through, address, turns, proxied)
}

/** A connection of which the header has not come. */
class AwaitedHeader extends AwaitedConnection implements HeaderOwner {
  readonly holding = "nothing"
  readonly #parts: ProxiedParts
  readonly #proxy: ProxyConnection
  readonly #socket: Socket
  readonly #reader: HeaderReader

  constructor(parts: ProxiedParts, proxy: ProxyConnection) {
    const { server } = parts.acceptor
    super(server, server.limits.headers === 0 ? longestWait : server.limits.headers)
    this.#parts = parts
    this.#proxy = proxy
    this.#socket = proxy.accepted.socket
    this.#reader = readFrom(proxy.accepted, this)
    server.registry.add(this)
  }

  onHeader(header: Header, rest: Uint8Array, isLent: boolean): void {
    const { acceptor, handshakes } = this.#parts
    this.handOver(() => {
      if (handshakes === undefined) {
        const transport = transportOf(this.#proxy, header)
        acceptor.serve(transport)
        if (rest.length > 0) transport.onRead(rest, isLent)
      } else {
        handshakes.accept(
          this.#socket,
          (socket, tls) => acceptor.serve(transportOf(this.#proxy, header, { socket, tls }), alpnOf(socket)),
          header.proxied
        )
      }
    })
  }

  onProblem(problem: HeaderProblem | "proxy-incomplete"): void {
    tellProblem(this.server, this.#proxy.peer, problem)
    this.end("protocol_error")
  }

  /** Proxies look in this way whether the server is there. */
  onNothing(): void {
    this.end("client_closed")
  }

  override onDeadline(): void {
    if (this.server.registry.isDraining || !this.#reader.hasBegun) return super.onDeadline()
    this.server.observer?.limitHit?.("headersTimeout", this.#proxy.peer)
    this.end("limit")
  }

  protected destroy(): void {
    this.#reader.stop()
    this.#socket.destroy()
    this.leave()
  }
}

/** Answers that there is no room, which the proxy and its client can take for one only after the header. */
const refuse = (
  { acceptor, handshakes }: ProxiedParts,
  proxy: ProxyConnection,
  shortage: Shortage | undefined
): void => {
  const { socket } = proxy.accepted
  const refusal = acceptor.refuseLater(proxy.peer, shortage)
  if (refusal === undefined) {
    socket.on("error", () => {})
    socket.destroy()
    return
  }
  const end = (): void => {
    socket.destroy()
    refusal.end()
  }
  socket.on("close", refusal.end)
  readFrom(proxy.accepted, {
    onHeader: (header, rest, isLent) => {
      if (handshakes !== undefined) {
        handshakes.begin(
          socket,
          (secure, tls) => refusal.answer(transportOf(proxy, header, { socket: secure, tls }), alpnOf(secure)),
          { ends: header.proxied }
        )
        return
      }
      const transport = transportOf(proxy, header)
      refusal.answer(transport, undefined)
      if (rest.length > 0) transport.onRead(rest, isLent)
    },
    onProblem: (problem) => {
      tellProblem(acceptor.server, proxy.peer, problem)
      end()
    },
    onNothing: end
  })
}
