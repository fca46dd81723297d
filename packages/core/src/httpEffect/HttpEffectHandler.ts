/** Runs programs that answer with Effect's `HttpServerResponse` as handlers of this server. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpEffect from "effect/http/HttpEffect"
import type { HttpMiddleware } from "effect/http/HttpMiddleware"
import { ClientAbort } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { HttpReceiveEvent, HttpSendEvent, WebSocketReceiveEvent, WebSocketSendEvent } from "../contract/Event.ts"
import type { NativeHandler } from "../contract/NativeHandler.ts"
import type { Receive, Send } from "../contract/PagiApp.ts"
import type { HttpScope, WebSocketScope } from "../contract/Scope.ts"
import { HandshakeSource, NativeSource, type RequestSource, ScopeSource } from "./RequestSource.ts"
import { RequestState, ServerRequest } from "./ServerRequest.ts"
import * as ServerResponse from "./ServerResponse.ts"

/** A program that answers a request, once for each; its requirements are met by the context that it is run with. */
export type Handled = Effect.Effect<void>

/** Makes the program that also sends what the other one answers. */
export const make = <E, R>(
  httpEffect: Effect.Effect<HttpServerResponse, E, R>,
  middleware?: HttpMiddleware | undefined
): Handled =>
  // What it requires is in the context that `run` is given; the request is added there.
  HttpEffect.toHandled(httpEffect, ServerResponse.send, middleware) as Handled

/** Whether the client has ended the exchange, rather than the server. */
const isClientAbort = (reason: DisconnectReason): boolean => reason !== "server_shutdown" && reason !== "server_error"

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
export const interruptFor = (fiber: Fiber.Fiber<unknown, unknown>, reason: DisconnectReason): void =>
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
    return provideRequest(handled, new ScopeSource(scope, receive, send))
  })

/** Answers a WebSocket handshake, and goes on as the session if it is accepted. */
export const runHandshake = (
  handled: Handled,
  scope: WebSocketScope,
  receive: Receive<WebSocketReceiveEvent>,
  send: Send<WebSocketSendEvent>
): Effect.Effect<void> => provideRequest(handled, new HandshakeSource(scope, receive, send))

const provideRequest = (handled: Handled, source: RequestSource): Effect.Effect<void> =>
  Effect.provideService(handled, HttpServerRequest, new ServerRequest(new RequestState(source)))
