/** Effect's `HttpServer` on a server of this project: what is given to its `serve`, as an application. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { HttpMiddleware } from "effect/http/HttpMiddleware"
import * as HttpServer from "effect/http/HttpServer"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import type * as NetAddress from "effect/net/NetAddress"
import * as EffectScope from "effect/Scope"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "../contract/Event.ts"
import { answerOnce } from "../contract/LateHandler.ts"
import type { NativeHandler, NativeRequest } from "../contract/NativeHandler.ts"
import { type Application, make as makeApplication, type Receive, type Send } from "../contract/PagiApp.ts"
import type { WebSocketScope } from "../contract/Scope.ts"
import * as Handler from "./HttpEffectHandler.ts"

/** A program that serves, with the services that it was given where it began to. */
class Service {
  readonly handled: Handler.Handled
  readonly native: NativeHandler
  readonly context: Context.Context<never>
  /** Its requests that wait for something. */
  readonly #waiting = new Set<Fiber.Fiber<unknown, unknown>>()

  constructor(handled: Handler.Handled, context: Context.Context<never>) {
    this.handled = handled
    this.native = Handler.native(handled)
    // A context remembers what was added to it, up to eight services, and is copied for one more: here, for each request.
    this.context = Context.makeUnsafe(context.mapUnsafe)
  }

  answer(request: NativeRequest): Fiber.Fiber<unknown, unknown> {
    const fiber = this.native(request, this.context)
    if (fiber.pollUnsafe() === undefined) this.#keep(fiber)
    return fiber
  }

  #keep(fiber: Fiber.Fiber<unknown, unknown>): void {
    this.#waiting.add(fiber)
    fiber.addObserver(() => this.#waiting.delete(fiber))
  }

  /** A handshake, or the session that it has become. */
  runHandshake(
    scope: WebSocketScope,
    receive: Receive<WebSocketReceiveEvent>,
    send: Send<WebSocketSendEvent>
  ): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      this.#keep(fiber)
      return Effect.provideContext(Handler.runHandshake(this.handled, scope, receive, send), this.context)
    })
  }

  /** Interrupts what waits. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => Fiber.interruptAll([...this.#waiting]))

  /** The same, without waiting for it to end. */
  abandon(): void {
    for (const fiber of this.#waiting) fiber.interruptUnsafe()
  }
}

const unavailable: Handler.Handled = Handler.make(Effect.succeed(HttpServerResponse.empty({ status: 503 })))
const refuse = Handler.native(unavailable)

/**
 * What serves on one server. A request that comes before there is anything waits for it; where there are several, the one
 * that came last answers. When the last of them ends, so does the server; what else comes is answered with 503.
 */
export class HttpServers {
  readonly #services: Array<Service> = []
  readonly #first = Latch.makeUnsafe(false)
  #isClosed = false
  readonly #onLastEnd: Effect.Effect<void>
  readonly #toHandled: Handler.ToHandled | undefined

  /**
   * `onLastEnd` lets the requests end that have begun, and nothing new begin. `toHandled` is that of the programs' copy of
   * Effect, if it may be another than the server's.
   */
  constructor(onLastEnd: Effect.Effect<void>, toHandled?: Handler.ToHandled) {
    this.#onLastEnd = onLastEnd
    this.#toHandled = toHandled
  }

  /** Whether anything has begun to serve, and has not ended. */
  get isServing(): boolean {
    return this.#services.length > 0
  }

  get #latest(): Service | undefined {
    return this.#services.at(-1)
  }

  /**
   * The server has ended, and has interrupted all requests and waited for them: nothing will serve any more. Who waits for
   * that is answered.
   */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#isClosed = true
    return this.#first.open
  })

  /** The application that the server runs. */
  get application(): Application {
    const native: NativeHandler = (request, context) =>
      this.#latest?.answer(request) ?? this.#answerLater(request, context)
    const application = makeApplication({
      http: Object.assign(
        () => Effect.die(new Error("Effect's HTTP programs are served by a server that has native handlers")),
        { native }
      ),
      websocket: (scope, receive, send) =>
        Effect.flatMap(this.#first.await, () => {
          const latest = this.#latest
          return latest === undefined
            ? Handler.runHandshake(unavailable, scope, receive, send)
            : latest.runHandshake(scope, receive, send)
        })
    })
    const handled = application as Application // Both scope types that requests have are handled.
    return Object.assign(handled, { ownSpans: new Set(["http", "websocket"] as const) })
  }

  /** Nothing serves yet, or any more. A client that leaves meanwhile has its request forgotten. */
  #answerLater(request: NativeRequest, context: Context.Context<never>): Fiber.Fiber<unknown, unknown> {
    if (this.#isClosed) return refuse(request, context)
    let isWaiting = true
    const waiting = answerOnce(context, this.#first.await, () => {
      isWaiting = false
      return this.#latest?.answer(request) ?? refuse(request, context)
    })
    request.onDisconnect((reason) => {
      if (isWaiting) Handler.interruptFor(waiting, reason)
    })
    return waiting
  }

  /** Effect's service, for a server that listens at the address. */
  service(address: NetAddress.SocketAddress): HttpServer.HttpServer["Service"] {
    return HttpServer.make({ address, serve: this.#serve })
  }

  readonly #serve = (
    httpEffect: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpServerRequest | EffectScope.Scope>,
    middleware?: HttpMiddleware
  ): Effect.Effect<void, never, EffectScope.Scope> =>
    Effect.gen({ self: this }, function* () {
      const scope = yield* Effect.scope
      const context = yield* Effect.context<never>()
      const service = new Service(Handler.make(httpEffect, middleware, this.#toHandled), context)
      this.#services.push(service)
      yield* EffectScope.addFinalizer(scope, this.#remove(service))
      yield* this.#first.open
    })

  #remove(service: Service): Effect.Effect<void> {
    return Effect.suspend(() => {
      const isLast = this.#services.length === 1 && !this.#isClosed
      // While the requests end that have begun, the others of their connections are still answered.
      return Effect.andThen(
        isLast ? this.#onLastEnd : Effect.void,
        Effect.suspend(() => {
          this.#services.splice(this.#services.indexOf(service), 1)
          // What has not ended for the server will not for anybody else, and has been told.
          return this.#isClosed ? Effect.sync(() => service.abandon()) : service.end
        })
      )
    })
  }
}
