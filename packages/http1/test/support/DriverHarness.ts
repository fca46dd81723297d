import type { AccessLog, AccessRecord } from "@pagi/core/AccessLog"
import type { ByteString } from "@pagi/core/ByteString"
import { type FileSource, FileUnreadable } from "@pagi/core/FileSource"
import { PagiApp, type Application } from "@pagi/core/PagiApp"
import * as ServerContext from "@pagi/core/ServerContext"
import * as ServerOptions from "@pagi/core/ServerOptions"
import { MemoryTransport, type MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import { assert } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Logger from "effect/Logger"
import * as EffectScope from "effect/Scope"
import { Http1Driver } from "../../src/Http1Driver.ts"
import { makeSettings } from "../../src/Http1Settings.ts"

export interface HarnessOptions {
  readonly options?: ServerOptions.Input
  readonly state?: Record<string, unknown>
  readonly files?: FileSource
}

const noFiles: FileSource = { open: () => Effect.fail(new FileUnreadable({ message: "there are no files" })) }

/** A server without sockets: every `connect` is a new connection to the application. */
export interface Harness {
  readonly server: ServerContext.ServerContext
  readonly connect: (options?: MemoryTransportOptions) => MemoryTransport
  /** The scope of all connections; the harness's own scope closes it. */
  readonly connections: EffectScope.Closeable
  readonly log: Array<AccessRecord>
  /** What was logged as an error, by the server or the application. */
  readonly errors: Array<string>
  /** Connections whose scope has not been closed. */
  readonly openScopes: () => number
}

const collectErrors = (errors: Array<string>): Logger.Logger<unknown, void> =>
  Logger.make(({ logLevel, message }) => {
    if (logLevel === "Error" || logLevel === "Fatal") errors.push(Formatter.format(message))
  })

export const makeHarness = <E, R>(
  application: Application<E, R>,
  harness: HarnessOptions = {}
): Effect.Effect<Harness, ServerOptions.InvalidOption, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const errors: Array<string> = []
    const loggers = new Set([collectErrors(errors)])
    const context = Context.add(yield* Effect.context<never>(), Logger.CurrentLoggers, loggers)
    const log: Array<AccessRecord> = []
    const accessLog: AccessLog = {
      usesFirstByte: true,
      usesResponseHeaders: true,
      // A copy, which equals objects that a test writes down.
      record: (record) => log.push({ ...record })
    }
    const server = yield* ServerContext.make({
      state: harness.state ?? {},
      accessLog,
      files: harness.files ?? noFiles
    }).pipe(
      Effect.provideService(ServerOptions.ServerOptions, yield* ServerOptions.make(harness.options)),
      // The requirements are in `context`, which is what the cast erases.
      Effect.provideService(Logger.CurrentLoggers, loggers),
      Effect.provideService(PagiApp, { application: application as Application<unknown, never>, context })
    )
    const connections = yield* EffectScope.fork(yield* Effect.scope)
    const settings = makeSettings(server)
    yield* EffectScope.addFinalizer(
      connections,
      Effect.sync(() => server.registry.abort("server_shutdown"))
    )
    const connect = (options?: MemoryTransportOptions): MemoryTransport => {
      const transport = new MemoryTransport(options)
      new Http1Driver(settings, transport, connections)
      return transport
    }
    // The finalizer above is always there; each open scope of a connection adds one.
    const openScopes = () => (connections.state._tag === "Open" ? (connections.state.finalizers?.size ?? 1) - 1 : 0)
    return { server, connect, connections, log, errors, openScopes }
  })

/** Lets everything happen that needs no time: microtasks, closing connections, fibers that were scheduled. */
export const turn: Effect.Effect<void> = Effect.promise(
  () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
)

/** Lets microtasks run, so that what was scheduled for the end of the turn has happened. */
export const endOfTurn: Effect.Effect<void> = Effect.promise(() => Promise.resolve())

/** A new connection that has sent these bytes, after everything that needs no time has happened. */
export const converse = (harness: Harness, bytes: ByteString): Effect.Effect<MemoryTransport> =>
  Effect.gen(function* () {
    const transport = harness.connect()
    transport.push(bytes)
    yield* turn
    return transport
  })

/** The peer closes its side; then nothing of the connections may be left. */
export const finish = (harness: Harness, ...transports: ReadonlyArray<MemoryTransport>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const transport of transports) transport.pushEnd()
    yield* turn
    assertNothingLeft(harness)
  })

export const assertNothingLeft = ({ server, openScopes }: Harness): void => {
  assert.strictEqual(server.registry.size, 0, "connections in the registry")
  assert.strictEqual(openScopes(), 0, "open connection scopes")
}

/** The statuses of the responses in a text, where no body contains what looks like a status line. */
export const statuses = (text: ByteString): Array<number> =>
  [...text.matchAll(/HTTP\/1\.1 ([0-9]{3}) /g)].map((match) => Number(match[1]))
