/** From accepted sockets, of TCP or Unix and with TLS or without, to transports that the server serves. */
import type { Address } from "@pagi/core/contract/Address"
import type { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import type { Acceptor, Carrier, Shortage } from "../accept/Listener.ts"
import type { OnSocket } from "../listen/SocketListener.ts"
import type { TlsHandshakes } from "../tls/TlsHandshakes.ts"
import type { AcceptShare } from "./AcceptShare.ts"
import type { DescriptorLimit } from "./DescriptorLimit.ts"
import { clientOf, NetTransport } from "./NetTransport.ts"
import { TurnQueue } from "./TurnQueue.ts"

/** Gives the clients of sockets to an acceptor, except those for which there are no descriptors. */
export const makeSocketAcceptor = (
  acceptor: Acceptor,
  descriptors: Pick<DescriptorLimit, "isReached" | "reserve">,
  handshakes: Pick<TlsHandshakes, "accept" | "begin"> | undefined
): OnSocket => {
  const { observer, registry, runner } = acceptor.server
  const turns = new TurnQueue(runner.background, observer)
  // Those that are turned away must leave some of the last descriptors to others.
  const ofDescriptors: Shortage = { limit: "openFiles", room: descriptors.reserve / 2 }
  if (handshakes === undefined) {
    return (accepted, address) => {
      const transport = new NetTransport(accepted, address, turns)
      if (descriptors.isReached(accepted.descriptor, registry)) acceptor.refuse(transport, undefined, ofDescriptors)
      else if (acceptor.admit()) acceptor.serve(transport)
      else acceptor.refuse(transport)
    }
  }
  return ({ descriptor, socket }, address) => {
    const isShort = descriptors.isReached(descriptor, registry)
    if (!isShort && acceptor.admit()) {
      handshakes.accept(socket, (secure, tls) => {
        acceptor.serve(new NetTransport({ socket: secure, slot: undefined, tls }, address, turns), alpnOf(secure))
      })
      return
    }
    const refusal = acceptor.refuseLater(carrierOf(socket, address), isShort ? ofDescriptors : undefined)
    if (refusal === undefined) {
      socket.destroy()
      return
    }
    socket.on("close", refusal.end)
    handshakes.begin(socket, (secure, tls) => {
      refusal.answer(new NetTransport({ socket: secure, slot: undefined, tls }, address, turns), alpnOf(secure))
    })
  }
}

/** A socket whose handshake is still to come. */
export const carrierOf = (socket: Socket, server: Address | undefined): Carrier => ({
  client: clientOf(socket),
  server,
  secure: true,
  destroy: () => socket.destroy()
})

/** What the client has chosen; Node has other values for nothing. */
export const alpnOf = ({ alpnProtocol }: TLSSocket): string | undefined =>
  typeof alpnProtocol === "string" ? alpnProtocol : undefined

/** Lets other workers go first after accepting, where this one has more than its share. */
export const withShare = (onSocket: OnSocket, { server }: Acceptor, share: AcceptShare | undefined): OnSocket =>
  share === undefined
    ? onSocket
    : (accepted, address) => {
        onSocket(accepted, address)
        share.accepted(server.registry.size)
      }
