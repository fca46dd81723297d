import * as Effect from "effect/Effect"
import type { HttpMiddleware } from "effect/http/HttpMiddleware"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type * as EffectScope from "effect/Scope"
import type { HttpReceiveEvent, HttpSendEvent, WebSocketReceiveEvent, WebSocketSendEvent } from "../contract/Event.ts"
import { answerOnce, LateModule } from "../contract/LateHandler.ts"
import type { NativeHandler } from "../contract/NativeHandler.ts"
import {
  type Application,
  type HttpHandler,
  make,
  type Receive,
  type Send,
  type UnsupportedScope,
  type WebSocketHandler
} from "../contract/PagiApp.ts"
import type { HttpScope, WebSocketScope } from "../contract/Scope.ts"
import type * as Handler from "./HttpEffectHandler.ts"

/** Effect's HTTP server makes the spans of what it answers. */
const ownSpans = new Set(["http", "websocket"] as const)

/** An application of requests and WebSockets, which can also be the handler of either beside others. */
export type HttpEffectApplication<R> = Application<UnsupportedScope, R> &
  HttpHandler<UnsupportedScope, R> &
  WebSocketHandler<UnsupportedScope, R>

/** How requests are answered, once what that takes is loaded. */
interface Loaded {
  readonly handler: typeof Handler
  readonly handled: Handler.Handled
  readonly native: NativeHandler
}

/**
 * An application that answers requests by a program for Effect's HTTP server, such as what `HttpRouter.toHttpEffect` gives;
 * WebSockets by its `HttpServerRequest.upgrade`. It can be one handler beside others:
 *
 *     const routes = PagiApp.fromHttpEffect(yield* HttpRouter.toHttpEffect(Routes))
 *     const application = PagiApp.make({ http: routes, websocket: routes, sse: ticker })
 *
 * What the program requires, but for the request and its scope, comes from the layers around `PagiApp.layer`. Its failures
 * become responses as on every server of Effect's. It is interrupted as soon as its client has gone.
 */
export const fromHttpEffect = <E, R>(
  httpEffect: Effect.Effect<HttpServerResponse, E, R>,
  middleware?: HttpMiddleware | undefined
): HttpEffectApplication<Exclude<R, HttpServerRequest | EffectScope.Scope>> => {
  const late = new LateModule(async (): Promise<Loaded> => {
    const handler = await import("./HttpEffectHandler.ts")
    const handled = handler.make(httpEffect, middleware)
    return { handler, handled, native: handler.native(handled) }
  })
  const native: NativeHandler = (request, context) =>
    late.current?.native(request, context) ??
    answerOnce(context, late.loaded, (found) => found.native(request, context))
  const http = (scope: HttpScope, receive: Receive<HttpReceiveEvent>, send: Send<HttpSendEvent>) =>
    Effect.flatMap(late.loaded, ({ handled, handler }) => handler.runScope(handled, scope, receive, send))
  const websocket = (scope: WebSocketScope, receive: Receive<WebSocketReceiveEvent>, send: Send<WebSocketSendEvent>) =>
    Effect.flatMap(late.loaded, ({ handled, handler }) => handler.runHandshake(handled, scope, receive, send))
  // The services that the program requires are in the context of whoever runs it, and each scope gets its own events.
  const services = Object.assign(make({ http: Object.assign(http, { native }), websocket }), { ownSpans })
  return services as unknown as HttpEffectApplication<Exclude<R, HttpServerRequest | EffectScope.Scope>>
}
