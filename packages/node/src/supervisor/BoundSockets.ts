/**
 * The listening sockets of a server whose workers accept on them: bound, or inherited, by a process that only holds
 * them. They begin to listen when the first worker does, and go on while there is any process that has them.
 */
import {
  adminEndpoint,
  endpoints,
  type Endpoint,
  type TcpEndpoint,
  unix,
  type UnixEndpoint
} from "@pagi/core/options/Endpoint"
import type { Values } from "@pagi/core/options/ServerOptions"
import type { Address } from "@pagi/core/contract/Address"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { LookupAddress } from "node:dns"
import { lookup } from "node:dns/promises"
import { resolve } from "node:path"
import type { InheritedSocket } from "../listen/InheritedSocket.ts"
import { type Inheritance, none } from "../listen/InheritedSockets.ts"
import { addressOf, isWildcard, urlOf } from "../listen/SocketListener.ts"
import { fromErrno, ListenError, ofOption } from "../accept/ListenError.ts"
import * as ReuseText from "../listen/ReuseText.ts"
import { isRunning } from "../process/RunningProcess.ts"
import { type FoundSocket, matching, pathOf } from "../listen/SocketMatch.ts"
import * as UnixSocket from "../listen/UnixSocket.ts"
import * as ServerHandle from "../listen/ServerHandle.ts"

/** Where a server listens, and the socket for it. */
export interface BoundSocket {
  readonly endpoint: Endpoint
  /** The number in this process; nothing for an endpoint that each worker opens a socket of its own for. */
  readonly descriptor: number | undefined
  readonly address: Address
  readonly url: string
  readonly isSecure: boolean
}

export interface BoundSockets {
  /** In the order in which the options name them. */
  readonly sockets: Arr.NonEmptyReadonlyArray<BoundSocket>
  /** Those that there are descriptors of, as a child process is to get them. */
  readonly descriptors: ReadonlyArray<number>
  /** `PAGI_REUSE` for a child process in which `descriptors` have these numbers, one for one. */
  readonly reuse: (childDescriptors: ReadonlyArray<number>) => string
  /** `PAGI_REUSE_FILES` for a child that follows this process, and is to remove what this one would. */
  readonly reuseFiles: (childDescriptors: ReadonlyArray<number>) => string
  /** `PAGI_REUSE_FOREIGN` for a child. */
  readonly reuseForeign: (childDescriptors: ReadonlyArray<number>) => string
  /**
   * What a server in this process claims to listen on the sockets itself. It owns the descriptors from then on; paths
   * are still removed here.
   */
  readonly surrender: Effect.Effect<Inheritance>
  /** Closes the sockets here. Their paths are removed, if they are ours, or kept for whoever uses them. Runs once. */
  readonly close: (paths: "remove" | "keep") => Effect.Effect<void>
}

/** A socket that this process has. */
interface Held {
  readonly handle: ServerHandle.ServerHandle
  readonly bound: Endpoint
  /** What is to be removed in the end. */
  readonly file?: UnixSocket.SocketFile | undefined
  readonly isInherited: boolean
  readonly isForeign?: boolean | undefined
}

/** Nothing is held of an endpoint that each worker opens a socket for. */
type Holding = readonly [Endpoint, Held | undefined]

/**
 * Binds all endpoints for which no socket was inherited. A failure leaves nothing open. The sockets are closed, and
 * their paths removed, when the scope closes. `owner` is whose Unix sockets are, if not this process's user's.
 */
export const bind = (
  options: Values,
  inheritance: Inheritance,
  owner?: UnixSocket.FileOwner
): Effect.Effect<BoundSockets, ListenError, EffectScope.Scope> =>
  Effect.gen(function* () {
    for (const problem of inheritance.problems) yield* Effect.logWarning(problem)
    const wanted = endpoints(options)
    const closing = new Closing(inheritance.masterPid)
    yield* Effect.addFinalizer(() => Effect.sync(() => closing.run("remove")))
    const inherited = yield* takeOver(inheritance.sockets, wanted, closing)
    const followsOther = inheritance.masterPid !== undefined
    const holdings = yield* Effect.forEach(wanted, (endpoint) =>
      Effect.gen(function* (): Effect.fn.Return<Holding, ListenError> {
        const held = inherited.get(endpoint)
        if (held !== undefined) return [endpoint, held]
        if (endpoint._tag === "Tcp" && options.reuseport && options.workers !== 0) {
          // Those of the server that this one follows are no hindrance, and cannot be told from others here.
          if (!followsOther) yield* verify(endpoint)
          return [endpoint, undefined]
        }
        const bound = endpoint._tag === "Tcp" ? bindTcp(endpoint, closing) : bindUnix(endpoint, closing, owner)
        return [endpoint, yield* bound]
      })
    )
    return make(holdings, closing, options.tls !== undefined && !options.disableTls)
  })

/** The same for the admin listener, if the options ask for one. */
export const bindAdmin = (
  options: Values,
  inheritance: Inheritance,
  owner?: UnixSocket.FileOwner
): Effect.Effect<BoundSockets | undefined, ListenError, EffectScope.Scope> => {
  const endpoint = adminEndpoint(options)
  if (endpoint === undefined) return Effect.succeed(undefined)
  const ofAdmin: Values = { ...options, listen: [endpoint], redirectHttps: undefined, tls: undefined, reuseport: false }
  const inherited = { ...none, sockets: inheritance.admin, masterPid: inheritance.masterPid }
  return Effect.mapError(bind(ofAdmin, inherited, owner), (error) => ofOption(error, "admin"))
}

const make = (holdings: Arr.NonEmptyReadonlyArray<Holding>, closing: Closing, secure: boolean): BoundSockets => {
  const held = holdings.flatMap(([endpoint, held]) => (held === undefined ? [] : [{ endpoint, ...held }]))
  const descriptors = held.map(({ handle }) => handle.fd)
  const shared = (numbers: ReadonlyArray<number>): ReadonlyArray<ReuseText.SharedSocket> =>
    held.map(({ endpoint, file, handle, isForeign }, index) => ({
      endpoint,
      descriptor: numbers[index] ?? handle.fd,
      identity: file?.identity,
      isForeign: isForeign === true
    }))
  const [first, ...others] = holdings
  return {
    sockets: [socketOf(first, secure), ...others.map((holding) => socketOf(holding, secure))],
    descriptors,
    reuse: (numbers) => ReuseText.write(shared(numbers)),
    reuseFiles: (numbers) => ReuseText.writeFiles(shared(numbers)),
    reuseForeign: (numbers) => ReuseText.writeForeign(shared(numbers)),
    surrender: Effect.sync(() => {
      closing.keepDescriptors()
      return { ...none, sockets: shared(descriptors).map(ownSocket) }
    }),
    close: (paths) => Effect.sync(() => closing.run(paths))
  }
}

const socketOf = ([endpoint, held]: Holding, secure: boolean): BoundSocket => {
  const address = addressOf(held?.bound ?? endpoint)
  const isSecure = secure && endpoint.redirects !== true
  return { endpoint, descriptor: held?.handle.fd, address, url: urlOf(address, isSecure), isSecure }
}

const ownSocket = ({ descriptor, endpoint, isForeign }: ReuseText.SharedSocket): InheritedSocket => ({
  descriptor,
  source: "own",
  name: ReuseText.nameOf(endpoint),
  isForeign: isForeign === true
})

/** What has to be closed and removed, all of it once. */
class Closing {
  readonly #predecessor: number | undefined
  readonly #held: Array<Held> = []
  #ownsDescriptors = true
  #isOver = false

  constructor(predecessor: number | undefined) {
    this.#predecessor = predecessor
  }

  add(held: Held): Held {
    this.#held.push(held)
    return held
  }

  get bound(): ReadonlyArray<Endpoint> {
    return this.#held.map(({ bound }) => bound)
  }

  keepDescriptors(): void {
    this.#ownsDescriptors = false
  }

  run(paths: "remove" | "keep"): void {
    if (this.#isOver) return
    this.#isOver = true
    // The one before goes on serving at its paths when this one has failed.
    const keepsInherited = this.#predecessor !== undefined && isRunning(this.#predecessor)
    for (const { file, handle, isInherited } of this.#held) {
      // Before the socket closes, so that nobody finds the path and no server behind it.
      if (file !== undefined && paths === "remove" && !(isInherited && keepsInherited)) UnixSocket.giveUp(file)
      if (this.#ownsDescriptors) handle.close()
    }
  }
}

/** The inherited sockets for these endpoints; the others are closed. */
const takeOver = (
  sockets: ReadonlyArray<InheritedSocket>,
  wanted: ReadonlyArray<Endpoint>,
  closing: Closing
): Effect.Effect<ReadonlyMap<Endpoint, Held>> =>
  Effect.gen(function* () {
    if (sockets.length === 0) return new Map()
    const match = yield* matching(wanted)
    const { matched, warnings } = match<Held & FoundSocket>(sockets, { find, close: ({ handle }) => handle.close() })
    for (const held of matched.values()) closing.add(held)
    for (const warning of warnings) yield* Effect.logWarning(warning)
    return matched
  })

const find = (socket: InheritedSocket): (Held & FoundSocket) | undefined => {
  try {
    const handle = ServerHandle.open(socket.descriptor)
    const tcp = ServerHandle.boundOf(handle)
    const { identity, isForeign } = socket
    if (tcp !== undefined) return { socket, handle, bound: tcp, isInherited: true, isForeign }
    const path = pathOf(socket)
    if (path === undefined) return undefined
    return {
      socket,
      handle,
      isInherited: true,
      isForeign,
      bound: unix(path),
      file: identity === undefined ? undefined : { path: resolve(path), identity }
    }
  } catch {
    return undefined
  }
}

const bindTcp = (endpoint: TcpEndpoint, closing: Closing): Effect.Effect<Held, ListenError> =>
  Effect.flatMap(resolveHost(endpoint), ({ address, family }) =>
    attempt(endpoint, () => {
      const handle = ServerHandle.bindTcp(address, endpoint.port, family)
      const bound = ServerHandle.boundOf(handle) ?? endpoint
      if (!closing.bound.some((other) => isTaken(bound, other)))
        return closing.add({ handle, bound, isInherited: false })
      handle.close()
      throw new ListenError({ endpoint, code: "EADDRINUSE" })
    })
  )

const resolveHost = (endpoint: TcpEndpoint): Effect.Effect<LookupAddress, ListenError> =>
  Effect.tryPromise({ try: () => lookup(endpoint.host), catch: (error) => fromErrno(endpoint, error) })

/**
 * Whether somebody else has the port. Those who listen are found by trying; those who begin to in this moment are
 * found by the first worker.
 */
const verify = (endpoint: TcpEndpoint): Effect.Effect<void, ListenError> =>
  Effect.flatMap(resolveHost(endpoint), ({ address, family }) =>
    attempt(endpoint, () => ServerHandle.bindTcp(address, endpoint.port, family).close())
  )

/** The system lets sockets be bound to one address that do not listen yet, and would object when they begin to. */
const isTaken = (bound: TcpEndpoint, other: Endpoint): boolean => {
  if (other._tag !== "Tcp" || other.port !== bound.port) return false
  const hosts = [bound.host, other.host]
  if (bound.host === other.host || hosts.includes("::")) return true
  return hosts.some(isWildcard) && hosts.every((host) => !host.includes(":"))
}

const bindUnix = (
  endpoint: UnixEndpoint,
  closing: Closing,
  owner?: UnixSocket.FileOwner
): Effect.Effect<Held, ListenError> =>
  closing.bound.some((other) => other._tag === "Unix" && resolve(other.path) === resolve(endpoint.path))
    ? Effect.fail(new ListenError({ endpoint, code: "EADDRINUSE" }))
    : Effect.andThen(
        UnixSocket.prepare(endpoint),
        attempt(endpoint, () =>
          UnixSocket.inPrivateFolder(endpoint.path, (path) => {
            const handle = ServerHandle.bindPath(path)
            try {
              return closing.add({
                handle,
                bound: endpoint,
                file: UnixSocket.publish(path, endpoint, owner),
                isInherited: false
              })
            } catch (error) {
              handle.close()
              throw error
            }
          })
        )
      )

const attempt = <A>(endpoint: Endpoint, run: () => A): Effect.Effect<A, ListenError> =>
  Effect.try({ try: run, catch: (error) => fromErrno(endpoint, error) })
