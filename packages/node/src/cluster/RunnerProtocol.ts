/** How runners of a cluster reach each other: remote procedure calls of Effect's, over whatever socket an address means. */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import type { RunnerAddress } from "effect/cluster/RunnerAddress"
import * as Runners from "effect/cluster/Runners"
import * as RunnerServer from "effect/cluster/RunnerServer"
import * as Sharding from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import type * as Scope from "effect/Scope"
import { Socket, SocketError, SocketOpenError } from "effect/socket/Socket"
import type { SocketServer, SocketServerError } from "effect/socket/SocketServer"
import * as net from "node:net"
import { claim } from "../process/ClaimedFolder.ts"
import * as StandingSocket from "../process/StandingSocket.ts"
import * as SteadyRunners from "./SteadyRunners.ts"

/** Where something listens. */
export type Place = { readonly path: string } | { readonly host: string; readonly port: number }

/** Milliseconds after which nobody is there. */
const openTimeout = 1000

/** JSON: while workers are replaced, some of them may be of another version of the program. */
export const layerSerialization: Layer.Layer<RpcSerialization.RpcSerialization> = RpcSerialization.layerNdjson

/** As many may write as like to until the other end reads again; Node takes it for a leak when more than ten wait. */
const allowWaiting = (socket: net.Socket): net.Socket => socket.setMaxListeners(0)

/** Listens for other runners. */
export const listen = (place: Place): Effect.Effect<SocketServer["Service"], SocketServerError, Scope.Scope> =>
  Effect.map(NodeSocketServer.make(place), (server) => ({
    ...server,
    // That a runner was killed which had a connection is told by its supervisor, and nothing to complain about here.
    run: (handler) =>
      server.run((socket) =>
        Effect.serviceOption(NodeSocket.NetSocket).pipe(
          Effect.tap((connection) => Effect.sync(() => Option.map(connection, allowWaiting))),
          Effect.andThen(handler(socket)),
          Effect.catchCause((cause) => Effect.logDebug("a connection of another runner has ended", cause))
        )
      )
  }))

/** The same in the folder of the pool, where it listens again whenever its socket was removed. */
export const listenIn = (
  folder: string,
  path: string
): Effect.Effect<SocketServer["Service"], SocketServerError, Scope.Scope> =>
  Effect.map(listen({ path }), (server) => ({
    ...server,
    run: <R, E, A>(handler: (socket: Socket) => Effect.Effect<A, E, R>) =>
      Effect.gen(function* () {
        const fork = yield* FiberSet.makeRuntime<R>()
        let isHidden = false
        const again = Effect.andThen(claim(folder), listen({ path })).pipe(
          Effect.flatMap((next) => next.run(handler)),
          Effect.catch((error) => {
            if (isHidden) return Effect.void
            isHidden = true
            return Effect.logWarning("the socket of this runner was removed, and others do not reach it", error)
          }),
          Effect.scoped
        )
        yield* Effect.acquireRelease(
          Effect.sync(() => StandingSocket.keep(path, () => fork(again))),
          (stop) => Effect.sync(stop)
        )
        return yield* server.run(handler)
      }).pipe(Effect.scoped)
  }))

const openFailed = (cause: Error) => new SocketError({ reason: new SocketOpenError({ kind: "Unknown", cause }) })

const open = (place: Place): Effect.Effect<net.Socket, SocketError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    restore(
      Effect.callback<net.Socket, SocketError>((resume) => {
        const socket = allowWaiting(net.connect(place))
        socket.once("connect", () => resume(Effect.succeed(socket)))
        socket.on("error", (cause) => resume(Effect.fail(openFailed(cause))))
        return Effect.sync(() => socket.destroy())
      })
    ).pipe(Effect.tap((socket) => Effect.addFinalizer(() => Effect.sync(() => socket.destroySoon()))))
  )

/** Connects to another runner when somebody reads. */
export const connect = (place: Place): Effect.Effect<Socket> => NodeSocket.fromDuplex(open(place), { openTimeout })

/** Connects to runners. */
export const layerClient = (
  placeOf: (address: RunnerAddress) => Place
): Layer.Layer<Runners.RpcClientProtocol, never, RpcSerialization.RpcSerialization> =>
  Layer.effect(
    Runners.RpcClientProtocol,
    Effect.map(RpcSerialization.RpcSerialization, (serialization) => ({
      codecFor: serialization.codecFor,
      make: (address) =>
        Effect.gen(function* () {
          const socket = yield* connect(placeOf(address))
          return yield* RpcClient.makeProtocolSocket().pipe(
            Effect.provideService(Socket, socket),
            Effect.provideService(RpcSerialization.RpcSerialization, serialization)
          )
        })
    }))
  )

/** A runner that others reach; what it listens and connects with, and where locks and messages are, is for others to say. */
export const layerRunner = RunnerServer.layer.pipe(
  Layer.provideMerge(Sharding.layer),
  Layer.provideMerge(SteadyRunners.layer),
  Layer.provide(RpcServer.layerProtocolSocketServer)
)
