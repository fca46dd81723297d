/** Listeners of sockets that the process has inherited, for the endpoints that the server is set up to listen on. */
import { type Endpoint, format, unix } from "@pagi/core/Endpoint"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { lookup } from "node:dns/promises"
import { fstatSync, readFileSync } from "node:fs"
import type { Server } from "node:net"
import { resolve } from "node:path"
import type { InheritedSocket } from "./InheritedSockets.ts"
import {
  addressOf,
  createListeningServer,
  fromServer,
  isWildcard,
  type Listener,
  type ListenOptions,
  tcpEndpointOf
} from "./Listener.ts"

/** An inherited socket that listens, and the addresses that it goes by. */
interface Adopted {
  readonly socket: InheritedSocket
  readonly server: Server
  readonly endpoint: Endpoint
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
    const hosts = new Map(yield* Effect.forEach(endpoints, addressesOf))
    const warnings: Array<string> = []
    const listeners = yield* Effect.acquireRelease(
      // In one turn, so that nothing is accepted before it is known whose connection it is.
      Effect.sync(() => adoptAll(sockets, endpoints, (endpoint) => hosts.get(endpoint) ?? [], options, warnings)),
      (listeners) => Effect.forEach(listeners.values(), ({ stopAccepting }) => stopAccepting, { discard: true })
    )
    for (const warning of warnings) yield* Effect.logWarning(warning)
    for (const [endpoint] of listeners) yield* Effect.logInfo(`using the inherited socket of ${format(endpoint)}`)
    return listeners
  })

/** The IP addresses that an endpoint's host stands for. */
const addressesOf = (endpoint: Endpoint): Effect.Effect<readonly [Endpoint, ReadonlyArray<string>]> =>
  endpoint._tag === "Unix"
    ? Effect.succeed([endpoint, []])
    : Effect.promise(() => lookup(endpoint.host, { all: true }).catch(() => [])).pipe(
        Effect.map((found) => [endpoint, found.map(({ address }) => address)])
      )

const adoptAll = (
  sockets: ReadonlyArray<InheritedSocket>,
  endpoints: ReadonlyArray<Endpoint>,
  hostsOf: (endpoint: Endpoint) => ReadonlyArray<string>,
  options: ListenOptions,
  warnings: Array<string>
): ReadonlyMap<Endpoint, Listener> => {
  const listeners = new Map<Endpoint, Listener>()
  for (const socket of sockets) {
    const adopted = adopt(socket, options.backlog)
    if (adopted === undefined) {
      warnings.push(`${describe(socket)} is ignored: it is not a listening socket of TCP or with a path`)
      continue
    }
    const { endpoint, server } = adopted
    const free = endpoints.filter((candidate) => !listeners.has(candidate))
    const match =
      free.find((candidate) => isSame(candidate, adopted, hostsOf(candidate))) ??
      free.find((candidate) => isForAllAlike(candidate, endpoint))
    if (match === undefined) {
      server.close()
      warnings.push(
        `${describe(socket)} is closed, because the server is not set up to listen on ${format(endpoint)}; ` +
          `to use it, set the option listen (--listen ${format(endpoint)})`
      )
      continue
    }
    listeners.set(match, fromServer(server, addressOf(endpoint), options))
  }
  return listeners
}

const describe = ({ descriptor, name, source }: InheritedSocket): string =>
  `the inherited descriptor ${descriptor}${name === undefined ? "" : ` (${name})`} of ${source}`

/** Listens on an inherited descriptor; the only way in which Node tells where one is bound. */
const adopt = (socket: InheritedSocket, backlog: number): Adopted | undefined => {
  const { descriptor: fd } = socket
  try {
    const status = fstatSync(fd, { bigint: true })
    if (!status.isSocket()) return undefined
    const server = createListeningServer()
    // An error has no address either.
    server.on("error", () => {})
    server.listen({ fd, backlog })
    const bound = tcpEndpointOf(server)
    if (bound !== undefined) return { socket, server, endpoint: bound }
    const path = pathOf(socket, status.ino)
    if (path !== undefined && server.listening) return { socket, server, endpoint: unix(path) }
    server.close()
    return undefined
  } catch {
    return undefined
  }
}

/** The path of a Unix socket, which Node does not tell for one that it has not bound. */
const pathOf = ({ name, source }: InheritedSocket, inode: bigint): string | undefined => {
  if (source === "PAGI_REUSE") return name?.startsWith("unix:") ? name.slice("unix:".length) : undefined
  // Num RefCount Protocol Flags Type St Inode Path
  for (const line of readFileSync("/proc/net/unix", "utf8").split("\n")) {
    const [, number, path] = /^(?:\S+\s+){6}(\d+) (\/.*)$/.exec(line) ?? []
    if (number === String(inode)) return path
  }
  return undefined
}

/** Whether a socket is the one that the server would have opened for an endpoint. */
const isSame = (candidate: Endpoint, { endpoint, socket }: Adopted, hosts: ReadonlyArray<string>): boolean => {
  if (candidate._tag === "Unix") return endpoint._tag === "Unix" && resolve(candidate.path) === resolve(endpoint.path)
  if (endpoint._tag === "Unix") return false
  return socket.name === format(candidate) || (candidate.port === endpoint.port && hosts.includes(endpoint.host))
}

/** All addresses of IPv6 are mostly those of IPv4 too: systemd makes such a socket when it is given a port only. */
const isForAllAlike = (candidate: Endpoint, endpoint: Endpoint): boolean =>
  candidate._tag === "Tcp" &&
  endpoint._tag === "Tcp" &&
  candidate.port === endpoint.port &&
  isWildcard(candidate.host) &&
  isWildcard(endpoint.host)
