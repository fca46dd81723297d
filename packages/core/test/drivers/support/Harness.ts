import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { Application } from "../../../src/contract/PagiApp.ts"
import type { WebSocketUpgrade } from "../../../src/exchange/WebSocketUpgrade.ts"
import type { InvalidOption } from "../../../src/options/ServerOptions.ts"
import type { ServerContext } from "../../../src/server/ServerContext.ts"
import * as TestServer from "../../../src/testing/TestServer.ts"
import { ClientTransport, type ClientTransportOptions } from "./ClientTransport.ts"
import type { Client, ClientExchange, RequestOptions, Version } from "./Version.ts"

export interface HarnessOptions extends TestServer.TestServerOptions {
  /** The WebSocket protocol; there is none without it. */
  readonly webSocket?: (server: ServerContext) => WebSocketUpgrade
}

/** A server without sockets for one version of HTTP. */
export interface Harness extends TestServer.TestServer {
  readonly version: Version
  /** A new connection to the application. */
  readonly connect: (options?: ClientTransportOptions) => Client
}

export const makeHarness = <E, R>(
  version: Version,
  application: Application<E, R>,
  options: HarnessOptions = {}
): Effect.Effect<Harness, InvalidOption, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const testServer = yield* TestServer.make(application, options)
    const accept = version.listen(testServer, options.webSocket?.(testServer.server))
    return { ...testServer, version, connect: (options) => accept(new ClientTransport(options)) }
  })

/** Lets everything happen that needs no time: microtasks, closing connections, fibers that were scheduled. */
export const turn: Effect.Effect<void> = Effect.promise(
  () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
)

/** Lets so many turns pass, in each of which the client takes what is there. */
export const readFor = (client: Client, turns: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let passed = 0; passed < turns; passed++) {
      client.read()
      yield* turn
    }
    client.read()
  })

/** A request on a new connection, after everything that needs no time has happened. */
export const ask = (
  harness: Harness,
  request?: RequestOptions,
  transport?: ClientTransportOptions
): Effect.Effect<{ readonly client: Client; readonly exchange: ClientExchange }> =>
  Effect.gen(function* () {
    const client = harness.connect(transport)
    const exchange = client.request(request)
    yield* turn
    return { client, exchange }
  })

/** Checks that an exchange which went wrong has cost its connection where it has to, and nothing else otherwise. */
export const assertCost = ({ version }: Harness, client: Client): void => {
  client.read()
  assert.strictEqual(client.mayAskAgain, version.failureCosts === "exchange", "whether the connection goes on")
}

/** The clients close their sides; then nothing of the connections may be left. */
export const finish = (harness: Harness, ...clients: ReadonlyArray<Client>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const client of clients) {
      client.transport.pushEnd()
      client.read()
    }
    yield* turn
    for (const client of clients) client.read()
    assertNothingLeft(harness)
  })

/** What a server without connections holds. */
export const assertNothingLeft = ({ openScopes, server, untold }: TestServer.TestServer): void => {
  assert.strictEqual(server.registry.size, 0, "connections in the registry")
  assert.strictEqual(openScopes(), 0, "open connection scopes")
  assert.deepStrictEqual(untold, { connections: 0, exchanges: 0 }, "ends that observers were not told")
}

/** What the access log has of each exchange, and how it has ended. */
export const summaries = ({ log }: TestServer.TestServer): ReadonlyArray<string> =>
  log.map(
    ({ bytes, outcome, request, status }) =>
      `${request === undefined ? "-" : `${request.method} ${request.target}`} ${status} ${bytes} ${outcome}`
  )

/** How exchanges have ended for the access log. */
export const outcomes = ({ log }: TestServer.TestServer): ReadonlyArray<string> =>
  log.map(({ outcome, status }) => `${status} ${outcome}`)
