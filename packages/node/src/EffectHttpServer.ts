/** Effect's `HttpServer` on this server, and what its programs need besides: what `PagiHttpServer` loads when it is used. */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as PagiApp from "@pagi/core/contract/PagiApp"
import type { Address } from "@pagi/core/contract/Address"
import { HttpServers } from "@pagi/core/httpEffect/HttpServers"
import { type Input as OptionsInput, make as makeOptions, ServerOptions } from "@pagi/core/options/ServerOptions"
import { liveClock } from "@pagi/core/server/LiveClock"
import { PatientDrain } from "@pagi/core/server/ServerContext"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Etag from "effect/http/Etag"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type { HttpClient } from "effect/http/HttpClient"
import type { HttpPlatform } from "effect/http/HttpPlatform"
import * as HttpServer from "effect/http/HttpServer"
import { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import type * as EffectScope from "effect/Scope"
import * as FilePlatform from "./files/FilePlatform.ts"
import { layer as pagiServer, PagiServer } from "./PagiServer.ts"

/** What `layerHttpServices` provides. */
export type HttpServices = NodeServices.NodeServices | HttpPlatform | Etag.Generator

export const layerHttpServices: Layer.Layer<HttpServices> = FilePlatform.layer

const defaults = { quiet: true, accessLog: "off" } as const

const toNetAddress = ([host, port]: Address): Effect.Effect<NetAddress.SocketAddress, ServeError> =>
  port === null
    ? Effect.succeed(NetAddress.unixPathAddress(host))
    : Effect.mapError(
        Effect.fromResult(NetAddress.inetAddressFromIpString(host, port)),
        (cause) => new ServeError({ cause })
      )

/** Starts a server with the options that it finds. */
const start: Effect.Effect<HttpServer.HttpServer["Service"], ServeError, ServerOptions | EffectScope.Scope> =
  Effect.gen(function* () {
    let shutdown: Effect.Effect<void> = Effect.void
    const servers = new HttpServers(Effect.suspend(() => shutdown))
    const app = Layer.succeed(PagiApp.PagiApp, { application: servers.application, context: Context.empty() })
    const context = yield* Effect.mapError(
      Layer.build(Layer.provide(Layer.fresh(pagiServer), app)),
      (cause) => new ServeError({ cause })
    )
    // Before the server is closed, which waits for its requests.
    yield* Effect.addFinalizer(() => servers.close)
    const server = Context.get(context, PagiServer)
    // That the time for it was not enough has been logged.
    shutdown = Effect.andThen(Effect.ignore(server.shutdown), servers.close)
    return servers.service(yield* toNetAddress(server.address))
  })

/** Starts a server with these options, of which all that are not given are as `defaults` has them. */
export const make = (
  options: OptionsInput = {}
): Effect.Effect<HttpServer.HttpServer["Service"], ServeError, EffectScope.Scope> =>
  Effect.flatMap(
    Effect.mapError(makeOptions({ ...defaults, ...options }), (cause) => new ServeError({ cause })),
    (values) => Effect.provideService(start, ServerOptions, values)
  )

/** The server alone, with these options. */
export const layerServer = (options?: OptionsInput): Layer.Layer<HttpServer.HttpServer, ServeError> =>
  Layer.effect(HttpServer.HttpServer)(make(options))

/** The server alone, with the options that it finds. */
export const layerFromOptions: Layer.Layer<HttpServer.HttpServer, ServeError, ServerOptions> = Layer.effect(
  HttpServer.HttpServer
)(start)

/** A server on a free port whose time limits pass by the live clock, and a client of it. */
export const layerTest: Layer.Layer<HttpServer.HttpServer | HttpServices | HttpClient, ServeError> =
  HttpServer.layerTestClient.pipe(
    Layer.provide(
      Layer.fresh(FetchHttpClient.layer).pipe(
        Layer.provide(Layer.succeed(FetchHttpClient.RequestInit)({ keepalive: false }))
      )
    ),
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.effect(HttpServer.HttpServer)(
          make({ host: "127.0.0.1", port: 0 }).pipe(
            Effect.provideService(Clock.Clock, liveClock),
            Effect.provideService(PatientDrain, false)
          )
        ),
        layerHttpServices
      )
    )
  )
