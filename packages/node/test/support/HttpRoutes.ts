/** Routes of Effect's router that are served by this server, with Effect's own client. */
import type { NodeServices } from "@effect/platform-node/NodeServices"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Etag from "effect/http/Etag"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpPlatform } from "effect/http/HttpPlatform"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import type * as EffectScope from "effect/Scope"
import { httpClient, type Version } from "../../../../test/support/EffectHttpClients.ts"
import type * as PagiHttpServer from "../../src/PagiHttpServer.ts"
import { listen } from "./HttpPrograms.ts"

/** Routes, which may require what the layer of the server provides. */
export type Routes = Layer.Layer<never, never, HttpRouter.HttpRouter | NodeServices | HttpPlatform | Etag.Generator>

/** Routes that are served. */
export interface ServedRoutes {
  readonly port: number
  readonly origin: string
  /** A client whose requests need a path only. */
  readonly client: HttpClient.HttpClient
}

/** Serves routes, as long as the scope; the client, which speaks this version of HTTP, leaves first. */
export const serveRoutes = (
  version: Version,
  routes: Routes,
  options: PagiHttpServer.Options = {}
): Effect.Effect<ServedRoutes, unknown, EffectScope.Scope> =>
  Effect.gen(function* () {
    const { context, server } = yield* listen({ over: "TCP" }, options)
    const served = HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true })
    yield* Layer.build(Layer.provide(served, Layer.succeedContext(context)))
    const port = "port" in server.address ? server.address.port : 0
    const origin = `http://127.0.0.1:${port}`
    const client = Context.get(yield* Layer.build(httpClient(version, origin)), HttpClient.HttpClient)
    return { port, origin, client: HttpClient.mapRequest(client, HttpClientRequest.prependUrl(origin)) }
  })
