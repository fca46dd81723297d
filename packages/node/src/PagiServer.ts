import type { LifespanError } from "@pagi/core/Exchange/Lifespan"
import * as Lifespan from "@pagi/core/Exchange/Lifespan"
import { PagiApp } from "@pagi/core/PagiApp"
import * as ServerContext from "@pagi/core/ServerContext"
import { minimumLogLevel, ServerOptions } from "@pagi/core/ServerOptions"
import type { Address } from "@pagi/core/Transport"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as EffectScope from "effect/Scope"
import * as AccessLogFile from "./AccessLogFile.ts"
import { makeAcceptor } from "./ConnectionAcceptor.ts"
import { type Listener, listenTcp } from "./Listener.ts"
import type { ListenError } from "./ListenError.ts"

/** A running server. */
export class PagiServer extends Context.Service<
  PagiServer,
  {
    /** Where the first listener is bound. */
    readonly address: Address
    /** The port of the first listener, also when port 0 was asked for. */
    readonly port: number
    readonly listeners: ReadonlyArray<Pick<Listener, "address" | "url">>
    /** Whether new connections are accepted. */
    readonly isRunning: Effect.Effect<boolean>
    /** Connections that are open, or whose applications have not ended yet. */
    readonly connectionCount: Effect.Effect<number>
    /** The number of connections beyond which new ones are answered with 503. */
    readonly effectiveMaxConnections: number
    /**
     * Stops accepting, lets requests finish for up to `shutdownTimeout`, interrupts the rest and ends the application's
     * lifespan. Runs once, however often it is asked for; the end of the layer does the same.
     */
    readonly shutdown: Effect.Effect<void>
  }
>()("@pagi/node/PagiServer") {}

/** Why a server does not start. */
export type StartError = ListenError | LifespanError | AccessLogFile.AccessLogError

/**
 * Starts a server: the application's lifespan first, then the listener. The server runs until the scope closes, and the
 * scope has closed when the last request has ended and the application has shut down.
 */
export const make: Effect.Effect<PagiServer["Service"], StartError, PagiApp | ServerOptions | EffectScope.Scope> =
  Effect.gen(function* () {
    const app = yield* PagiApp
    const options = yield* ServerOptions
    const lifespan = yield* Lifespan.start(app, {
      mode: options.lifespan,
      startupTimeout: options.lifespanStartupTimeout,
      shutdownTimeout: options.shutdownTimeout,
      isWorker: false
    })
    const endLifespan = yield* Effect.cached(Effect.catch(lifespan.shutdown, (error) => Effect.logError(error.message)))
    // Also when no listener can be had: what the application opened must be closed.
    yield* Effect.addFinalizer(() => endLifespan)
    const accessLog = yield* AccessLogFile.open(options.accessLog)
    const server = yield* ServerContext.make({ state: lifespan.state, accessLog })
    // In parallel: an application that takes long to clean up does not keep the others from beginning to.
    const connections = yield* EffectScope.fork(yield* Effect.scope, "parallel")
    const listener = yield* listenTcp({
      host: options.host,
      port: options.port,
      backlog: options.listenerBacklog,
      onConnection: makeAcceptor(server, connections),
      onAcceptError: (error) =>
        server.runner.background(Effect.logWarning(`a connection could not be accepted: ${error.message}`))
    })
    let isRunning = true
    const stopRequested = yield* Latch.make()
    // In a fiber of its own: the caller may give up waiting, or be an exchange that the shutdown interrupts.
    const stopping = yield* Effect.forkScoped(
      stopRequested.whenOpen(
        Effect.gen(function* () {
          isRunning = false
          yield* Effect.logInfo("shutting down")
          yield* listener.stopAccepting
          yield* drain(server)
          yield* EffectScope.close(connections, Exit.void)
          yield* server.registry.empty
          yield* endLifespan
        })
      )
    )
    const shutdown = Effect.andThen(stopRequested.open, Fiber.join(stopping))
    yield* Effect.addFinalizer(() => shutdown)
    yield* Effect.logInfo(`listening on ${listener.url}`)
    return PagiServer.of({
      address: listener.address,
      port: listener.address[1] ?? options.port,
      listeners: [listener],
      isRunning: Effect.sync(() => isRunning),
      connectionCount: Effect.sync(() => server.registry.size),
      effectiveMaxConnections: options.maxConnections,
      shutdown
    })
  })

/** The server as a layer: it needs an application and options, and runs as long as the layer is in use. */
export const PagiServerLive: Layer.Layer<PagiServer, StartError, PagiApp | ServerOptions> = Layer.effect(
  PagiServer,
  Effect.flatMap(ServerOptions, (options) =>
    Effect.provideService(make, References.MinimumLogLevel, minimumLogLevel(options))
  )
)

/** Lets every connection finish what it has begun, within the time limit; then tells the rest that it is over. */
const drain = (server: ServerContext.ServerContext): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { registry } = server
    registry.drain()
    // Afterwards, so that a response which only waited for this already says that its connection closes.
    yield* server.beginShutdown
    const { shutdownTimeout } = server.options
    const finished = yield* Effect.as(registry.empty, true).pipe(
      Effect.timeoutOrElse({
        duration: Duration.isZero(shutdownTimeout) ? Duration.infinity : shutdownTimeout,
        orElse: () => Effect.succeed(false)
      })
    )
    if (finished) return
    yield* Effect.logWarning(`connections that did not finish in time and are closed: ${registry.size}`)
    registry.abort("server_shutdown")
  })
