/** Programs for Effect's HTTP server that are served by this one, and clients of Node's that ask them. */
import type { NodeServices } from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import { Observer } from "@pagi/core/Observer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpMiddleware } from "effect/http/HttpMiddleware"
import type * as Etag from "effect/http/Etag"
import type { HttpPlatform } from "effect/http/HttpPlatform"
import * as HttpServer from "effect/http/HttpServer"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as EffectScope from "effect/Scope"
import { join } from "node:path"
import * as PagiHttpServer from "../../src/PagiHttpServer.ts"
import { fetch, type HttpClient, openHttp1, openHttp2, type Target } from "./HttpSuiteClient.ts"
import { tcpTarget, type Way } from "./HttpSuiteWay.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { serverTls, testCertificates } from "./TlsClient.ts"

/** What a program may require: its request, and what the layer of the server provides. */
export type Provided = HttpServerRequest | EffectScope.Scope | NodeServices | HttpPlatform | Etag.Generator

export type Program<E = unknown> = Effect.Effect<HttpServerResponse, E, Provided>

/** The versions of HTTP, and HTTP/2 also as browsers speak it. */
export const versions: ReadonlyArray<Way> = [
  { version: "1.1", over: "TCP" },
  { version: "2", over: "TCP" },
  { version: "2", over: "TLS" }
]

export const nameOf = ({ over, version }: Way): string => `HTTP/${version} over ${over}`

/** A server that listens, and how clients reach it. */
export interface Listening {
  readonly server: HttpServer.HttpServer["Service"]
  readonly target: Target
  /** What the program is served with. */
  readonly context: Context.Context<Exclude<Provided, HttpServerRequest | EffectScope.Scope> | HttpServer.HttpServer>
  /** Ends the server as the end of the program around it would. */
  readonly close: Effect.Effect<void>
}

/** Starts a server that serves nothing yet. */
export const listen = (
  { over }: Pick<Way, "over">,
  options: PagiHttpServer.Options = {}
): Effect.Effect<Listening, unknown, EffectScope.Scope> =>
  Effect.gen(function* () {
    const socket = over === "a Unix socket" ? { socket: join(yield* temporaryFolder, "app.sock") } : { port: 0 }
    const tls = over === "TLS" ? { tls: yield* serverTls } : {}
    const { authority } = yield* testCertificates
    const scope = yield* Effect.acquireRelease(EffectScope.make(), (scope) => EffectScope.close(scope, Exit.void))
    const context = yield* Layer.buildWithScope(PagiHttpServer.layer({ ...socket, ...tls, ...options }), scope)
    const server = Context.get(context, HttpServer.HttpServer)
    const { address } = server
    const target: Target = "port" in address ? tcpTarget(address.port) : { address: { path: socket.socket ?? "" } }
    return {
      server,
      context,
      target: over === "TLS" ? { ...target, ca: authority.cert } : target,
      close: EffectScope.close(scope, Exit.void)
    }
  })

/** How many requests have come to a server, and how many of them are over; `observe` has a server count. */
export class Requests {
  begun = 0
  ended = 0

  readonly observe = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(effect, Observer, {
      applicationStarted: () => void this.begun++,
      exchangeEnded: () => void this.ended++
    })
}

/** Serves a program on a server that listens, for as long as the scope. */
export const serveOn = (
  { context, server }: Listening,
  program: Program,
  middleware?: HttpMiddleware
): Effect.Effect<void, never, EffectScope.Scope> =>
  Effect.provide(
    // The type of middleware that takes this very program cannot be written down.
    middleware === undefined ? server.serve(program) : server.serve(program, middleware as never),
    context
  )

/** A client of its own for a server. */
export const clientFor = (
  version: Way["version"],
  target: Target
): Effect.Effect<HttpClient, never, EffectScope.Scope> => (version === "2" ? openHttp2(target) : openHttp1(target))

/** What a program is served with besides. */
export interface ServeOptions {
  readonly server?: PagiHttpServer.Options
  readonly middleware?: HttpMiddleware
}

/** Serves a program, with a client that asks it in this way. */
export const serve = (way: Way, program: Program, { middleware, server: options }: ServeOptions = {}) =>
  Effect.gen(function* () {
    const listening = yield* listen(way, options)
    yield* serveOn(listening, program, middleware)
    const client = yield* clientFor(way.version, listening.target)
    return { ...listening, client }
  })

/** The response to one request to a program that is served for it alone. */
export const ask = (way: Way, program: Program, request: Parameters<typeof fetch>[1] = {}, options?: ServeOptions) =>
  Effect.flatMap(serve(way, program, options), ({ client }) => fetch(client, request))

/** A program that looks at its request. */
export const withRequest = <E, R>(
  run: (request: HttpServerRequest) => Effect.Effect<HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse, E, R | HttpServerRequest> => Effect.flatMap(HttpServerRequest, run)

/** Gives the messages that are logged instead of writing them. */
export const withLog = <A, E, R>(run: (messages: ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const messages: Array<string> = []
    const logger = Logger.make(({ cause, message }) => {
      const texts = Array.isArray(message) ? message.map(String) : [String(message)]
      messages.push([...texts, ...(cause.reasons.length === 0 ? [] : [Cause.pretty(cause)])].join(" "))
    })
    return Effect.provide(run(messages), Logger.layer([logger]))
  })
