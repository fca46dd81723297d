/**
 * Effect's `HttpServer` on this server: programs that are written for `NodeHttpServer`, with `HttpRouter`, `HttpApi`, RPC or
 * WebSocket upgrades, run on it when this layer takes the place of the other.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as PagiApp from "@pagi/core/contract/PagiApp"
import type { Address } from "@pagi/core/contract/Address"
import { HttpServers } from "@pagi/core/httpEffect/HttpServers"
import * as ConfigOptions from "@pagi/core/options/ConfigOptions"
import {
  type Input as OptionsInput,
  type InvalidOption,
  make as makeOptions,
  ServerOptions
} from "@pagi/core/options/ServerOptions"
import { liveClock } from "@pagi/core/server/LiveClock"
import { PatientDrain } from "@pagi/core/server/ServerContext"
import * as Clock from "effect/Clock"
import type { ConfigError } from "effect/Config"
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

/** Options of the server (docs/options.md); by default it neither logs requests nor where it listens, as programs do that. */
export type Options = OptionsInput

/** What HTTP programs need besides a server; the same as of `NodeHttpServer`, but files go out in the way of this one. */
export const layerHttpServices: Layer.Layer<NodeServices.NodeServices | HttpPlatform | Etag.Generator> =
  FilePlatform.layer

const defaults = { quiet: true, accessLog: "off" } as const

const toNetAddress = ([host, port]: Address): Effect.Effect<NetAddress.SocketAddress, ServeError> =>
  port === null
    ? Effect.succeed(NetAddress.unixPathAddress(host))
    : Effect.mapError(
        Effect.fromResult(NetAddress.inetAddressFromIpString(host, port)),
        (cause) => new ServeError({ cause })
      )

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

/**
 * Starts a server for `HttpServer.serve`. It listens at once; a request that comes before anything is served waits for
 * that. When what was served last ends, requests that have begun get `shutdownTimeout`, and the server stops. Fails with
 * `ServeError` when it cannot listen, or an option is not allowed.
 */
export const make = (
  options: Options = {}
): Effect.Effect<HttpServer.HttpServer["Service"], ServeError, EffectScope.Scope> =>
  Effect.flatMap(
    Effect.mapError(makeOptions({ ...defaults, ...options }), (cause) => new ServeError({ cause })),
    (values) => Effect.provideService(start, ServerOptions, values)
  )

/** The server alone; see `make`. */
export const layerServer = (options?: Options): Layer.Layer<HttpServer.HttpServer, ServeError> =>
  Layer.effect(HttpServer.HttpServer)(make(options))

/** Provides what `NodeHttpServer.layer` does: the server, and what HTTP programs need besides. */
export const layer = (
  options?: Options
): Layer.Layer<HttpServer.HttpServer | NodeServices.NodeServices | HttpPlatform | Etag.Generator, ServeError> =>
  Layer.mergeAll(layerServer(options), layerHttpServices)

/**
 * Like `layer`, with the options that Effect's `Config` has: the variables `PAGI_…` of the command, such as `PAGI_PORT`
 * (docs/options.md), unless there is another `ConfigProvider`. Fails also with `InvalidOption`, which names the variable.
 */
export const layerConfig: Layer.Layer<
  HttpServer.HttpServer | NodeServices.NodeServices | HttpPlatform | Etag.Generator,
  ServeError | InvalidOption | ConfigError
> = /* @__PURE__ */ Layer.suspend(() =>
  Layer.mergeAll(Layer.effect(HttpServer.HttpServer)(start).pipe(Layer.provide(ConfigOptions.layer)), layerHttpServices)
)

/**
 * A server for tests on a free port of 127.0.0.1, and an `HttpClient` whose requests go to it when they have a path only.
 * Its time limits pass by the live clock also where there is a `TestClock`; the program has the clock of the test.
 */
export const layerTest: Layer.Layer<
  HttpServer.HttpServer | NodeServices.NodeServices | HttpPlatform | Etag.Generator | HttpClient,
  ServeError
> = /* @__PURE__ */ Layer.suspend(() =>
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
)
