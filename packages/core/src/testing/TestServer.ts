import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Logger from "effect/Logger"
import * as EffectScope from "effect/Scope"
import type { ExchangeRecord, ObservedRequest, Observer } from "../observe/Observer.ts"
import { ListenerFibers } from "../server/ConnectionFibers.ts"
import { type FileSource, FileUnreadable } from "../contract/FileSource.ts"
import { PagiApp, type Application } from "../contract/PagiApp.ts"
import * as ServerContext from "../server/ServerContext.ts"
import * as ServerOptions from "../options/ServerOptions.ts"

/** What a server of a test has besides its application. */
export interface TestServerOptions {
  /** Those of a server; the others keep their defaults. */
  readonly options?: ServerOptions.Input
  /** What the application's lifespan handler would have left. */
  readonly state?: Record<string, unknown>
  /** Where response files come from; without it no file can be opened. */
  readonly files?: FileSource
}

/** What drivers need of a server, without sockets and listeners, for tests of drivers. */
export interface TestServer {
  readonly server: ServerContext.ServerContext
  /** The scope of all connections; the test's own scope closes it. */
  readonly connections: EffectScope.Closeable
  /** The fibers below it, for drivers. */
  readonly fibers: ListenerFibers
  /** The exchanges that have ended. */
  readonly log: Array<ExchangeRecord>
  /**
   * What observers were told, in order: `opened`, `started GET /`, `application`, `ended GET / 200 complete`,
   * `closed http/1.1 client_closed` …
   */
  readonly events: Array<string>
  /** Of how many connections and exchanges observers were told the beginning, but not the end. */
  readonly untold: { connections: number; exchanges: number }
  /** What was logged as an error, by the server or the application. */
  readonly errors: Array<string>
  /** Connections whose scope has not been closed. */
  readonly openScopes: () => number
}

const noFiles: FileSource = { open: () => Effect.fail(new FileUnreadable({ message: "there are no files" })) }

const collectErrors = (errors: Array<string>): Logger.Logger<unknown, void> =>
  Logger.make(({ logLevel, message }) => {
    if (logLevel === "Error" || logLevel === "Fatal") errors.push(Formatter.format(message))
  })

const nameOf = (request: ObservedRequest | undefined): string =>
  request === undefined ? "-" : `${request.method} ${request.target}`

/** Writes down everything that is told of a server. */
const record = ({ events, log, untold }: Pick<TestServer, "events" | "log" | "untold">): Observer => ({
  usesFirstByte: true,
  usesResponseHeaders: true,
  connectionOpened: () => {
    untold.connections++
    events.push("opened")
  },
  connectionClosed: (protocol, reason) => {
    untold.connections--
    events.push(`closed ${protocol} ${reason}`)
  },
  sendSuspended: () => events.push("suspended"),
  waitBegan: () => events.push("waiting"),
  waitEnded: () => events.push("waited"),
  streamReset: (by) => events.push(`reset by ${by}`),
  webSocketMessage: (direction) => events.push(`message ${direction}`),
  exchangeStarted: (request) => {
    untold.exchanges++
    events.push(`started ${nameOf(request)}`)
  },
  applicationStarted: () => events.push("application"),
  exchangeEnded: (record) => {
    untold.exchanges--
    events.push(`ended ${nameOf(record.request)} ${record.status} ${record.outcome}`)
    // A copy, which equals objects that a test writes down.
    log.push({ ...record })
  },
  protocolError: (reason) => events.push(`error ${reason}`),
  limitHit: (limit) => events.push(`limit ${limit}`)
})

/** Makes one for the application; when the scope closes, connections are aborted as by a server that stops. */
export const make = <E, R>(
  application: Application<E, R>,
  { files = noFiles, options, state = {} }: TestServerOptions = {}
): Effect.Effect<TestServer, ServerOptions.InvalidOption, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const errors: Array<string> = []
    const loggers = new Set([collectErrors(errors)])
    const context = Context.add(yield* Effect.context<never>(), Logger.CurrentLoggers, loggers)
    const log: Array<ExchangeRecord> = []
    const untold = { connections: 0, exchanges: 0 }
    const events: Array<string> = []
    const observer = record({ events, log, untold })
    const server = yield* ServerContext.make({ state, observer, files }).pipe(
      Effect.provideService(ServerOptions.ServerOptions, yield* ServerOptions.make(options)),
      Effect.provideService(Logger.CurrentLoggers, loggers),
      // The requirements are in `context`, which is what the cast erases.
      Effect.provideService(PagiApp, { application: application as Application<unknown, never>, context })
    )
    const connections = yield* EffectScope.fork(yield* Effect.scope)
    yield* EffectScope.addFinalizer(
      connections,
      Effect.sync(() => server.registry.abort("server_shutdown"))
    )
    const fibers = yield* EffectScope.provide(ListenerFibers.make(server.runner), connections)
    return { server, connections, fibers, log, events, untold, errors, openScopes: () => fibers.size }
  })
