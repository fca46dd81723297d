import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as EffectScope from "effect/Scope"
import * as PagiApp from "../contract/PagiApp.ts"
import type { StartError } from "../exchange/Lifespan.ts"
import type { InvalidOption } from "../options/ServerOptions.ts"
import type { Fetch, FetchOptions } from "./FetchOptions.ts"

const makeFetch = (
  options: FetchOptions
): Effect.Effect<Fetch, StartError | InvalidOption, PagiApp.PagiApp | EffectScope.Scope> =>
  // A program that serves by sockets need not load it.
  Effect.flatMap(
    Effect.promise(() => import("./FetchServer.ts")),
    ({ make }) => make(options)
  )

/**
 * Makes a function out of an application that answers a `Request` by a `Response`, for edge runtimes, and for tests:
 *
 *     const fetch = yield* PagiApp.toFetch(application)
 *     const response = yield* Effect.promise(() => fetch(new Request("http://localhost/")))
 *
 * The application's lifespan is started first, and fails the Effect as it would keep a server from starting. When the scope
 * closes, exchanges have `shutdownTimeout` to finish, event streams end at once, and then the lifespan is shut down; requests
 * that come later are answered with 503.
 *
 * Bodies are streams in both directions: that of the request is read as the application receives it, and `send` suspends
 * while nobody reads the response. The peer has gone when the request's signal is aborted or the body of the response is
 * cancelled; a response that has not begun is an empty 499 then. An application that fails is a 500 and is logged; once its
 * response has begun, reading it fails. Interim responses and trailers have no place in a `Response` and are left out. A
 * WebSocket handshake for an application that handles them is answered with 501.
 */
export const toFetch = <E, R>(
  application: PagiApp.Application<E, R>,
  options: FetchOptions = {}
): Effect.Effect<Fetch, StartError | InvalidOption, Exclude<R, EffectScope.Scope> | EffectScope.Scope> =>
  Effect.flatMap(Layer.build(PagiApp.layer(application)), (context) =>
    Effect.provideContext(makeFetch(options), context)
  )

/** A `Fetch` and its end. */
export interface FetchHandler {
  readonly fetch: Fetch
  /** Ends as the scope of `toFetch` does. Completes when everything has ended, however often it is called. */
  readonly dispose: () => Promise<void>
}

/**
 * As `toFetch`, for a module that is not a program of Effect's, such as those that edge runtimes load. What the application
 * requires comes with its layer:
 *
 *     export default PagiApp.toFetchHandler(PagiApp.layer(application).pipe(Layer.provide(Database.layer)))
 *
 * The application starts with the first request, since such runtimes let a module do nothing before. When it cannot start,
 * that request is rejected, and the next one tries again.
 */
export const toFetchHandler = <E>(layer: Layer.Layer<PagiApp.PagiApp, E>, options: FetchOptions = {}): FetchHandler => {
  let starting: Promise<Started> | undefined
  let disposing: Promise<void> | undefined
  const dispose = async (): Promise<void> => {
    const started = await starting?.catch(() => undefined)
    if (started !== undefined) await Effect.runPromise(EffectScope.close(started.scope, Exit.void))
  }
  return {
    fetch: async (request, ...platform) => {
      if (disposing !== undefined && starting === undefined) return new Response(null, { status: 503 })
      starting ??= Effect.runPromise(start(layer, options)).catch((error: unknown) => {
        starting = undefined
        throw error
      })
      return (await starting).fetch(request, ...platform)
    },
    dispose: () => (disposing ??= dispose())
  }
}

interface Started {
  readonly fetch: Fetch
  readonly scope: EffectScope.Closeable
}

const start = <E>(
  layer: Layer.Layer<PagiApp.PagiApp, E>,
  options: FetchOptions
): Effect.Effect<Started, E | StartError | InvalidOption> =>
  Effect.gen(function* () {
    const scope = yield* EffectScope.make()
    const fetch = yield* Layer.build(layer).pipe(
      Effect.flatMap((context) => Effect.provideContext(makeFetch(options), context)),
      EffectScope.provide(scope),
      Effect.onError((cause) => EffectScope.close(scope, Exit.failCause(cause)))
    )
    return { fetch, scope }
  })
