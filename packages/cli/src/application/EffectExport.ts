/** Builds what a module exports as an Effect or a Layer, and finds out what it serves. */
import * as PagiApp from "@pagi/core/contract/PagiApp"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Description from "../plan/Description.ts"
import { type AppLoadError, BuildFailed, ExportUnusable } from "./AppLoadError.ts"
import * as Exported from "./Exported.ts"
import * as Thrown from "./Thrown.ts"
import type { ProgramServer, Services } from "./ProgramServer.ts"

export { make as makeServer } from "./ProgramServer.ts"

/** What is to be served, and what it is in the words of the log. */
export type Found =
  | { readonly _tag: "Served"; readonly app: PagiApp.PagiApp["Service"]; readonly words: string }
  | { readonly _tag: "Value"; readonly exported: Exported.ExportedApplication | Exported.ExportedFetch }

type Reason = AppLoadError["reason"]

/** A Layer: what it provides is served, or what it gives to the server. */
export const ofLayer = (
  layer: Layer.Layer<unknown, unknown, unknown>,
  subject: string,
  server: ProgramServer
): Effect.Effect<Found, Reason, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* checked(run(Layer.build(layer), server), subject)
    const provided = Context.getOption(context, PagiApp.PagiApp)
    if (!server.isServing()) {
      if (Option.isSome(provided)) return served(provided.value, "a Layer that provides PagiApp")
      return yield* unusable(subject, "a Layer that neither provides PagiApp nor serves", layerAdvice)
    }
    if (Option.isSome(provided)) {
      return yield* unusable(subject, "a Layer that both provides PagiApp and serves", bothAdvice)
    }
    const isRouter = context.mapUnsafe.has("effect/http/HttpRouter")
    return yield* program(
      server,
      isRouter ? "a Layer that serves an HttpRouter" : `a Layer that serves ${plainProgram}`
    )
  })

const plainProgram = "a program of Effect's HttpServer"

const layerAdvice =
  "give routes to HttpRouter.serve, or a program to HttpServer.serve, without a server of its own such as NodeHttpServer.layer"

const bothAdvice = "give one of them to the other, by PagiApp.fromHttpEffect for instance"

/**
 * An Effect: it yields what is to be served, serves by itself, or is run for each request. For the last it takes the run
 * that finds out: it lacks a request, or yields a response.
 */
export const ofEffect = (
  effect: Effect.Effect<unknown, unknown, unknown>,
  subject: string,
  server: ProgramServer
): Effect.Effect<Found, Reason, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const exit = yield* Effect.exit(Scope.provide(run(effect, server), scope))
    const isResponding = Exit.isSuccess(exit) ? Exported.isHttpServerResponse(exit.value) : lacksRequest(exit.cause)
    if (isResponding) {
      yield* Scope.close(scope, Exit.void)
      return yield* responding(effect, server, "an Effect that responds")
    }
    const value = yield* checked(exit, subject)
    if (Effect.isEffect(value)) return yield* responding(value, server, "an Effect that yields one that responds")
    const yielded = `what ${subject} yields`
    const exported = Exported.of(value, yielded)
    if (exported._tag === "Application" || exported._tag === "Fetch") {
      return server.isServing()
        ? yield* unusable(subject, "an Effect that both yields an application and serves", bothAdvice)
        : { _tag: "Value", exported }
    }
    if (server.isServing()) return yield* program(server, `an Effect that serves ${plainProgram}`)
    if (exported._tag === "Unusable") return yield* Effect.fail(exported.reason)
    return yield* unusable(yielded, "a Layer", "give the Effect to Layer.unwrap")
  })

const served = (app: PagiApp.PagiApp["Service"], words: string): Found => ({ _tag: "Served", app, words })

const unusable = (subject: string, found: string, advice: string): Effect.Effect<never, Reason> =>
  Effect.fail(new ExportUnusable({ subject, found, advice }))

/** What the server runs for a program that has begun to serve. */
const program = ({ begin }: ProgramServer, words: string): Effect.Effect<Found, never, Scope.Scope> =>
  Effect.map(begin, (application) => served({ application, context: Context.empty() }, words))

const responding = (effect: Effect.Effect<unknown, unknown, unknown>, server: ProgramServer, words: string) =>
  // That it yields responses shows when it is run, and whether it requires what there is. By itself Effect would let it
  // go on when its client has left, as only routers say that their handlers may be interrupted.
  Effect.andThen(run(server.serve(Effect.interruptible(effect as Responding)), server), program(server, words))

type Responding = Effect.Effect<HttpServerResponse, unknown, HttpServerRequest | Scope.Scope>

/** Runs something of a module with what there is for it. Nobody has checked its types, so a service that it lacks is a defect. */
const run = <A, E>(
  effect: Effect.Effect<A, E, unknown>,
  { services }: ProgramServer
): Effect.Effect<A, E, Scope.Scope> =>
  Effect.provideContext(effect as Effect.Effect<A, E, Services | Scope.Scope>, services)

const missing = /^Service not found: (\S+)/

const missingIn = (cause: Cause.Cause<unknown>): string | undefined => {
  const error = Cause.squash(cause)
  return error instanceof Error ? missing.exec(error.message)?.[1] : undefined
}

const requestKey = "effect/http/HttpServerRequest"

const lacksRequest = (cause: Cause.Cause<unknown>): boolean => missingIn(cause) === requestKey

/** Makes one line of what went wrong. */
const checked = <A, R>(effect: Effect.Effect<A, unknown, R>, subject: string): Effect.Effect<A, Reason, R> =>
  Effect.catchCause(effect, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.andThen(
          Effect.logDebug(`${subject} failed`, cause),
          Effect.fail(
            new BuildFailed({
              subject,
              detail: withAdvice(Description.ofCause(cause), missingIn(cause)),
              mayPass: !Cause.hasDies(cause),
              thrown: Thrown.of(Cause.squash(cause))
            })
          )
        )
  )

/** Says what to do about a service that is not there. */
const withAdvice = (detail: string, service: string | undefined): string =>
  service === undefined ? detail : `${detail}; ${adviceFor(service)}`

const adviceFor = (service: string): string => {
  switch (service) {
    case "effect/http/HttpRouter":
      return "export HttpRouter.serve(routes) in place of the routes"
    case requestKey:
      return "there are requests in handlers only, and not while a Layer is built"
    default:
      return "what the module exports has to provide it, by Layer.provide or Effect.provide"
  }
}
