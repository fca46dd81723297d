import * as Effect from "effect/Effect"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type { Provided } from "effect/http/HttpRouter"
import type * as EffectScope from "effect/Scope"
import type { Application } from "../contract/PagiApp.ts"
import type { StartError } from "../exchange/Lifespan.ts"
import type { InvalidOption } from "../options/ServerOptions.ts"
import type { MountOptions } from "./MountOptions.ts"

/**
 * Makes a handler for Effect's HTTP server out of an application, so that its requests, event streams and WebSockets are a
 * route of an `HttpRouter`, on a server of this project, on `NodeHttpServer` or on any other:
 *
 *     const Raw = HttpRouter.use((router) =>
 *       Effect.flatMap(PagiApp.toHttpEffect(application), (handler) => router.add("*", "/raw/*", handler))
 *     )
 *
 * The application's lifespan is started first, and fails the Effect as it would keep a server from starting; it is shut down
 * when the scope, here that of the layer, closes. A route that ends in a wildcard is where the application is mounted:
 * `scope.path` is what comes behind `/raw`, and `scope.rootPath` is `/raw`. It runs with the services of the request beside
 * its own, so that it may ask for `HttpRouter.params`.
 *
 * A failure before the response has begun is one of the handler, and afterwards one of the response's stream: the server
 * around it answers, and reports it. Middleware sees the response as any other. Trailers and interim responses reach the
 * client on a server of this project only, as no other has a place for them; so do `websocket.keepalive`, header fields of
 * `websocket.accept`, and a subprotocol other than the first one that the client offers, which fail there.
 */
export const toHttpEffect = <E, R>(
  application: Application<E, R>,
  options: MountOptions = {}
): Effect.Effect<
  Effect.Effect<HttpServerResponse, E | HttpServerError, HttpServerRequest | EffectScope.Scope | Extract<R, Provided>>,
  StartError | InvalidOption,
  Exclude<R, Provided> | EffectScope.Scope
> =>
  // A program without such routes need not load it.
  Effect.flatMap(
    Effect.promise(() => import("./MountedServer.ts")),
    ({ make }) => make(application, options)
    // What the application requires of each request is there when it runs; and it fails as the application does.
  ) as ReturnType<typeof toHttpEffect<E, R>>
