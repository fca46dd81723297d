/** Runs programs that answer with Effect's `HttpServerResponse` as handlers of this server. */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as HttpEffect from "effect/http/HttpEffect"
import { type HttpMiddleware, TracerDisabledWhen } from "effect/http/HttpMiddleware"
import { causeResponseStripped, ClientAbort } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import { type AnySpan, ParentSpan } from "effect/Tracer"
import type { HttpReceiveEvent, HttpSendEvent, WebSocketReceiveEvent, WebSocketSendEvent } from "../contract/Event.ts"
import type { NativeHandler } from "../contract/NativeHandler.ts"
import { OwnSpan } from "../contract/OwnSpan.ts"
import type { Receive, Send } from "../contract/PagiApp.ts"
import type { HttpScope, WebSocketScope } from "../contract/Scope.ts"
import type { RequestSource } from "./OwnRequest.ts"
import { HandshakeSource, NativeSource, ScopeSource } from "./RequestSource.ts"
import { RequestState, ServerRequest } from "./ServerRequest.ts"
import * as ServerResponse from "./ServerResponse.ts"

/** A program that answers a request, once for each; its requirements are met by the context that it is run with. */
export type Handled = Effect.Effect<void>

/**
 * What of a failure is worth a line in the log. Effect has it in the end also where it was answered: with a status below
 * 500 that is an ordinary response, to a request without a route for instance. The response itself is among the reasons.
 */
const toReport = (cause: Cause.Cause<never>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const [response, failure] = causeResponseStripped(cause)
    // Only this server makes the requests that it is asked to answer.
    const { state } = Context.getUnsafe(fiber.context, HttpServerRequest) as ServerRequest
    const isAnswered = response.status < 500 && !state.isBrokenOff
    if (Option.isNone(failure) || isAnswered) return Exit.void
    return Exit.failCause(failure.value)
  })

/**
 * Effect's function that makes the program which also sends what another one answers. A program of another copy of
 * Effect needs that copy's: what it wants done before its responses is kept where its own copy looks for it.
 */
export type ToHandled = typeof HttpEffect.toHandled

/** Goes on with something that runs directly below the span which Effect's HTTP server makes, of which it tells the request. */
const belowSpan = <A, E, R>(next: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const span = Context.getOrUndefined(fiber.context, ParentSpan)
    if (span !== undefined && isServerSpan(span)) {
      // Only this server makes the requests that it is asked to answer.
      const { state } = Context.getUnsafe(fiber.context, HttpServerRequest) as ServerRequest
      state.source.onSpan(span)
    }
    return next()
  })

/** Makes the program that also sends what the other one answers. */
export const make = <E, R>(
  httpEffect: Effect.Effect<HttpServerResponse, E, R>,
  middleware?: HttpMiddleware | undefined,
  toHandled: ToHandled = HttpEffect.toHandled
): Handled => {
  // A middleware need not run the program.
  const handled =
    middleware === undefined
      ? toHandled(
          belowSpan(() => httpEffect),
          ServerResponse.send
        )
      : toHandled(httpEffect, ServerResponse.send, (app) => belowSpan(() => middleware(app)))
  // What it requires is in the context that `run` is given; the request is added there.
  return Effect.catchCause(handled as Handled, toReport)
}

/** Whether the client has ended the exchange, rather than the server. */
const isClientAbort = (reason: string): boolean => reason !== "server_shutdown" && reason !== "server_error"

/** Answers a request that comes from anywhere. */
export const run = (
  handled: Handled,
  context: Context.Context<never>,
  source: RequestSource
): Fiber.Fiber<unknown, unknown> => {
  const request = new ServerRequest(new RequestState(source))
  return Effect.runForkWith(Context.add(context, HttpServerRequest, request))(handled)
}

/** Interrupts the fiber of a request that its client has given up. */
export const interruptFor = (fiber: Fiber.Fiber<unknown, unknown>, reason: string): void =>
  fiber.interruptUnsafe(undefined, isClientAbort(reason) ? ClientAbort.annotation : undefined)

/** Answers native requests. Only a program that has to wait can be interrupted, so only then its client is watched. */
export const native =
  (handled: Handled): NativeHandler =>
  (request, context) => {
    const fiber = run(handled, context, new NativeSource(request))
    if (fiber.pollUnsafe() === undefined) request.onDisconnect((reason) => interruptFor(fiber, reason))
    return fiber
  }

/** Answers a request that comes by events, as the program of the current fiber. */
export const runScope = (
  handled: Handled,
  scope: HttpScope,
  receive: Receive<HttpReceiveEvent>,
  send: Send<HttpSendEvent>
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    // At once; an application of events would have a while to notice it.
    scope.connection.onDisconnect((reason) => interruptFor(fiber, reason))
    return provideRequest(handled, new ScopeSource(scope, receive, send, Context.get(fiber.context, OwnSpan)))
  })

/** Answers a WebSocket handshake, and goes on as the session if it is accepted. */
export const runHandshake = (
  handled: Handled,
  scope: WebSocketScope,
  receive: Receive<WebSocketReceiveEvent>,
  send: Send<WebSocketSendEvent>
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const source = new HandshakeSource(scope, receive, send, Context.get(fiber.context, OwnSpan))
    return Effect.andThen(
      source.watch.begin((reason) => interruptFor(fiber, reason)),
      provideRequest(handled, source)
    )
  })

const provideRequest = (handled: Handled, source: RequestSource): Effect.Effect<void> =>
  Effect.provideService(withoutSecondSpan(handled), HttpServerRequest, new ServerRequest(new RequestState(source)))

const isServerSpan = (span: AnySpan): boolean => span._tag === "Span" && span.kind === "server"

/** Whether a server has made a span for what the span is part of. */
const isOfServer = (span: AnySpan): boolean =>
  isServerSpan(span) || (span._tag === "Span" && Option.exists(span.parent, isOfServer))

const always = () => true

/** An application that hands requests on has a span for them from the server, beside which Effect would make another. */
const withoutSecondSpan = (handled: Handled): Handled =>
  Effect.withFiber((fiber) => {
    const span = Context.getOrUndefined(fiber.context, ParentSpan)
    return span !== undefined && isOfServer(span) ? Effect.provideService(handled, TracerDisabledWhen, always) : handled
  })
