/** Finds the socket of the admin listener among those that the process was started with, as systemd tells none apart. */
import { adminEndpoint, endpoints, unix } from "@pagi/core/options/Endpoint"
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import type { InheritedSocket } from "./InheritedSocket.ts"
import type { Inheritance } from "./InheritedSockets.ts"
import * as ServerHandle from "./ServerHandle.ts"
import { type FoundSocket, matching, pathOf } from "./SocketMatch.ts"

/** Where a socket is bound. It stays open, and nothing is accepted on it. */
const find = (socket: InheritedSocket): FoundSocket | undefined => {
  try {
    const bound = ServerHandle.boundOf(ServerHandle.open(socket.descriptor))
    if (bound !== undefined) return { socket, bound }
    const path = pathOf(socket)
    return path === undefined ? undefined : { socket, bound: unix(path) }
  } catch {
    return undefined
  }
}

/**
 * The same inheritance, with the socket at the address of the option `admin` as that of the admin listener. One that the
 * server that this process follows has passed on for it goes first; addresses of the application's too.
 */
export const assign = (options: Values, inheritance: Inheritance): Effect.Effect<Inheritance> =>
  Effect.gen(function* () {
    const admin = adminEndpoint(options)
    const { sockets } = inheritance
    if (admin === undefined || inheritance.admin.length > 0 || sockets.length === 0) return inheritance
    const match = yield* matching([...endpoints(options), admin])
    // Those for nothing are for others to close, and to warn of.
    const found = match(sockets, { find, close: () => {} }).matched.get(admin)
    if (found === undefined) return inheritance
    return { ...inheritance, admin: [found.socket], sockets: sockets.filter((socket) => socket !== found.socket) }
  })
