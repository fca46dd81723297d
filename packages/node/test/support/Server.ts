import * as PagiApp from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as EffectScope from "effect/Scope"
import { PagiServer, PagiServerLive, type StartError } from "../../src/PagiServer.ts"

/** A running server of a test. */
export interface TestServer {
  readonly server: PagiServer["Service"]
  readonly port: number
  /** Ends the server as the end of the program around it would. */
  readonly close: Effect.Effect<void>
}

const freePort = ({ listen, socket }: ServerOptions.Input) =>
  listen === undefined && socket === undefined ? { port: 0 } : {}

/** Starts an application on a free port of the loopback interface, unless it is to listen elsewhere; it stops with the scope, or at `close`. */
export const serve = <E, R>(
  application: PagiApp.Application<E, R>,
  options: ServerOptions.Input = {}
): Effect.Effect<TestServer, StartError | ServerOptions.InvalidOption, R | EffectScope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(EffectScope.make(), (scope) => EffectScope.close(scope, Exit.void))
    const layer = PagiServerLive.pipe(
      Layer.provide(PagiApp.layer(application)),
      Layer.provide(ServerOptions.layer({ ...freePort(options), accessLog: "off", logLevel: "warn", ...options }))
    )
    const server = Context.get(yield* Layer.buildWithScope(layer, scope), PagiServer)
    return { server, port: server.port, close: EffectScope.close(scope, Exit.void) }
  })

/** The same for an application of HTTP only. */
export const serveHttp = <E, R>(http: PagiApp.HttpHandler<E, R>, options: ServerOptions.Input = {}) =>
  serve(PagiApp.make({ http }), options)

/** A handler that answers with a text. */
export const answer = (body: string | Uint8Array): PagiApp.HttpHandler<SendError> =>
  Effect.fnUntraced(function* (_scope, _receive, send) {
    yield* send({ type: "http.response.start", status: 200 })
    yield* send({ type: "http.response.body", body })
  })
