/**
 * Drives an application in memory, without HTTP bytes or sockets, for tests of applications:
 *
 * ```ts
 * it.effect("greets", () =>
 *   Effect.gen(function*() {
 *     const client = yield* TestClient.make(app)
 *     const response = yield* client.request({ path: "/hello?name=Ada" })
 *     assert.strictEqual(response.text, "Hello, Ada!")
 *   }))
 * ```
 *
 * What a server does by itself shows in the responses: 500 for an application that fails or returns before it starts
 * one, a failure for a response that is broken off, no body with HEAD, refused headers and lengths. What belongs to the
 * bytes of a protocol does not: limits on requests, framing, and the Date field.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Lifespan from "../Exchange/Lifespan.ts"
import { makeExchangeOptions } from "../Exchange/Exchange.ts"
import { type FileSource, FileUnreadable } from "../FileSource.ts"
import * as PagiApp from "../PagiApp.ts"
import type { State } from "../Scope.ts"
import * as ServerContext from "../ServerContext.ts"
import * as ServerOptions from "../ServerOptions.ts"
import type { Address } from "../Transport.ts"
import { MemoryHost } from "./MemoryHost.ts"
import { TestExchange } from "./TestExchange.ts"
import { makeHead, type OpenRequest, type TestRequest } from "./TestRequest.ts"
import type { IncompleteResponse, TestResponse } from "./TestResponse.ts"

export type { TestExchange } from "./TestExchange.ts"
export type { OpenRequest, TestRequest } from "./TestRequest.ts"
export type { IncompleteResponse, ResponseHead, TestResponse } from "./TestResponse.ts"

/** The server's options, and what the application is told of the connection. */
export type Options = ServerOptions.Input & {
  /** The peer's address; `["127.0.0.1", 50000]` by default. */
  readonly client?: Address
  /** The server's address; `["127.0.0.1", 5000]` by default. */
  readonly server?: Address
  /** Whether the scheme is https. */
  readonly secure?: boolean
  /** Where response files come from, for instance the one of @pagi/node; without it no file can be opened. */
  readonly files?: FileSource
}

const noFiles: FileSource = {
  open: () =>
    Effect.fail(new FileUnreadable({ message: "this client has no files; give it some by its option `files`" }))
}

/** A started application and the way to it. */
export interface TestClient {
  /** What the application's lifespan handler left for its exchanges. */
  readonly state: State
  /** Sends a request and waits for the whole response. */
  readonly request: (request: TestRequest) => Effect.Effect<TestResponse, IncompleteResponse>
  /** Sends a request whose bodies the test sends and takes piece by piece. */
  readonly open: (request: OpenRequest) => Effect.Effect<TestExchange>
  /** Begins a drain: `shuttingDown` of the scopes completes, and event streams end 100 ms later. */
  readonly beginShutdown: Effect.Effect<void>
}

interface Connection {
  readonly client: Address
  readonly server: Address
  readonly secure: boolean
  readonly tls: undefined
}

/**
 * Starts the application's lifespan and answers a client for it. When the scope closes, exchanges that still run are
 * interrupted and the lifespan is shut down; a shutdown that fails is a defect.
 */
export const make = <E, R>(
  application: PagiApp.Application<E, R>,
  options: Options = {}
): Effect.Effect<TestClient, Lifespan.LifespanError | ServerOptions.InvalidOption, R | Scope.Scope> =>
  Effect.gen(function* () {
    const {
      client = ["127.0.0.1", 50_000],
      server = ["127.0.0.1", 5000],
      files = noFiles,
      secure = false,
      ...input
    } = options
    const context = yield* Layer.build(Layer.merge(PagiApp.layer(application), ServerOptions.layer(input)))
    const values = Context.get(context, ServerOptions.ServerOptions)
    const lifespan = yield* Lifespan.start(Context.get(context, PagiApp.PagiApp), {
      mode: values.lifespan,
      startupTimeout: values.lifespanStartupTimeout,
      shutdownTimeout: values.shutdownTimeout,
      isWorker: false
    })
    yield* Effect.addFinalizer(() => Effect.orDie(lifespan.shutdown))
    const parts = { state: lifespan.state, accessLog: undefined, files }
    const shared = yield* ServerContext.make(parts).pipe(Effect.provideContext(context))
    const open = opener(shared, { client, server, secure, tls: undefined }, yield* Effect.scope)
    return {
      state: lifespan.state,
      open,
      request: (request) =>
        Effect.flatMap(open(request), (exchange) => Effect.onInterrupt(exchange.response, () => exchange.disconnect())),
      beginShutdown: Effect.andThen(
        Effect.sync(() => shared.registry.drain()),
        shared.beginShutdown
      )
    }
  })

/** Runs the application for one request, as a driver does. */
const opener = (server: ServerContext.ServerContext, connection: Connection, scope: Scope.Scope) => {
  const exchangeOptions = makeExchangeOptions(server)
  return (request: OpenRequest): Effect.Effect<TestExchange> =>
    Effect.sync(() => {
      let fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
      const leave = Effect.suspend(() => {
        if (fiber === undefined || host.exit !== undefined) return Effect.void
        return Effect.asVoid(Effect.forkIn(Effect.delay(Fiber.interrupt(fiber), server.options.disconnectGrace), scope))
      })
      const head = makeHead(request)
      const host = new MemoryHost(request, head, exchangeOptions)
      const exchange = new TestExchange(host, leave)
      if (head === undefined) {
        host.exit = Exit.void
        host.answer(400, "the request is malformed")
        return exchange
      }
      fiber = host.exchange.run(server.runner, host.exchange.makeScope(server, connection, head), host)
      if (fiber === undefined) return exchange
      Fiber.runIn(fiber, scope)
      server.registry.add(host)
      fiber.addObserver(() => server.registry.remove(host))
      return exchange
    })
}
