import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { ClientAbort, type HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Pull from "effect/Pull"
import * as EffectScope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { HttpRequestEvent } from "../contract/Event.ts"
import { BridgeHost } from "../bridge/BridgeHost.ts"
import type { ResponseHead } from "../bridge/BridgeResponse.ts"
import type { ExchangeOptions } from "../exchange/Exchange.ts"
import * as MountedResponse from "./MountedResponse.ts"
import type { MountedRequest } from "./MountedRequest.ts"
import { isOwn } from "../httpEffect/OwnRequest.ts"
import { Waiter } from "../contract/Waiter.ts"

const none = new Uint8Array(0)
const endOfBody: HttpRequestEvent = { type: "http.request", body: none, more: false }

/** Why a request is given up: its client has gone, the server ends it, or something in between has answered instead. */
export const reasonOf = (exit: Exit.Exit<unknown, unknown>): DisconnectReason => {
  if (Exit.isSuccess(exit)) return "x-replaced"
  const interrupts = exit.cause.reasons.filter(Cause.isInterruptReason)
  if (interrupts.length === 0) return "server_error"
  return interrupts.some(({ annotations }) => annotations.has(ClientAbort.key)) ? "client_closed" : "x-interrupted"
}

/** Why the body of a request ends before it is complete. */
const bodyReasonOf = (cause: Cause.Cause<HttpServerError | Cause.Done>): DisconnectReason => {
  const isTooLarge = cause.reasons.some((reason) => {
    if (!Cause.isFailReason(reason) || Cause.isDone(reason.error)) return false
    const problem = reason.error.reason
    return problem._tag === "RequestParseError" && problem.reason === "BodyTooLarge"
  })
  return isTooLarge ? "body_too_large" : "read_error"
}

/** A `Request` says that it has no body, and then has no stream of it. */
const hasNoBody = ({ source }: HttpServerRequest): boolean => "body" in source && source.body === null

type BodyPull = Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, HttpServerError>

/** The exchange of a request that comes from Effect's HTTP server, and is answered by a response for it. */
export class MountedExchange extends BridgeHost {
  readonly changes: Waiter = new Waiter()
  readonly #request: HttpServerRequest
  readonly #context: Context.Context<never>
  readonly #scope: EffectScope.Scope
  /** Why the server around the application has to answer, or to break off the response. */
  failure: Cause.Cause<unknown> | undefined = undefined
  /** Of the body of the request, once it is read. */
  #next: BodyPull | undefined = undefined
  #pieces: ReadonlyArray<HttpRequestEvent> = []
  #taken = 0
  #isReading = false
  #isBodyOver: boolean

  /** `context` and `scope` are those of the request. */
  constructor(
    request: HttpServerRequest,
    { head }: MountedRequest,
    options: ExchangeOptions,
    context: Context.Context<never>,
    scope: EffectScope.Scope
  ) {
    super(head, options)
    this.#request = request
    this.#context = context
    this.#scope = scope
    this.#isBodyOver = hasNoBody(request)
    if (this.#isBodyOver) this.#pieces = [endOfBody]
  }

  // the response -----------------------------------------------------------------------------------------------------

  /** The response, as soon as its head is known. Fails with the application, as long as it has sent nothing. */
  readonly answered: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown> = this.changes.when(() => {
    const { head, status } = this.response
    if (head !== undefined) return Effect.succeed(this.#respond(head))
    if (this.failure !== undefined) return Effect.failCause(this.failure)
    if (status === "open" || status === "complete") return undefined
    return Effect.succeed(HttpServerResponse.empty({ status: status === "truncated" ? 503 : 499 }))
  })

  #respond(head: ResponseHead): HttpServerResponse.HttpServerResponse {
    return MountedResponse.make(this, head, { trailers: isOwn(this.#request.source) })
  }

  /** Servers of ours can send a response before the response. */
  informational({ headers, status }: ResponseHead): void {
    const { source } = this.#request
    if (isOwn(source) && (status === 102 || status === 103)) {
      Effect.runForkWith(this.#context)(Effect.ignore(source.informational(status, headers)))
    }
  }

  // the application --------------------------------------------------------------------------------------------------

  /** A failure is one of the handler that the application is to the server around it, which answers and reports it. */
  override onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isFailure(exit) && this.response.status === "open") this.#fail(exit.cause, "server_error")
    super.onApplicationExit(exit)
  }

  #fail(cause: Cause.Cause<unknown>, reason: DisconnectReason): void {
    this.failure = cause
    this.response.withdraw()
    this.exchange.disconnect(reason)
    this.changes.notify()
  }

  /** Completes when the application has ended, with its finalizers. */
  readonly ended: Effect.Effect<void> = this.changes.when(() => (this.exit === undefined ? undefined : Effect.void))

  // the body of the request ------------------------------------------------------------------------------------------

  pullBody(): HttpRequestEvent | undefined {
    const piece = this.#pieces[this.#taken]
    if (piece !== undefined) {
      this.#taken++
      return piece
    }
    if (!this.#isReading && !this.#isBodyOver) this.#read()
    return undefined
  }

  #read(): void {
    this.#isReading = true
    const begin = Effect.flatMap(EffectScope.provide(Stream.toPull(this.#request.stream), this.#scope), (pull) => {
      this.#next = pull
      return pull
    })
    const fiber = Effect.runForkWith(this.#context)(this.#next ?? begin)
    fiber.addObserver((exit) => this.#onRead(exit))
    if (fiber.pollUnsafe() === undefined) Fiber.runIn(fiber, this.#scope)
  }

  #onRead(exit: Exit.Exit<Arr.NonEmptyReadonlyArray<Uint8Array>, HttpServerError | Cause.Done>): void {
    this.#isReading = false
    this.#taken = 0
    if (Exit.isSuccess(exit)) {
      this.#pieces = exit.value.map((body) => ({ type: "http.request", body, more: true }))
      return this.exchange.readable()
    }
    const { cause } = exit
    this.#isBodyOver = true
    this.#pieces = Pull.isDoneCause(cause) ? [endOfBody] : []
    if (Pull.isDoneCause(cause)) return this.exchange.readable()
    // The request is over then, and that is told of by itself.
    if (Cause.hasInterruptsOnly(cause)) return
    const { source } = this.#request
    this.#fail(cause, (isOwn(source) ? source.disconnectReason : undefined) ?? bodyReasonOf(cause))
  }
}
