/** Answers requests of Effect's HTTP server by an application of the contract. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { HttpServerRequest, ParsedSearchParams } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { type BridgeServer, startApplication } from "../bridge/BridgeServer.ts"
import * as SystemFiles from "../bridge/SystemFiles.ts"
import type { Application } from "../contract/PagiApp.ts"
import type { StartError } from "../exchange/Lifespan.ts"
import { SseExchange } from "../exchange/Sse.ts"
import { errorContent } from "../http/ResponseContent.ts"
import type { InvalidOption } from "../options/ServerOptions.ts"
import { RequestRunner } from "../server/RequestRunner.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import * as Unended from "../server/Unended.ts"
import { MountedExchange, reasonOf } from "./MountedExchange.ts"
import * as MountedRequest from "./MountedRequest.ts"
import { MountedSocket } from "./MountedSocket.ts"
import { isOwn } from "../httpEffect/OwnRequest.ts"
import type { MountOptions } from "./MountOptions.ts"

type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, HttpServerRequest | Scope.Scope>

/** Starts the application, for as long as the scope is open. */
export const make = <E, R>(
  application: Application<E, R>,
  settings: MountOptions
): Effect.Effect<Answer, StartError | InvalidOption, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function* () {
    const { files, ...options } = settings
    const { server } = yield* startApplication(application, {
      options,
      files: files ?? (yield* SystemFiles.current),
      end: (running) => running.drain,
      onShutdownError: ({ message }) => Effect.logError(message)
    })
    // What the application requires is in the context that it runs with, which is what the cast erases.
    return new Mount(server, application as Application<unknown, never>, ofItself(yield* Effect.context<never>()))
      .answer
  })

/** What is a matter of each request. */
const ofItself = Context.omit(
  Scope.Scope,
  HttpServerRequest,
  ParsedSearchParams,
  Tracer.ParentSpan,
  References.CurrentLogAnnotations,
  References.CurrentLogSpans
)

const malformed = HttpServerResponse.text(errorContent("the request is malformed"), { status: 400 })
const ended = HttpServerResponse.empty({ status: 503 })

/** An application, and how a request of another server comes to it. */
class Mount {
  readonly #server: BridgeServer
  readonly #application: Application<unknown, never>
  readonly #own: Context.Context<never>

  /** `own` are the services that the application was started with. */
  constructor(server: BridgeServer, application: Application<unknown, never>, own: Context.Context<never>) {
    this.#server = server
    this.#application = application
    this.#own = own
  }

  readonly answer: Answer = Effect.withFiber((fiber) => {
    const context = fiber.context as Context.Context<HttpServerRequest | Scope.Scope> // It is what the Effect requires.
    const request = Context.get(context, HttpServerRequest)
    if (this.#server.isDraining) return Effect.succeed(ended)
    const mounted = MountedRequest.read(request, context)
    if (mounted === undefined) return Effect.succeed(malformed)
    const scope = Context.get(context, Scope.Scope)
    const merged = Context.merge(context, this.#own)
    const subprotocols = this.#server.options.servesWebSockets ? MountedRequest.readHandshake(request) : undefined
    return subprotocols === undefined
      ? this.#exchange(request, mounted, merged, scope)
      : this.#handshake(request, mounted, subprotocols, merged, scope)
  })

  #exchange(
    request: HttpServerRequest,
    mounted: MountedRequest.MountedRequest,
    context: Context.Context<never>,
    scope: Scope.Scope
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, unknown> {
    return Effect.suspend(() => {
      const host = new MountedExchange(request, mounted, this.#server.options, context, scope)
      const server = this.#contextFor(request, context)
      this.#server.begin(host, mounted.head, mounted.connection, server)
      if (host.exit !== undefined) return host.answered
      if (host.exchange instanceof SseExchange) tellOfDrain(host, server, scope)
      return Effect.andThen(
        Scope.addFinalizerExit(scope, (exit) => this.#end(host, server, exit)),
        host.answered
      )
    })
  }

  #handshake(
    request: HttpServerRequest,
    mounted: MountedRequest.MountedRequest,
    subprotocols: ReadonlyArray<string>,
    context: Context.Context<never>,
    scope: Scope.Scope
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, unknown> {
    return Effect.flatMap(request.upgrade, (socket) => {
      const { context: own, options } = this.#server
      const maxQueued = own.options.maxReceiveQueue / 2
      const host = new MountedSocket(request, subprotocols, options, context, socket, maxQueued)
      const server = this.#contextFor(request, context)
      this.#server.begin(host, mounted.head, mounted.connection, server)
      return Effect.andThen(
        Scope.addFinalizerExit(scope, (exit) => this.#end(host, server, exit)),
        host.answered
      )
    })
  }

  /**
   * The services of the request beside those of the application, and what a server of ours says of itself. The server around
   * makes the span.
   */
  #contextFor({ source }: HttpServerRequest, context: Context.Context<never>): ServerContext {
    const own = this.#server.context
    const runner = new RequestRunner(this.#application, context)
    if (!isOwn(source)) return { ...own, runner, tracer: undefined }
    const shuttingDown = Effect.raceFirst(own.shuttingDown, source.shuttingDown)
    return { ...own, runner, tracer: undefined, shuttingDown, readiness: source.readiness }
  }

  /**
   * The request is over. An application that has answered may go on until the server ends its request; one whose client
   * has gone does so on the account of the application's own server, as long as `disconnectGrace`; and any other one is
   * interrupted.
   */
  #end(
    host: MountedExchange | MountedSocket,
    { runner }: ServerContext,
    exit: Exit.Exit<unknown, unknown>
  ): Effect.Effect<void> {
    if (host.exit !== undefined) return Effect.void
    const { exchange, fiber } = host
    const interrupt = Effect.suspend(() => {
      fiber?.interruptUnsafe()
      return Unended.waitFor(host.ended, () => Unended.describe(runner.running))
    })
    if (host instanceof MountedExchange && exchange.isComplete) {
      return Effect.onInterrupt(Effect.interruptible(host.ended), () => interrupt)
    }
    if (!exchange.isComplete && exchange.state.isConnected) {
      const reason = reasonOf(exit)
      host.disconnect(reason)
      if (reason !== "client_closed") return interrupt
    }
    return Effect.sync(() => this.#server.leave(host))
  }
}

/** Event streams end when the server around the application does. */
const tellOfDrain = (host: MountedExchange, { shuttingDown }: ServerContext, scope: Scope.Scope): void => {
  const watching = Effect.runFork(
    Effect.andThen(
      shuttingDown,
      Effect.sync(() => host.drain())
    )
  )
  Fiber.runIn(watching, scope)
}
