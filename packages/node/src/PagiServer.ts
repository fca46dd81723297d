import { combine, Observer } from "@pagi/core/observe/Observer"
import { ServerLoad } from "@pagi/core/observe/ServerLoad"
import * as Lifespan from "@pagi/core/exchange/Lifespan"
import type { EndpointOptions } from "@pagi/core/options/Endpoint"
import { PagiApp } from "@pagi/core/contract/PagiApp"
import { liveClock } from "@pagi/core/server/LiveClock"
import * as ServerContext from "@pagi/core/server/ServerContext"
import {
  type Input as OptionsInput,
  type InvalidOption,
  make as makeOptions,
  minimumLogLevel,
  ServerOptions,
  type Values,
  withoutEffect
} from "@pagi/core/options/ServerOptions"
import type { Address } from "@pagi/core/contract/Address"
import * as Clock from "effect/Clock"
import type { ConfigError } from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { HttpClient } from "effect/http/HttpClient"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as EffectScope from "effect/Scope"
import * as AccessLogFile from "./accessLog/AccessLogFile.ts"
import type { ServerAdmin, ServerAdminParts } from "./admin/ServerAdmin.ts"
import { makeAcceptor } from "./accept/ConnectionAcceptor.ts"
import * as TrustedPeers from "./connection/TrustedPeers.ts"
import { listenOnEndpoints } from "./connection/EndpointListeners.ts"
import * as FileBody from "./files/FileBody.ts"
import { Protocols } from "./accept/Protocols.ts"
import { alpnNames } from "./accept/ServerProtocols.ts"
import * as Drain from "./Drain.ts"
import type { IncompleteDrain } from "./IncompleteDrain.ts"
import { type Inheritance, InheritedSockets } from "./listen/InheritedSockets.ts"
import { type Listener, MoreListeners } from "./accept/Listener.ts"
import type { ListenError } from "./accept/ListenError.ts"
import * as OtlpOption from "./process/OtlpOption.ts"
import type { RootError } from "./static/RootError.ts"
import * as RuntimeError from "./process/RuntimeError.ts"
import { problemOf } from "./process/RuntimeSupport.ts"
import { durationOf } from "./process/Amounts.ts"
import { makeNow } from "./process/MonotonicClock.ts"
import { ServerMode } from "./process/ServerMode.ts"
import * as StartMessage from "./process/StartMessage.ts"
import { type UnderWay, underWay } from "./process/UnderWay.ts"
import { WorkerIdentity } from "./process/WorkerIdentity.ts"
import { keepFresh, TicketKeyring } from "./tls/TicketSecrets.ts"
import * as TlsCertificates from "./tls/TlsCertificates.ts"
import type { TlsError } from "./tls/TlsError.ts"

/** A running server. */
export class PagiServer extends Context.Service<
  PagiServer,
  {
    /** Where the first listener is bound. */
    readonly address: Address
    /** The port of the first listener on TCP, also when port 0 was asked for; 0 when there are Unix sockets only. */
    readonly port: number
    /** In the order in which the options name them, and then those that were added. */
    readonly listeners: ReadonlyArray<Pick<Listener, "address" | "url">>
    /** Where the admin listener answers (option `admin`); absent without one, and in a worker, whose parent has it. */
    readonly adminUrl: string | undefined
    /** Whether new connections are accepted. */
    readonly isRunning: Effect.Effect<boolean>
    /** Connections that are open, or whose applications have not ended yet. */
    readonly connectionCount: Effect.Effect<number>
    /** Exchanges that the application was started for: requests, event streams and WebSockets. */
    readonly requestCount: Effect.Effect<number>
    /** What goes on at the moment: what a stop would wait for, or cut off. */
    readonly underWay: Effect.Effect<UnderWay>
    /** The number of connections beyond which new ones are answered with 503. */
    readonly effectiveMaxConnections: number
    /**
     * Reports not to be ready and goes on for `drainDelay`; then stops accepting, lets requests finish for up to
     * `shutdownTimeout`, interrupts the rest and ends the application's lifespan. What does not end three seconds after it
     * was interrupted is told by an error and left alone. Runs once, however often it is asked
     * for; the end of the layer does the same. Fails, when all of that is done, if there was a rest to interrupt.
     */
    readonly shutdown: Effect.Effect<void, IncompleteDrain>
    /**
     * Reads the files of TLS again, for new connections; open ones go on. When a file is not good, that is logged and the
     * certificates in use stay.
     */
    readonly reloadCertificates: Effect.Effect<void>
    /**
     * Opens the access log's file anew by its path, after a rotation has moved it away; completes when every earlier
     * line is in the old file. One that cannot be opened is logged as an error, and the old one stays in use.
     */
    readonly reopenLogs: Effect.Effect<void>
  }
>()("@pagi/node/PagiServer") {}

/** Why a server does not start. */
export type StartError =
  | ListenError
  | Lifespan.StartError
  | AccessLogFile.AccessLogError
  | TlsError
  | RuntimeError.RuntimeError
  | RootError

/**
 * Starts a server: the application's lifespan first, then the listeners. The server runs until the scope closes, and the
 * scope has closed when the last request has ended and the application has shut down.
 */
export const make: Effect.Effect<PagiServer["Service"], StartError, PagiApp | ServerOptions | EffectScope.Scope> =
  Effect.gen(function* () {
    const problem = problemOf(process.versions)
    if (problem !== undefined) return yield* RuntimeError.make(problem)
    // First of all: the application may start other programs.
    const claimed = (yield* InheritedSockets).claim()
    const worker = yield* WorkerIdentity
    const options = yield* ServerOptions
    const app = isWrapped(options) ? yield* around(yield* PagiApp, options) : yield* PagiApp
    const inheritance = options.admin && worker === undefined ? yield* withAdminSocket(options, claimed) : claimed
    if (worker === undefined) yield* warnOfOptions(options)
    const load = new ServerLoad()
    const admin =
      options.admin && (yield* openAdmin({ options, worker, load, sockets: inheritance.admin, serve: make }))
    const protocols = yield* Protocols
    const certificates = yield* TlsCertificates.fromOptions(options, alpnNames(protocols, options))
    const tickets = worker?.tickets ?? new TicketKeyring()
    // Those of a worker are its parent's to change.
    if (certificates !== undefined && worker?.tickets === undefined) yield* keepFresh(tickets)
    const lifespan = yield* Lifespan.start(app, {
      mode: options.lifespan,
      startupTimeout: options.lifespanStartupTimeout,
      shutdownTimeout: options.shutdownTimeout,
      isWorker: worker !== undefined,
      ...(worker === undefined ? {} : { workerNum: worker.num })
    })
    const endLifespan = yield* Effect.cached(Effect.catch(lifespan.shutdown, (error) => Effect.logError(error.message)))
    // Also when no listener can be had: what the application opened must be closed.
    yield* Effect.addFinalizer(() => endLifespan)
    const accessLog = yield* AccessLogFile.open(options.accessLog, options.accessLogFormat)
    const files = FileBody.make(options.syncFileThreshold)
    const server = yield* ServerContext.make({
      state: lifespan.state,
      observer: combine(yield* Observer, accessLog?.observer, load, admin?.observer),
      files,
      workerNum: worker?.num,
      leaving: worker?.leaving,
      requestAge: Duration.isZero(options.maxQueueTime) ? undefined : yield* loadRequestAge,
      isTrusted: options.trustedProxies === undefined ? undefined : TrustedPeers.make(options.trustedProxies)
    }).pipe(Effect.provideService(PagiApp, app))
    // In parallel: an application that takes long to clean up does not keep the others from beginning to.
    const connections = yield* EffectScope.fork(yield* Effect.scope, "parallel")
    const acceptor = yield* EffectScope.provide(makeAcceptor(server, protocols), connections)
    const own = yield* listenOnEndpoints(acceptor, {
      inheritance,
      certificates,
      tickets,
      isWorker: worker !== undefined,
      share: worker?.share
    })
    const others = yield* Effect.forEach(yield* MoreListeners, (listen) => listen(acceptor))
    const listeners = [...own, ...others]
    let isRunning = true
    const stopRequested = yield* Latch.make()
    // In a fiber of its own: the caller may give up waiting, or be an exchange that the shutdown interrupts.
    const stopping = yield* Effect.forkScoped(
      stopRequested.whenOpen(
        Effect.gen(function* () {
          yield* Effect.logInfo("shutting down")
          const now = yield* makeNow
          const startedAt = now()
          admin?.stopping()
          yield* Drain.delay(server)
          isRunning = false
          for (const { stopAccepting } of listeners) yield* stopAccepting
          yield* Drain.besidesLiveClock(server)
          const drained = yield* Effect.exit(Drain.drain(server))
          yield* Drain.endExchanges(server, EffectScope.close(connections, Exit.void))
          yield* endLifespan
          yield* Effect.logInfo(`shut down after ${durationOf(now() - startedAt)}`)
          yield* drained
        })
      )
    )
    const shutdown = Effect.andThen(stopRequested.open, Fiber.join(stopping))
    // That the drain was incomplete has been logged, and there is nobody else to tell.
    yield* Effect.addFinalizer(() => Effect.ignore(shutdown))
    yield* announce(listeners, alpnNames(protocols, options), worker !== undefined)
    const urls = listeners.map(({ url }) => url)
    admin?.serving(urls, server.readiness)
    return PagiServer.of({
      address: own[0].address,
      port: own.map(({ address }) => address[1]).find((port) => port !== null) ?? 0,
      listeners,
      adminUrl: admin?.url,
      isRunning: Effect.sync(() => isRunning),
      connectionCount: Effect.sync(() => load.connections),
      requestCount: Effect.sync(() => load.requests),
      underWay: Effect.sync(() => underWay(server)),
      effectiveMaxConnections: options.maxConnections,
      shutdown,
      reloadCertificates: certificates?.reload ?? Effect.void,
      reopenLogs: accessLog?.reopen ?? Effect.void
    })
  })

/** Loads what only servers with an admin listener need. */
const openAdmin = (parts: ServerAdminParts<StartError>): Effect.Effect<ServerAdmin, StartError, EffectScope.Scope> =>
  Effect.flatMap(
    Effect.promise(() => import("./admin/ServerAdmin.ts")),
    ({ open }) => open(parts)
  )

/** Loads what only servers need whose requests may not wait for long. */
const loadRequestAge = Effect.map(
  Effect.promise(() => import("./process/RequestAge.ts")),
  ({ make }) => make()
)

/** Whether an option puts something around the application; by default nothing is. */
const isWrapped = (options: Values): boolean =>
  options.static !== undefined ||
  options.sendfile !== undefined ||
  options.compress ||
  options.securityHeaders !== "off" ||
  options.hsts !== undefined ||
  options.redirectHttps !== undefined ||
  options.mode === "development"

/** Loads what only servers with something around the application need, and puts it there. */
const around = (app: PagiApp["Service"], options: Values): Effect.Effect<PagiApp["Service"], RootError> =>
  Effect.flatMap(
    Effect.promise(() => import("./around/Wrapping.ts")),
    ({ wrap }) => wrap(app, options)
  )

/** Says which inherited socket is that of the admin listener. */
const withAdminSocket = (options: Values, inheritance: Inheritance): Effect.Effect<Inheritance> =>
  inheritance.sockets.length === 0
    ? Effect.succeed(inheritance)
    : Effect.flatMap(
        Effect.promise(() => import("./listen/AdminSocket.ts")),
        ({ assign }) => assign(options, inheritance)
      )

const serve = Effect.flatMap(ServerOptions, (options) =>
  Effect.provideService(make, References.MinimumLogLevel, minimumLogLevel(options))
)

/**
 * The server as a layer: it needs an application (`PagiApp.layer`) and options (`ServerOptions.layer`). It serves when the
 * layer is built, and when the layer's scope closes it stops as `shutdown` does. Fails with `StartError`: when it cannot
 * listen, or the application refuses to start, for instance.
 */
export const layer: Layer.Layer<PagiServer, StartError, PagiApp | ServerOptions> = Layer.effect(PagiServer, serve)

/** Another name of `layer`. */
export const PagiServerLive = layer

/**
 * The server as a layer that needs an application, and takes its options from Effect's `Config`: the variables `PAGI_…` of
 * the command, such as `PAGI_PORT` or `PAGI_SHUTDOWN_TIMEOUT=10s`, with the same kinds, units and defaults
 * (docs/options.md). They are those of the environment unless there is another `ConfigProvider`. Fails as `layer` does,
 * with `InvalidOption`, which names the variable, for a value that is not allowed, and with `ConfigError` when the provider
 * cannot be read.
 */
export const layerConfig: Layer.Layer<PagiServer, StartError | InvalidOption | ConfigError, PagiApp> =
  /* @__PURE__ */ Layer.suspend(() =>
    Layer.provide(
      layer,
      // Late: few servers need what it loads.
      Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("@pagi/core/options/ConfigOptions")),
          (ConfigOptions) => ConfigOptions.layer
        )
      )
    )
  )

/** Options of a server for tests: all but TLS and those that say where it listens. */
export type TestOptions = Omit<OptionsInput, keyof EndpointOptions | "tls">

/**
 * A server for tests, and an `HttpClient` whose requests go to it when they have a path only (`HttpClient.get("/")`). It
 * needs an application. It listens on a free port of 127.0.0.1, and logs warnings and errors alone, and no requests, unless
 * the options say otherwise. Its time limits pass by the live clock also where there is a `TestClock`, as its sockets are
 * real; the application has the clock of the test. Fails as `layer` does, and with `InvalidOption` for options that are not
 * allowed.
 */
export const layerTest = (
  options: TestOptions = {}
): Layer.Layer<PagiServer | HttpClient, StartError | InvalidOption, PagiApp> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const ServerClient = yield* Effect.promise(() => import("./testing/ServerClient.ts"))
      const defaults = { accessLog: "off", logLevel: "warn" } as const
      const values = yield* makeOptions({ ...defaults, ...options, host: "127.0.0.1", port: 0 })
      const server = yield* serve.pipe(
        Effect.provideService(ServerOptions, values),
        Effect.provideService(Clock.Clock, liveClock),
        Effect.provideService(ServerContext.PatientDrain, false)
      )
      const client = yield* ServerClient.make(`http://127.0.0.1:${server.port}`)
      return Context.merge(Context.make(PagiServer, server), client)
    })
  )

/** Says which options this server cannot honour. */
const warnOfOptions = (options: Values): Effect.Effect<void> => {
  const { needsCommand, needsWorkers } = withoutEffect(options)
  const problems = [
    ...needsWorkers.map((name) => `option ${name} has no effect in one process; PagiSupervisor serves with workers`),
    ...needsCommand.map((name) => `option ${name} has no effect in a program, whose messages go to its own Logger`)
  ]
  return Effect.andThen(
    Effect.forEach(problems, (problem) => Effect.logWarning(problem), { discard: true }),
    OtlpOption.warnIfIgnored(options)
  )
}

/** Says where the server listens, and what it is. A worker's parent has said that. */
const announce = (listeners: ReadonlyArray<Listener>, protocols: ReadonlyArray<string>, isWorker: boolean) =>
  Effect.gen(function* () {
    const log = isWorker ? Effect.logDebug : Effect.logInfo
    const warn = isWorker ? Effect.logDebug : Effect.logWarning
    for (const { remark, url } of listeners) {
      yield* log(`listening on ${url}`)
      if (remark !== undefined) yield* warn(remark)
    }
    if (isWorker) return
    const urls = listeners.map(({ url }) => url)
    yield* log(StartMessage.describe({ processes: yield* ServerMode, pid: process.pid, protocols, urls }))
  })
