/** Which inherited sockets are for which of the endpoints that a server is set up to listen on. */
import { type Endpoint, format } from "@pagi/core/options/Endpoint"
import * as Effect from "effect/Effect"
import { lookup } from "node:dns/promises"
import { fstatSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import type { InheritedSocket } from "./InheritedSocket.ts"
import { isWildcard } from "./SocketListener.ts"
import { nameOf } from "./ReuseText.ts"

/** An inherited socket that has been found to be one for a server, and where it is bound. */
export interface FoundSocket {
  readonly socket: InheritedSocket
  readonly bound: Endpoint
}

/** How sockets are looked at. */
interface Finder<Found extends FoundSocket> {
  /** Nothing for what is no socket for a server, which is then left alone. */
  readonly find: (socket: InheritedSocket) => Found | undefined
  readonly close: (found: Found) => void
}

/** The sockets that there are for endpoints, and what is to be said of the others. */
interface Match<Found extends FoundSocket> {
  readonly matched: ReadonlyMap<Endpoint, Found>
  readonly warnings: ReadonlyArray<string>
}

/**
 * Answers how to find the sockets for these endpoints: one that no endpoint is for is closed, with a warning that says
 * how to use it. Host names are looked up before, so that the finding is done in one turn.
 */
export const matching = (
  endpoints: ReadonlyArray<Endpoint>
): Effect.Effect<
  <Found extends FoundSocket>(sockets: ReadonlyArray<InheritedSocket>, finder: Finder<Found>) => Match<Found>
> =>
  Effect.map(Effect.forEach(endpoints, addressesOf), (addresses) => {
    const hosts = new Map(addresses)
    return (sockets, finder) => match(sockets, finder, endpoints, (endpoint) => hosts.get(endpoint) ?? [])
  })

/** The IP addresses that an endpoint's host stands for. */
const addressesOf = (endpoint: Endpoint): Effect.Effect<readonly [Endpoint, ReadonlyArray<string>]> =>
  endpoint._tag === "Unix"
    ? Effect.succeed([endpoint, []])
    : Effect.promise(() => lookup(endpoint.host, { all: true }).catch(() => [])).pipe(
        Effect.map((found) => [endpoint, found.map(({ address }) => address)])
      )

const match = <Found extends FoundSocket>(
  sockets: ReadonlyArray<InheritedSocket>,
  { close, find }: Finder<Found>,
  endpoints: ReadonlyArray<Endpoint>,
  hostsOf: (endpoint: Endpoint) => ReadonlyArray<string>
): Match<Found> => {
  const matched = new Map<Endpoint, Found>()
  const warnings: Array<string> = []
  for (const socket of sockets) {
    const found = find(socket)
    if (found === undefined) {
      warnings.push(`${describe(socket)} is ignored: it is not a listening socket of TCP or with a path`)
      continue
    }
    const free = endpoints.filter((candidate) => !matched.has(candidate))
    const endpoint =
      free.find((candidate) => isSame(candidate, found, hostsOf(candidate))) ??
      free.find((candidate) => isForAllAlike(candidate, found.bound))
    if (endpoint === undefined) {
      close(found)
      const where = format(found.bound)
      warnings.push(
        `${describe(socket)} is closed, because the server is not set up to listen on ${where}; ` +
          `to use it, set the option listen (--listen ${where})`
      )
      continue
    }
    matched.set(endpoint, found)
  }
  return { matched, warnings }
}

const describe = ({ descriptor, name, source }: InheritedSocket): string =>
  `the inherited descriptor ${descriptor}${name === undefined ? "" : ` (${name})`} of ${source}`

/** Whether a socket is the one that the server would have opened for an endpoint. */
const isSame = (candidate: Endpoint, { bound, socket }: FoundSocket, hosts: ReadonlyArray<string>): boolean => {
  if (candidate._tag === "Unix") return bound._tag === "Unix" && resolve(candidate.path) === resolve(bound.path)
  if (bound._tag === "Unix") return false
  return socket.name === nameOf(candidate) || (candidate.port === bound.port && hosts.includes(bound.host))
}

/** All addresses of IPv6 are mostly those of IPv4 too: systemd makes such a socket when it is given a port only. */
const isForAllAlike = (candidate: Endpoint, bound: Endpoint): boolean =>
  candidate._tag === "Tcp" &&
  bound._tag === "Tcp" &&
  candidate.port === bound.port &&
  isWildcard(candidate.host) &&
  isWildcard(bound.host)

/** The path of a Unix socket, which Node does not tell for one that it has not bound. */
export const pathOf = ({ descriptor, name, source }: InheritedSocket): string | undefined => {
  if (source !== "LISTEN_FDS") return name?.startsWith("unix:") ? name.slice("unix:".length) : undefined
  const inode = String(fstatSync(descriptor, { bigint: true }).ino)
  // Num RefCount Protocol Flags Type St Inode Path; the state of what is not a connection is 01.
  for (const line of readFileSync("/proc/net/unix", "utf8").split("\n")) {
    const [, number, path] = /^(?:\S+\s+){5}01\s+(\d+) (\/.*)$/.exec(line) ?? []
    if (number === inode) return path
  }
  return undefined
}
