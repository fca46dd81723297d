/** Runs an application for requests that come from anywhere, as the drivers of a server do. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { FileSource } from "../contract/FileSource.ts"
import * as PagiApp from "../contract/PagiApp.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import { type ExchangeOptions, makeExchangeOptions } from "../exchange/Exchange.ts"
import * as ExchangeTrace from "../exchange/ExchangeTrace.ts"
import { HttpExchange } from "../exchange/Http.ts"
import * as Lifespan from "../exchange/Lifespan.ts"
import type { HttpRequestHead, ScopeConnection } from "../exchange/RequestScope.ts"
import type { ExchangeFollower } from "../observe/ExchangeRecorder.ts"
import * as ServerOptions from "../options/ServerOptions.ts"
import type { ServerConnection } from "../server/ConnectionRegistry.ts"
import { liveClock } from "../server/LiveClock.ts"
import type { RunObserver } from "../server/RequestRunner.ts"
import * as ServerContext from "../server/ServerContext.ts"
import * as Unended from "../server/Unended.ts"

/** An exchange without a connection, as the server sees it. */
export interface BridgedExchange extends RunObserver, ServerConnection {
  readonly exchange: ExchangeTrace.BegunExchange
  readonly response: { follow(follower: ExchangeFollower): void }
  /** The application, unless it ended at once. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** How the application ended, once it has. */
  exit: Exit.Exit<unknown, unknown> | undefined
  /** To be called when the application has ended. */
  onExit: (() => void) | undefined
}

/** How long an application may run on whose event stream has ended since the server does. */
const goodbye = Duration.millis(100)

/** Begins the span of an exchange, on a server that makes any. There is no driver to tell it of the end. */
const beginTrace = (
  { exchange, response }: BridgedExchange,
  head: HttpRequestHead,
  connection: ScopeConnection,
  server: ServerContext.ServerContext
) => {
  const trace = ExchangeTrace.begin(response, server, exchange, connection, head)
  if (trace === undefined) return undefined
  exchange.state.onComplete(() => trace.ended("complete"))
  exchange.state.onDisconnect((reason) => trace.ended(reason))
  return trace
}

/** An application and the exchanges that run of it. */
export class BridgeServer {
  readonly context: ServerContext.ServerContext
  readonly options: ExchangeOptions
  /** Applications run until it closes. */
  readonly #scope: Scope.Closeable
  /** Those whose peer has left, and who interrupts them when their time is over. */
  readonly #left = new Map<BridgedExchange, Fiber.Fiber<void>>()
  #isDraining = false

  constructor(context: ServerContext.ServerContext, scope: Scope.Closeable) {
    this.context = context
    this.options = makeExchangeOptions(context)
    this.#scope = scope
  }

  /** Whether the server ends, and serves no request that comes from now on. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Runs the application for a request. `server` has what its scope says of the server, and who runs it. */
  begin(host: BridgedExchange, head: HttpRequestHead, connection: ScopeConnection, server = this.context): void {
    const { exchange } = host
    const { registry } = this.context
    host.onExit = () => {
      registry.remove(host)
      this.#left.get(host)?.interruptUnsafe()
      this.#left.delete(host)
    }
    const fiber = this.#run(host, head, connection, server)
    if (fiber === undefined) return
    host.fiber = fiber
    Fiber.runIn(fiber, this.#scope)
    registry.add(host)
    exchange.state.onDisconnect(() => this.leave(host))
  }

  #run(
    host: BridgedExchange,
    head: HttpRequestHead,
    connection: ScopeConnection,
    server: ServerContext.ServerContext
  ): Fiber.Fiber<unknown, unknown> | undefined {
    const { exchange } = host
    if (server.native !== undefined && exchange instanceof HttpExchange) {
      const trace = beginTrace(host, head, connection, server)
      const observer = ExchangeTrace.observe(host, trace)
      const request = exchange.nativeRequest(server, connection, head)
      return exchange.runNative(server.runner, server.native, request, observer, trace)
    }
    // A getter in the application's state may throw; then nothing has begun.
    const scope = exchange.makeScope(server, connection, head)
    const trace = beginTrace(host, head, connection, server)
    return exchange.run(server.runner, scope, ExchangeTrace.observe(host, trace), trace)
  }

  /** Nobody gets any more what the application sends: it is interrupted if it runs on for too long. */
  leave(host: BridgedExchange): void {
    if (host.exit !== undefined || this.#left.has(host)) return
    const { clock, options } = this.context
    const interrupt = Effect.sync(() => host.fiber?.interruptUnsafe())
    // Without a grace as well not before `begin` has its fiber, from which this may be called.
    const inTurn = Effect.andThen(Effect.yieldNow, interrupt)
    const later = Effect.delay(inTurn, this.#isDraining ? goodbye : options.disconnectGrace)
    const timer = Effect.runFork(Effect.provideService(later, Clock.Clock, this.#isDraining ? liveClock : clock))
    this.#left.set(host, Fiber.runIn(timer, this.#scope))
  }

  /** Interrupts what runs, which is told the reason first, and waits until it has ended with its finalizers. */
  abort(reason: DisconnectReason): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { registry, runner } = this.context
      registry.abort(reason)
      return Unended.waitFor(Effect.andThen(Scope.close(this.#scope, Exit.void), registry.empty), () =>
        Unended.describe(runner.running)
      )
    })
  }

  /**
   * Lets exchanges finish, as a server that stops: they learn of it, event streams end soon, and what is left after
   * `shutdownTimeout` is aborted. Time passes by the live clock, since whoever the exchanges are with is real.
   */
  readonly drain: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    this.#isDraining = true
    const { beginShutdown, clock, deadlines, options, registry } = this.context
    if (clock !== liveClock) yield* Effect.forkScoped(deadlines.runBesides(liveClock))
    for (const { fiber } of this.#left.keys()) fiber?.interruptUnsafe()
    registry.drain()
    yield* beginShutdown
    const limit = options.shutdownTimeout
    yield* Effect.timeoutOrElse(Effect.interruptible(registry.empty), {
      duration: Duration.isZero(limit) ? Duration.infinity : limit,
      orElse: () => Effect.void
    })
    yield* this.abort("server_shutdown")
  }).pipe(Effect.scoped, Effect.provideService(Clock.Clock, liveClock))
}

/** How a server of an application begins and ends. */
export interface BridgeSettings {
  readonly options: ServerOptions.Input
  readonly files: FileSource
  /** How exchanges end when the scope closes. */
  readonly end: (server: BridgeServer) => Effect.Effect<void>
  /** What becomes of a lifespan that does not shut down as it should. */
  readonly onShutdownError: (error: Lifespan.LifespanError) => Effect.Effect<void>
}

/** A started application, and what its lifespan handler left for its exchanges. */
export interface StartedApplication {
  readonly server: BridgeServer
  readonly state: ServerContext.ServerContext["state"]
}

/** Starts the application's lifespan. When the scope closes, exchanges end, and then the lifespan is shut down. */
export const start = (
  settings: BridgeSettings
): Effect.Effect<
  StartedApplication,
  Lifespan.StartError | ServerOptions.InvalidOption,
  PagiApp.PagiApp | Scope.Scope
> =>
  Effect.gen(function* () {
    const options = yield* ServerOptions.make(settings.options)
    const lifespan = yield* Lifespan.start(yield* PagiApp.PagiApp, {
      mode: options.lifespan,
      startupTimeout: options.lifespanStartupTimeout,
      shutdownTimeout: options.shutdownTimeout,
      isWorker: false
    })
    yield* Effect.addFinalizer(() => Effect.catch(lifespan.shutdown, settings.onShutdownError))
    const { state } = lifespan
    const parts = { state, observer: undefined, files: settings.files }
    const context = yield* Effect.provideService(ServerContext.make(parts), ServerOptions.ServerOptions, options)
    const server = new BridgeServer(context, yield* Scope.fork(yield* Effect.scope))
    yield* Effect.addFinalizer(() => settings.end(server))
    return { server, state }
  })

/** Starts an application with the services that it requires. */
export const startApplication = <E, R>(
  application: PagiApp.Application<E, R>,
  settings: BridgeSettings
): Effect.Effect<
  StartedApplication,
  Lifespan.StartError | ServerOptions.InvalidOption,
  Exclude<R, Scope.Scope> | Scope.Scope
> =>
  Effect.flatMap(Layer.build(PagiApp.layer(application)), (context) => Effect.provideContext(start(settings), context))
