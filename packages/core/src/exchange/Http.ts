/** A request and its response: the order of their events as a table, turned into calls on the driver. */
import * as Effect from "effect/Effect"
import type { AnySpan } from "effect/Tracer"
import type { ByteString } from "../bytes/ByteString.ts"
import type { Address } from "../contract/Address.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { NativeRequest } from "../contract/NativeHandler.ts"
import type { Receive, Send } from "../contract/PagiApp.ts"
import type { HttpReceiveEvent, HttpRequestEvent, HttpSendEvent } from "../contract/Event.ts"
import { checkHttp } from "./EventGuard.ts"
import type { FilePart } from "../contract/FileSource.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { type HttpRequestHead, makeHttpScope, type ScopeConnection } from "./RequestScope.ts"
import type { HttpScope, HttpVersion, Readiness, State } from "../contract/Scope.ts"
import type { TlsExtension } from "../contract/TlsExtension.ts"
import { extensionMissing, outOfOrder, refused, type SendError } from "../contract/SendError.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { sendFile } from "./FileResponse.ts"
import { RequestExchange } from "./RequestExchange.ts"
import { joinTarget } from "../http/RequestPath.ts"

/** How far the response has come. */
type Phase = "awaitingStart" | "body" | "bodyBeforeTrailers" | "file" | "trailers" | "complete"

type Step = "informational" | "start" | "startBeforeTrailers" | "body" | "lastBody" | "trailers" | "fullflush"

/**
 * Which step may follow in which phase, and the phase after it. While a file is on its way the phase is `file`; then it
 * was the last body. A response without content is complete with its head; what follows that goes nowhere, in the same
 * order.
 *
 *     awaitingStart ──start──────────────► body ───────────────lastBody──────────────► complete
 *           └───────startBeforeTrailers──► bodyBeforeTrailers ─lastBody─► trailers ──────┘
 */
const order: Readonly<Record<Phase, Partial<Readonly<Record<Step, Phase>>>>> = {
  awaitingStart: {
    informational: "awaitingStart",
    start: "body",
    startBeforeTrailers: "bodyBeforeTrailers",
    fullflush: "awaitingStart"
  },
  body: { body: "body", lastBody: "complete", fullflush: "body" },
  bodyBeforeTrailers: { body: "bodyBeforeTrailers", lastBody: "trailers", fullflush: "bodyBeforeTrailers" },
  file: { fullflush: "file" },
  trailers: { trailers: "complete", fullflush: "trailers" },
  complete: {}
}

const expectation: Readonly<Record<Phase, string>> = {
  awaitingStart: "http.response.start has not been sent",
  body: "the response has started; only body events may follow",
  bodyBeforeTrailers: "the response has started; body events and then the announced trailers must follow",
  file: "a file is being sent; nothing may follow before that send has ended",
  trailers: "the body is complete; only the announced trailers may follow",
  complete: "the response is complete"
}

const stepOf = (event: HttpSendEvent): Step => {
  switch (event.type) {
    case "http.response.start":
      return event.trailers === true ? "startBeforeTrailers" : "start"
    case "http.response.body":
      return event.more === true ? "body" : "lastBody"
    case "http.response.informational":
      return "informational"
    case "http.response.trailers":
      return "trailers"
    case "http.fullflush":
      return "fullflush"
  }
}

const noHeaders: HeaderBlock = []
const disconnectEvent: HttpReceiveEvent = { type: "http.disconnect" }

type BodyEvent = HttpSendEvent & { readonly type: "http.response.body" }

/** What file a body event names, if it does. */
const filePart = (event: BodyEvent): FilePart | undefined => {
  if ("file" in event) return { file: event.file, offset: event.offset ?? 0, length: event.length }
  if ("fh" in event) return { file: event.fh, offset: event.offset ?? 0, length: event.length }
  return undefined
}

/** A request as a native handler gets it. */
class RequestOfExchange implements NativeRequest {
  readonly type = "http"
  readonly #exchange: HttpExchange
  readonly #server: ServerContext
  readonly #head: HttpRequestHead
  readonly #connection: ScopeConnection
  span: AnySpan | undefined = undefined
  #state: State | undefined = undefined

  constructor(exchange: HttpExchange, server: ServerContext, head: HttpRequestHead, connection: ScopeConnection) {
    this.#exchange = exchange
    this.#server = server
    this.#head = head
    this.#connection = connection
  }

  get method(): string {
    return this.#head.method
  }

  get path(): string {
    return this.#head.path
  }

  get target(): ByteString {
    const { target } = this.#head
    // A proxy is sent the whole URL (RFC 9112 §3.2.2).
    return target?.startsWith("/") === true ? target : joinTarget(this.#head)
  }

  get rootPath(): string {
    return this.#head.rootPath ?? this.#server.options.rootPath
  }

  get httpVersion(): HttpVersion {
    return this.#head.httpVersion
  }

  get headers(): HeaderBlock {
    return this.#head.headers
  }

  get requestId(): string | undefined {
    return this.#head.requestId
  }

  get secure(): boolean {
    return this.#connection.secure
  }

  get client(): Address | undefined {
    return this.#connection.client
  }

  get server(): Address | undefined {
    return this.#connection.server
  }

  get shuttingDown(): Effect.Effect<void> {
    return this.#server.shuttingDown
  }

  get readiness(): Readiness {
    return this.#server.readiness
  }

  get tls(): TlsExtension | undefined {
    return this.#connection.tls
  }

  get state(): State {
    return (this.#state ??= { ...this.#server.state })
  }

  get receive(): Receive<HttpReceiveEvent> {
    return this.#exchange.receive
  }

  get send(): Send<HttpSendEvent> {
    return this.#exchange.send
  }

  get disconnectReason(): DisconnectReason | undefined {
    return this.#exchange.state.disconnectReason
  }

  respond(status: number, headers: HeaderBlock, content: string | Uint8Array): string | undefined {
    return this.#exchange.respond(status, headers, content)
  }

  onDisconnect(callback: (reason: DisconnectReason) => void): void {
    this.#exchange.state.onDisconnect(callback)
  }
}

/** A request and its response. */
export class HttpExchange extends RequestExchange<HttpReceiveEvent, HttpSendEvent> {
  readonly mayStall = true
  #phase: Phase = "awaitingStart"

  makeScope(server: ServerContext, connection: ScopeConnection, head: HttpRequestHead): HttpScope {
    this.isHead = head.method === "HEAD"
    return makeHttpScope(server, connection, head, this)
  }

  override get hasStarted(): boolean {
    return this.#phase !== "awaitingStart"
  }

  /** The request for a native handler, for which no scope is made. */
  nativeRequest(server: ServerContext, connection: ScopeConnection, head: HttpRequestHead): RequestOfExchange {
    this.isHead = head.method === "HEAD"
    return new RequestOfExchange(this, server, head, connection)
  }

  /** Sends a whole response, which must not have started; answers why the protocol cannot carry it. */
  respond(status: number, headers: HeaderBlock, content: string | Uint8Array): string | undefined {
    if (this.state.disconnectReason !== undefined) return undefined
    if (this.#phase !== "awaitingStart") return expectation[this.#phase]
    const problem = this.startResponse(status, headers, false)
    if (problem !== undefined) return problem
    this.#phase = "body"
    const contentProblem = this.sendBody(content, true)
    if (contentProblem !== undefined) return contentProblem
    this.#phase = "complete"
    if (!this.hasEnded) this.complete()
    return undefined
  }

  protected get isAnswered(): boolean {
    return this.#phase === "complete"
  }

  /** Asked while pieces of the body may follow; of a file, `#sendFile` knows. */
  protected get endsWithTrailers(): boolean {
    return this.#phase === "bodyBeforeTrailers"
  }

  override get holdsHead(): boolean {
    return this.#phase === "file"
  }

  protected bodyEvent(piece: HttpRequestEvent): HttpReceiveEvent {
    return piece
  }

  protected endEvent(): HttpReceiveEvent {
    return disconnectEvent
  }

  perform(event: HttpSendEvent): Effect.Effect<void, SendError> {
    if (this.state.disconnectReason !== undefined) return this.sendNowhere()
    const invalid = checkHttp(event)
    if (invalid !== undefined) return Effect.fail(invalid)
    const part = event.type === "http.response.body" ? filePart(event) : undefined
    if (part !== undefined) return this.#sendFile(event, part)
    const next = order[this.#phase][stepOf(event)]
    if (next === undefined) return this.#outOfOrder(event)
    if (event.type === "http.fullflush" && !this.options.fullFlush) {
      return Effect.fail(extensionMissing(event.type, "fullflush"))
    }
    const problem = this.#dispatch(event)
    return problem === undefined ? this.#goOn(next) : Effect.fail(refused(event.type, problem))
  }

  #outOfOrder(event: HttpSendEvent): Effect.Effect<never, SendError> {
    return Effect.fail(outOfOrder(event.type, expectation[this.#phase]))
  }

  #goOn(next: Phase): Effect.Effect<void> {
    this.#phase = next
    if (this.hasEnded) return this.sendInVain()
    if (next !== "complete" && this.headOnly !== "written") return this.awaitDrain()
    this.complete()
    return Effect.void
  }

  #sendFile(event: HttpSendEvent, part: FilePart): Effect.Effect<void, SendError> {
    const before = this.#phase
    const next = order[before].lastBody
    if (next === undefined) return this.#outOfOrder(event)
    if (this.isComplete) return this.#goOn(next)
    this.#phase = "file"
    return sendFile(this.host, this.options.files, part, {
      endsWithFile: next === "complete",
      awaitDrain: () => this.awaitDrain(),
      isOver: () => this.hasEnded,
      onRefused: () => {
        this.#phase = this.takeBackStart() ? "awaitingStart" : before
      },
      onSent: () => {
        if (this.headOnly === "pending") this.onHeadOnly(next === "trailers")
        return this.#goOn(next)
      }
    })
  }

  #dispatch(event: HttpSendEvent): string | undefined {
    switch (event.type) {
      case "http.response.start":
        return this.startResponse(event.status, event.headers ?? noHeaders, event.trailers === true)
      case "http.response.body":
        return this.sendBody(event.body ?? "", event.more !== true)
      case "http.response.informational":
        return this.host.response.informational(event.status, event.headers ?? noHeaders)
      case "http.response.trailers":
        return this.isComplete ? undefined : this.host.response.trailers(event.headers ?? noHeaders)
      case "http.fullflush":
        return this.isComplete ? undefined : this.host.response.flush()
    }
  }
}
