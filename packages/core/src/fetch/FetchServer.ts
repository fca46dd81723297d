/** Answers requests of the Fetch standard by an application of the contract. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type BridgeServer, start } from "../bridge/BridgeServer.ts"
import * as SystemFiles from "../bridge/SystemFiles.ts"
import type { PagiApp } from "../contract/PagiApp.ts"
import type { StartError } from "../exchange/Lifespan.ts"
import type { ScopeConnection } from "../exchange/RequestScope.ts"
import { errorContent, errorContentType } from "../http/ResponseContent.ts"
import type { InvalidOption } from "../options/ServerOptions.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { FetchExchange } from "./FetchExchange.ts"
import { isHandshake, makeHead } from "./FetchHead.ts"
import type { Fetch, FetchConnection, FetchOptions } from "./FetchOptions.ts"

const plain = (status: number, message: string): Response =>
  new Response(errorContent(message), { status, headers: { "content-type": errorContentType } })

/** Serves with the application that is there until the scope closes. */
export const make = (settings: FetchOptions): Effect.Effect<Fetch, StartError | InvalidOption, PagiApp | Scope.Scope> =>
  Effect.gen(function* () {
    const { connection, files, ...options } = settings
    const { server } = yield* start({
      options,
      files: files ?? (yield* SystemFiles.current),
      end: (running) => running.drain,
      onShutdownError: ({ message }) => Effect.logError(message)
    })
    return (request: Request, ...platform: ReadonlyArray<unknown>) =>
      // The option says what its own platform gives, which nobody else knows.
      answer(server, request, connection?.(request, ...(platform as ReadonlyArray<never>)) ?? nothingKnown)
  })

const nothingKnown: FetchConnection = {}

const answer = (server: BridgeServer, request: Request, connection: FetchConnection): Promise<Response> =>
  new Promise((resolve) => {
    if (server.isDraining) return resolve(plain(503, "the application has ended"))
    if (request.signal.aborted) return resolve(new Response(null, { status: 499 }))
    if (server.options.servesWebSockets && isHandshake(request)) {
      return resolve(plain(501, "WebSockets are not served here: a fetch handler answers with a response only"))
    }
    const head = makeHead(request)
    if (head === undefined) return resolve(plain(400, "the request is malformed"))
    const exchange = new FetchExchange(request, head, server.options, resolve)
    server.begin(exchange, head, connectionOf(request, connection), contextOf(server, connection))
  })

const connectionOf = ({ url }: Request, { client, server }: FetchConnection): ScopeConnection => ({
  client,
  server,
  secure: url.startsWith("https:"),
  tls: undefined
})

const contextOf = ({ context }: BridgeServer, { extensions }: FetchConnection): ServerContext =>
  extensions === undefined
    ? context
    : { ...context, options: { ...context.options, extensions: { ...context.options.extensions, ...extensions } } }
