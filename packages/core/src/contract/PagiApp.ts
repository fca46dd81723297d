/**
 * The application contract: one function for every exchange and for the lifespan.
 *
 * ```ts
 * const app = PagiApp.make({
 *   http: Effect.fnUntraced(function*(scope, receive, send) {
 *     yield* send({ type: "http.response.start", status: 200 })
 *     yield* send({ type: "http.response.body", body: `You asked for ${scope.path}` })
 *   })
 * })
 * ```
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as EffectScope from "effect/Scope"
import { ParentSpan } from "effect/Tracer"
import type * as Event from "./Event.ts"
import type { NativeHandler } from "./NativeHandler.ts"
import type { Receive, Send } from "./ReceiveSend.ts"
import { ofHandler, ofHandlers } from "./NotAnEffect.ts"
import type { HttpScope, LifespanScope, Scope, SseScope, WebSocketScope } from "./Scope.ts"

export type { Receive, Send } from "./ReceiveSend.ts"

/**
 * An application. It is run once for each HTTP request, SSE stream, WebSocket session and lifespan, and must fail for a
 * scope type that it does not support. Its completion means that the exchange is complete; its value is ignored.
 *
 * Each run has a scope of Effect's of its own: what `Effect.acquireRelease`, `Effect.addFinalizer` and
 * `Effect.forkScoped` leave in it ends with the exchange, whatever its end, and that of the lifespan with the server.
 */
export interface Application<E = never, R = never> {
  (scope: Scope, receive: Receive<Event.ReceiveEvent>, send: Send<Event.SendEvent>): Effect.Effect<unknown, E, R>
  /**
   * The scope types that it handles; not known when absent. A request for an event stream comes as an ordinary one to an
   * application that says it has no streams, since the client may accept something else as well.
   */
  readonly scopeTypes?: ReadonlySet<Scope["type"]>
  /** Handles requests in place of the function, on a server that can do that. For adapters; not stable. */
  readonly native?: NativeHandler | undefined
  /** The scope types for which it makes a span of its own, so that the server makes none. For adapters; not stable. */
  readonly ownSpans?: ReadonlySet<Scope["type"]> | undefined
}

/** Handles one scope type with exactly the events of that type. */
export type Handler<HandledScope, ReceiveEvent, SendEvent, E, R> = (
  scope: HandledScope,
  receive: Receive<ReceiveEvent>,
  send: Send<SendEvent>
) => Effect.Effect<unknown, E, R>

/** Handles requests. */
export type HttpHandler<E = never, R = never> = Handler<HttpScope, Event.HttpReceiveEvent, Event.HttpSendEvent, E, R>
/** Handles requests for event streams; without one they come to the handler for requests. */
export type SseHandler<E = never, R = never> = Handler<SseScope, Event.SseReceiveEvent, Event.SseSendEvent, E, R>
/** Handles WebSocket sessions; without one their handshakes come to the handler for requests. */
export type WebSocketHandler<E = never, R = never> = Handler<
  WebSocketScope,
  Event.WebSocketReceiveEvent,
  Event.WebSocketSendEvent,
  E,
  R
>
/** Handles the start and the stop of the server; its scope's `state` is what later exchanges have copies of. */
export type LifespanHandler<E = never, R = never> = Handler<
  LifespanScope,
  Event.LifespanReceiveEvent,
  Event.LifespanSendEvent,
  E,
  R
>

/** The handlers of an application, one for each scope type that it supports. */
export interface Handlers<E1, R1, E2, R2, E3, R3, E4, R4> {
  readonly http?: HttpHandler<E1, R1>
  readonly sse?: SseHandler<E2, R2>
  readonly websocket?: WebSocketHandler<E3, R3>
  readonly lifespan?: LifespanHandler<E4, R4>
}

/** The application does not handle this scope type. */
export class UnsupportedScope extends Schema.TaggedError<UnsupportedScope>()("UnsupportedScope", {
  scopeType: Schema.String
}) {
  override get message(): string {
    return `the application does not handle the scope type "${this.scopeType}"`
  }
}

/** Builds an application from one handler for each scope type; the missing ones fail with `UnsupportedScope`. */
export const make = <E1 = never, R1 = never, E2 = never, R2 = never, E3 = never, R3 = never, E4 = never, R4 = never>(
  handlers: Handlers<E1, R1, E2, R2, E3, R3, E4, R4>
): Application<E1 | E2 | E3 | E4 | UnsupportedScope, R1 | R2 | R3 | R4> => {
  // The contract gives each scope type its own events, which the type of `Application` cannot tie to the scope.
  const handlerOf = Object(handlers) as Readonly<
    Record<Scope["type"], Application<E1 | E2 | E3 | E4, R1 | R2 | R3 | R4> | undefined>
  >
  const misfit = firstMisfit(handlers)
  const application: Application<E1 | E2 | E3 | E4 | UnsupportedScope, R1 | R2 | R3 | R4> = (scope, receive, send) => {
    // At the start of a server; a program whose types were checked has none.
    if (misfit !== undefined && scope.type === "lifespan") return Effect.die(misfit)
    const handler = handlerOf[scope.type]
    return handler === undefined
      ? Effect.fail(new UnsupportedScope({ scopeType: scope.type }))
      : handler(scope, receive, send)
  }
  return Object.assign(application, {
    scopeTypes: new Set(scopeTypes.filter((type) => handlerOf[type] !== undefined)),
    native: handlerOf.http?.native,
    ownSpans: new Set(scopeTypes.filter((type) => handlerOf[type]?.ownSpans?.has(type) === true))
  })
}

const scopeTypes = ["http", "sse", "websocket", "lifespan"] as const

/** What an application says of itself whose exchanges another one handles in the end. */
interface Around {
  /** Scope types that it handles also where the other one does not. */
  readonly handles?: ReadonlyArray<Scope["type"]>
  /** Its way to handle requests natively; without one they all come to the function. */
  readonly native?: NativeHandler | undefined
}

/**
 * Makes an application of a function that goes around another application: for the server it handles the same scope types,
 * and makes the same spans.
 *
 * @param application the one that it calls, or does not
 * @param around what is called in its place
 */
export const wrap = <E, R>(
  { ownSpans, scopeTypes }: Pick<Application, "ownSpans" | "scopeTypes">,
  around: (
    scope: Scope,
    receive: Receive<Event.ReceiveEvent>,
    send: Send<Event.SendEvent>
  ) => Effect.Effect<unknown, E, R>,
  { handles = [], native }: Around = {}
): Application<E, R> =>
  Object.assign(around, {
    ...(scopeTypes === undefined ? {} : { scopeTypes: new Set([...scopeTypes, ...handles]) }),
    ownSpans,
    native
  })

/** What is wrong with handlers, as far as that shows before they are called. */
const firstMisfit = (handlers: Partial<Readonly<Record<Scope["type"], unknown>>>) => {
  const misfit = ofHandlers(handlers, scopeTypes)
  if (misfit !== undefined) return misfit
  for (const type of scopeTypes) {
    const misfit = handlers[type] === undefined ? undefined : ofHandler(type, handlers[type])
    if (misfit !== undefined) return misfit
  }
  return undefined
}

/** The application that a server runs, together with the services that it needs. */
export class PagiApp extends Context.Service<
  PagiApp,
  {
    readonly application: Application<unknown, never>
    /** The services of the program around the server; every exchange runs with them, and with a scope of its own. */
    readonly context: Context.Context<never>
  }
>()("@pagi/core/PagiApp") {}

/** Provides an application to a server. What the application requires, but for its scope, comes from the surrounding layers. */
export const layer = <E, R>(
  application: Application<E, R>
): Layer.Layer<PagiApp, never, Exclude<R, EffectScope.Scope>> => layerEffect(Effect.succeed(application))

/** Like `layer`, for an application that has to be built. What the building acquires lives as long as the server. */
export const layerEffect = <E, R, BuildError, BuildServices>(
  build: Effect.Effect<Application<E, R>, BuildError, BuildServices>
): Layer.Layer<PagiApp, BuildError, Exclude<R | BuildServices, EffectScope.Scope>> =>
  Layer.effect(
    PagiApp,
    Effect.gen(function* () {
      // The scope in it is the layer's, and a span that of the program's start, which no request is a part of.
      const context = Context.omit(EffectScope.Scope, ParentSpan)(yield* Effect.context<R | EffectScope.Scope>())
      const application = yield* build
      // The runner provides `context` and a scope to every run, which is what the erased requirement asks for.
      return { application: application as Application<unknown, never>, context: context as Context.Context<never> }
    })
  )
