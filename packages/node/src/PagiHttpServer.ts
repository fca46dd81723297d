/**
 * Effect's `HttpServer` on this server: programs that are written for `NodeHttpServer`, with `HttpRouter`, `HttpApi`, RPC or
 * WebSocket upgrades, run on it when this layer takes the place of the other. What that takes is loaded when it is used.
 */
import type { Input as OptionsInput, InvalidOption } from "@pagi/core/options/ServerOptions"
import type { ConfigError } from "effect/Config"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import type { HttpServer } from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import type * as EffectScope from "effect/Scope"
import type { HttpServices } from "./EffectHttpServer.ts"

export type { HttpServices }

/** Options of the server (docs/options.md); by default it neither logs requests nor where it listens, as programs do that. */
export type Options = OptionsInput

const loaded = Effect.promise(() => import("./EffectHttpServer.ts"))

/** What HTTP programs need besides a server; the same as of `NodeHttpServer`, but files go out in the way of this one. */
export const layerHttpServices: Layer.Layer<HttpServices> = /* @__PURE__ */ Layer.unwrap(
  Effect.map(loaded, (server) => server.layerHttpServices)
)

/**
 * Starts a server for `HttpServer.serve`. It listens at once; a request that comes before anything is served waits for
 * that. When what was served last ends, requests that have begun get `shutdownTimeout`, and the server stops. Fails with
 * `ServeError` when it cannot listen, or an option is not allowed.
 */
export const make = (options?: Options): Effect.Effect<HttpServer["Service"], ServeError, EffectScope.Scope> =>
  Effect.flatMap(loaded, (server) => server.make(options))

/** The server alone; see `make`. */
export const layerServer = (options?: Options): Layer.Layer<HttpServer, ServeError> =>
  Layer.unwrap(Effect.map(loaded, (server) => server.layerServer(options)))

/** Provides what `NodeHttpServer.layer` does: the server, and what HTTP programs need besides. */
export const layer = (options?: Options): Layer.Layer<HttpServer | HttpServices, ServeError> =>
  Layer.mergeAll(layerServer(options), layerHttpServices)

/**
 * Like `layer`, with the options that Effect's `Config` has: the variables `PAGI_…` of the command, such as `PAGI_PORT`
 * (docs/options.md), unless there is another `ConfigProvider`. Fails also with `InvalidOption`, which names the variable.
 */
export const layerConfig: Layer.Layer<HttpServer | HttpServices, ServeError | InvalidOption | ConfigError> =
  /* @__PURE__ */ Layer.unwrap(
    Effect.gen(function* () {
      const server = yield* loaded
      const ConfigOptions = yield* Effect.promise(() => import("@pagi/core/options/ConfigOptions"))
      return Layer.mergeAll(Layer.provide(server.layerFromOptions, ConfigOptions.layer), layerHttpServices)
    })
  )

/**
 * A server for tests on a free port of 127.0.0.1, and an `HttpClient` whose requests go to it when they have a path only.
 * Its time limits pass by the live clock also where there is a `TestClock`; the program has the clock of the test.
 */
export const layerTest: Layer.Layer<HttpServer | HttpServices | HttpClient, ServeError> = /* @__PURE__ */ Layer.unwrap(
  Effect.map(loaded, (server) => server.layerTest)
)
