import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import { Deadline } from "../server/Deadlines.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type * as Event from "../contract/Event.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { HttpRequestHead, ScopeConnection } from "./RequestScope.ts"
import type { ExchangeSpan } from "../contract/OwnSpan.ts"
import type { NativeHandler, NativeRequest } from "../contract/NativeHandler.ts"
import type { Send } from "../contract/PagiApp.ts"
import type { RequestRunner, RunObserver } from "../server/RequestRunner.ts"
import * as EventStream from "../http/EventStream.ts"
import { isContentless } from "../http/ResponseStatus.ts"
import type { ResponseSink } from "./ResponseSink.ts"
import type { Scope } from "../contract/Scope.ts"
import { type Subject, withSpan } from "../server/Subject.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { type Ending, Exchange, type ExchangeOptions } from "./Exchange.ts"
import { SendStep } from "./SendStep.ts"
import type { Turn } from "../server/Turn.ts"

/** What an exchange needs of the driver that made it: the way out, and the request's body. */
export interface ExchangeHost {
  readonly response: ResponseSink
  /** Bytes of this exchange that wait for the peer. Arrays that were sent before so many last bytes are not needed any more. */
  readonly bufferedAmount: number
  /**
   * The next piece of the request body; `undefined` when there is none yet or the body is over. Arranges for
   * `Exchange.readable` to be called when there is more.
   */
  pullBody(): Event.HttpRequestEvent | undefined
  /** The application's fiber has ended; `ending` says what that means for the exchange. */
  onApplicationEnd(ending: Ending): void
  /** Ends a response that is under way as if it were complete, and with it the connection; the exchange sees `reason`. */
  endResponse(reason: DisconnectReason): void
  /** Ends the connection such that the peer does not take the response for complete. `problem` is for the log. */
  breakOff(problem: string): void
}

const noFields: HeaderBlock = []

const incomplete: Readonly<Record<Ending, string>> = {
  unanswered: "the application returned without sending a response",
  truncated: "the application returned before its response was complete",
  complete: "",
  disconnected: ""
}

/**
 * One request with its response, for every HTTP version: the contract on one side, the driver's `ExchangeHost` on the
 * other.
 */
export abstract class RequestExchange<
  ReceiveEvent extends Event.ReceiveEvent,
  SendEvent extends Event.SendEvent
> extends Exchange<ReceiveEvent, SendEvent> {
  protected readonly host: ExchangeHost
  /** Whether the method is HEAD, whose responses have no content. */
  protected isHead = false
  /** Of a response without content, whether its head, with which it is complete, still waits to be written. */
  protected headOnly: "pending" | "written" | undefined = undefined
  /** That of the request, on a server whose requests may have to wait or have a time limit. */
  turn: Turn | undefined = undefined
  #fiber: Fiber<unknown, unknown> | undefined = undefined
  /** Limits how long the application may send in vain; made when it does. */
  #sending: Deadline | undefined = undefined

  constructor(host: ExchangeHost, options: ExchangeOptions) {
    super(options)
    this.host = host
  }

  /** Whether silence in both directions may end the exchange now; an event stream has a limit of its own. */
  abstract readonly mayStall: boolean

  /** What the application is told of the request. */
  abstract makeScope(server: ServerContext, connection: ScopeConnection, head: HttpRequestHead): Scope

  /** A piece of the request body as this kind of exchange reports it. */
  protected abstract bodyEvent(piece: Event.HttpRequestEvent): ReceiveEvent

  /** What `receive` answers when the exchange has ended. */
  protected abstract endEvent(): ReceiveEvent

  get bufferedAmount(): number {
    return this.host.bufferedAmount
  }

  override run(
    runner: RequestRunner,
    scope: Scope,
    observer: RunObserver = this,
    trace?: ExchangeSpan
  ): Fiber<unknown, unknown> | undefined {
    this.#fiber = super.run(runner, scope, observer, trace)
    return this.#fiber
  }

  /** Runs a native handler for the request. `observer` and `trace` are as in `run`. */
  runNative(
    runner: RequestRunner,
    handler: NativeHandler,
    request: NativeRequest & Subject,
    observer: RunObserver = this,
    trace?: ExchangeSpan
  ): Fiber<unknown, unknown> | undefined {
    const subject = withSpan(request, trace)
    this.subject = subject
    this.#fiber = runner.runNative(handler, request, observer, subject, trace)
    return this.#fiber
  }

  /** A closure is called faster than a bound function, and most requests are short. */
  override get send(): Send<SendEvent> {
    return (event) => new SendStep(this, event)
  }

  /** The application has sent all that it has to send. */
  protected abstract readonly isAnswered: boolean

  /** Whether the response will end with trailers, and not with the last piece of its body. */
  protected abstract readonly endsWithTrailers: boolean

  /** Begins the response; answers why the protocol cannot carry it. */
  protected startResponse(status: number, headers: HeaderBlock, trailers: boolean): string | undefined {
    const problem = this.host.response.start(status, headers, trailers)
    if (problem !== undefined) return problem
    if (isContentless(status, this.isHead)) this.headOnly = "pending"
    else if (this.turn !== undefined && EventStream.isContent(headers)) this.turn.lasts()
    return undefined
  }

  /** Takes the start of the response back, as long as nothing of it was written. */
  protected takeBackStart(): boolean {
    if (this.hasEnded || !this.host.response.withdraw()) return false
    this.headOnly = undefined
    return true
  }

  /** Sends a piece of the body; the first one of a response without content sends its head, and nothing else is sent. */
  protected sendBody(data: string | Uint8Array, last: boolean): string | undefined {
    if (this.headOnly === undefined) return this.host.response.body(data, last && !this.endsWithTrailers)
    if (!last) this.#limitSending()
    // What was not the whole body says nothing about the length that HEAD tells of.
    return this.headOnly === "pending" ? this.sendHeadOnly(last ? data : "") : undefined
  }

  /** Sends the head of a response without content, whose body is `data` for the length that HEAD tells of. */
  protected sendHeadOnly(data: string | Uint8Array): string | undefined {
    // Writing may flush, which would end the response by itself.
    this.headOnly = "written"
    const problem = this.host.response.body(data, !this.endsWithTrailers)
    if (problem === undefined) return this.onHeadOnly(this.endsWithTrailers)
    this.headOnly = "pending"
    return problem
  }

  /** The head of a response without content was written, with which it ends unless it does with trailers. */
  protected onHeadOnly(endsWithTrailers: boolean): string | undefined {
    this.headOnly = "written"
    return endsWithTrailers ? this.host.response.trailers(noFields) : undefined
  }

  override endWithHead(): void {
    if (this.headOnly !== "pending" || this.holdsHead || this.hasEnded) return
    this.sendHeadOnly("")
    this.complete()
  }

  /**
   * An application that sends pieces of content where there is none would go on for nothing, maybe for ever. It has the
   * time of one whose peer has left.
   */
  #limitSending(): void {
    if (this.#sending !== undefined) return
    this.#sending = new Deadline(this.options.deadlines, { onDeadline: () => this.stopSendingInVain() })
    this.#sending.start(this.options.graceTicks)
  }

  /** A send after the end of the exchange. */
  protected sendInVain(): Effect.Effect<void> {
    if (this.isAnswered) this.#sending?.release()
    return this.sendNowhere()
  }

  override get maySendInVain(): boolean {
    return this.headOnly === "written" && !this.isAnswered
  }

  override stopSendingInVain(): void {
    if (this.#sending !== undefined && !this.isAnswered) this.#fiber?.interruptUnsafe()
  }

  protected takeNext(): ReceiveEvent | undefined {
    if (this.hasEnded) return this.endEvent()
    const piece = this.host.pullBody()
    // Pulling a malformed body ends the exchange.
    if (this.hasEnded) return this.endEvent()
    return piece === undefined ? undefined : this.bodyEvent(piece)
  }

  /**
   * Tells the host how the exchange ended. Failures are logged, except those of an application whose peer had already
   * left: there the failure is most likely the consequence.
   */
  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    this.#sending?.release()
    if (Exit.isSuccess(exit)) this.endWithHead()
    const { state } = this
    const ending: Ending =
      state.disconnectReason !== undefined
        ? "disconnected"
        : state.responseComplete
          ? "complete"
          : state.responseStarted
            ? "truncated"
            : "unanswered"
    if (ending !== "disconnected") this.report(exit, ending === "complete", incomplete[ending])
    this.host.onApplicationEnd(ending)
    this.release()
  }

  protected override release(): void {
    super.release()
    this.turn = undefined
    this.#fiber = undefined
  }
}
