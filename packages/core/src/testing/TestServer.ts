import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Logger from "effect/Logger"
import * as EffectScope from "effect/Scope"
import { combine, type ExchangeRecord, Observer } from "../observe/Observer.ts"
import { ConnectionScopes } from "../server/ConnectionScope.ts"
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
  /** The scopes below it, for drivers. */
  readonly scopes: ConnectionScopes
  /** The exchanges that have ended. */
  readonly log: Array<ExchangeRecord>
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

/** Makes one for the application, which also tells the `Observer` of the test; when the scope closes, connections are aborted as by a server that stops. */
export const make = <E, R>(
  application: Application<E, R>,
  { files = noFiles, options, state = {} }: TestServerOptions = {}
): Effect.Effect<TestServer, ServerOptions.InvalidOption, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const errors: Array<string> = []
    const loggers = new Set([collectErrors(errors)])
    const context = Context.add(yield* Effect.context<never>(), Logger.CurrentLoggers, loggers)
    const log: Array<ExchangeRecord> = []
    const records: Observer = {
      usesFirstByte: true,
      usesResponseHeaders: true,
      // A copy, which equals objects that a test writes down.
      exchangeEnded: (record) => log.push({ ...record })
    }
    const observer = combine(yield* Observer, records)
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
    const scopes = yield* EffectScope.provide(ConnectionScopes.make(server.runner), connections)
    return { server, connections, scopes, log, errors, openScopes: () => scopes.size }
  })
