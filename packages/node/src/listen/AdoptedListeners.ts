/** Listeners of sockets that the process has inherited, for the endpoints that the server is set up to listen on. */
import { type Endpoint, format, unix } from "@pagi/core/options/Endpoint"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { fstatSync } from "node:fs"
import type { Server } from "node:net"
import type { InheritedSocket } from "./InheritedSocket.ts"
import type { Listener } from "../accept/Listener.ts"
import {
  addressOf,
  createListeningServer,
  forEndpoint,
  fromServer,
  type ListenOptions,
  tcpEndpointOf
} from "./SocketListener.ts"
import { type FoundSocket, matching, pathOf } from "./SocketMatch.ts"

/** An inherited socket that listens. */
interface Adopted extends FoundSocket {
  readonly server: Server
}

/**
 * The listeners of those endpoints for which there is a socket. A socket that no endpoint is for is closed, with a
 * warning that says how to use it; what is no listening socket at all is left alone.
 */
export const adoptListeners = (
  sockets: ReadonlyArray<InheritedSocket>,
  endpoints: ReadonlyArray<Endpoint>,
  options: ListenOptions
): Effect.Effect<ReadonlyMap<Endpoint, Listener>, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    if (sockets.length === 0) return new Map()
    const match = yield* matching(endpoints)
    const { listeners, matched, warnings } = yield* Effect.acquireRelease(
      // In one turn, so that nothing is accepted before it is known whose connection it is.
      Effect.sync(() => {
        const found = match(sockets, {
          find: (socket) => adopt(socket, options.backlog),
          close: ({ server }) => server.close()
        })
        return { ...found, listeners: new Map([...found.matched].map((pair) => listenerOf(pair, options))) }
      }),
      ({ listeners }) => Effect.forEach(listeners.values(), ({ stopAccepting }) => stopAccepting, { discard: true })
    )
    for (const warning of warnings) yield* Effect.logWarning(warning)
    for (const [endpoint, { socket }] of matched) {
      const isExpected = options.isQuiet === true || socket.source === "own"
      yield* (isExpected ? Effect.logDebug : Effect.logInfo)(`using the inherited socket of ${format(endpoint)}`)
    }
    return listeners
  })

const listenerOf = (
  [endpoint, { bound, server }]: readonly [Endpoint, Adopted],
  options: ListenOptions
): readonly [Endpoint, Listener] => [endpoint, fromServer(server, addressOf(bound), forEndpoint(endpoint, options))]

/**
 * How many connections may wait on a socket whose opener has said that already. To accept is to say it anew, and what
 * holds so far cannot be asked for; the system makes of this the most that it allows, so that it is never less.
 */
const longestBacklog = 0x7fff_ffff

/** Listens on an inherited descriptor; the only public way in which Node tells where one is bound. */
const adopt = (socket: InheritedSocket, backlog: number): Adopted | undefined => {
  const { descriptor: fd } = socket
  try {
    if (!fstatSync(fd).isSocket()) return undefined
    const server = createListeningServer()
    // An error has no address either.
    server.on("error", () => {})
    // Not among the options, where it is ignored for a descriptor.
    server.listen({ fd }, socket.isForeign === true ? longestBacklog : backlog)
    const bound = tcpEndpointOf(server)
    if (bound !== undefined) return { socket, server, bound }
    const path = pathOf(socket)
    if (path !== undefined && server.listening) return { socket, server, bound: unix(path) }
    server.close()
    return undefined
  } catch {
    return undefined
  }
}
