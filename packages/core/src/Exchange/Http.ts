import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type { Log } from "../Callbacks.ts"
import { ExchangeState } from "../ConnectionState.ts"
import type { DisconnectReason } from "../DisconnectReason.ts"
import type { HttpReceiveEvent, HttpSendEvent } from "../Event.ts"
import { checkHttp } from "../EventGuard.ts"
import type { HeaderBlock } from "../HeaderBlock.ts"
import type { Receive, Send } from "../PagiApp.ts"
import type { RunObserver } from "../RequestRunner.ts"
import type { ResponseSink } from "../ResponseSink.ts"
import { outOfOrder, extensionMissing, refused, type SendError } from "../SendError.ts"
import { WriteBuffer } from "../TransportState.ts"

/** How far the response has come. */
type Phase = "awaitingStart" | "body" | "bodyBeforeTrailers" | "trailers" | "complete"

type Step = "informational" | "start" | "startBeforeTrailers" | "body" | "lastBody" | "trailers" | "fullflush"

/**
 * Which step may follow in which phase, and the phase after it.
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
  trailers: { trailers: "complete", fullflush: "trailers" },
  complete: {}
}

const expectation: Readonly<Record<Phase, string>> = {
  awaitingStart: "http.response.start has not been sent",
  body: "the response has started; only body events may follow",
  bodyBeforeTrailers: "the response has started; body events and then the announced trailers must follow",
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

const incomplete = {
  unanswered: "the application returned without sending a response",
  truncated: "the application returned before its response was complete"
}

const noHeaders: HeaderBlock = []
const disconnectEvent: HttpReceiveEvent = { type: "http.disconnect" }

/** What an exchange needs of the driver that made it: the way out, and the request's body. */
export interface HttpExchangeHost extends ResponseSink {
  /** Bytes of this exchange that wait for the peer. */
  readonly bufferedAmount: number
  /**
   * The next piece of the request body; `undefined` when there is none yet or the body is over. Arranges for
   * `HttpExchange.readable` to be called when there is more.
   */
  pullBody(): HttpReceiveEvent | undefined
  /** The application's fiber has ended; `ending` says what that means for the exchange. */
  onApplicationEnd(ending: Ending): void
}

/**
 * How an application left its exchange: with a complete response, with none, with one that it had begun, or after the
 * peer was gone.
 */
export type Ending = "complete" | "unanswered" | "truncated" | "disconnected"

export interface HttpExchangeOptions {
  readonly highWaterMark: number
  readonly lowWaterMark: number
  /** Whether the scope advertises `fullflush`. */
  readonly fullFlush: boolean
  readonly log: Log
}

/** A `send` that has not been run yet. A class of its own saves the closure that `Effect.suspend` would need. */
class SendStep extends Effectable.Class<void, SendError> {
  readonly exchange: HttpExchange
  readonly event: HttpSendEvent

  constructor(exchange: HttpExchange, event: HttpSendEvent) {
    super()
    this.exchange = exchange
    this.event = event
  }

  asEffect(): Effect.Effect<void, SendError> {
    return this.exchange.perform(this.event)
  }
}

/** A `receive` that has not been run yet, or will be run again. */
class ReceiveStep extends Effectable.Class<HttpReceiveEvent> {
  readonly exchange: HttpExchange

  constructor(exchange: HttpExchange) {
    super()
    this.exchange = exchange
  }

  asEffect(): Effect.Effect<HttpReceiveEvent> {
    return this.exchange.receiveNext()
  }
}

/**
 * One HTTP request with its response, for every HTTP version: the contract's `receive` and `send` on one side, the
 * driver's `HttpExchangeHost` on the other.
 */
export class HttpExchange implements RunObserver {
  readonly state: ExchangeState
  readonly writeBuffer: WriteBuffer
  readonly receive: Receive<HttpReceiveEvent>
  readonly send: Send<HttpSendEvent>
  #phase: Phase = "awaitingStart"
  readonly #host: HttpExchangeHost
  readonly #options: HttpExchangeOptions
  #receivers: Array<(event: Effect.Effect<HttpReceiveEvent>) => void> | undefined = undefined

  constructor(host: HttpExchangeHost, options: HttpExchangeOptions) {
    this.#host = host
    this.#options = options
    this.state = new ExchangeState(options.log)
    this.writeBuffer = new WriteBuffer(host, options.highWaterMark, options.lowWaterMark, options.log)
    this.receive = new ReceiveStep(this)
    this.send = (event) => new SendStep(this, event)
  }

  /** The peer is gone or is being dropped: the application is told, and what it sends from now on is dropped. */
  disconnect(reason: DisconnectReason): void {
    if (!this.state.disconnect(reason)) return
    this.writeBuffer.release()
    this.#endReceivers()
  }

  /** The driver has more of the request body, so that waiting receivers can go on. */
  readable(): void {
    while (this.#receivers !== undefined) {
      const event = this.#host.pullBody()
      if (event === undefined) return
      // Pulling can end the exchange, which answers and forgets all receivers.
      const receiver = this.#receivers?.shift()
      if (this.#receivers?.length === 0) this.#receivers = undefined
      receiver?.(Effect.succeed(event))
    }
  }

  /**
   * Tells the host how the exchange ended. Failures are logged, except those of an application whose peer had already
   * left: there the failure is most likely the consequence.
   */
  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    const { state } = this
    const ending: Ending =
      state.disconnectReason !== undefined
        ? "disconnected"
        : state.responseComplete
          ? "complete"
          : state.responseStarted
            ? "truncated"
            : "unanswered"
    if (ending !== "disconnected") this.#report(ending, exit)
    this.#host.onApplicationEnd(ending)
  }

  #report(ending: Exclude<Ending, "disconnected">, exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit)) {
      if (ending !== "complete") this.#options.log(Effect.logError(incomplete[ending]))
      return
    }
    // One that ran on after its response is interrupted when the connection ends, and that is no failure.
    if (ending === "complete" && Cause.hasInterruptsOnly(exit.cause)) return
    this.#options.log(Effect.logError("the application failed", exit.cause))
  }

  receiveNext(): Effect.Effect<HttpReceiveEvent> {
    const event = this.#takeEvent()
    if (event !== undefined) return Effect.succeed(event)
    return Effect.callback((resume) => {
      // The fiber may have been scheduled away before it got here, and then nobody was there to be woken.
      const late = this.#takeEvent()
      if (late !== undefined) return resume(Effect.succeed(late))
      ;(this.#receivers ??= []).push(resume)
      return Effect.sync(() => {
        const others = this.#receivers?.filter((other) => other !== resume)
        this.#receivers = others?.length === 0 ? undefined : others
      })
    })
  }

  #takeEvent(): HttpReceiveEvent | undefined {
    if (this.#hasEnded()) return disconnectEvent
    const event = this.#receivers === undefined ? this.#host.pullBody() : undefined
    // Pulling a malformed body ends the exchange.
    return event === undefined && this.#hasEnded() ? disconnectEvent : event
  }

  #hasEnded(): boolean {
    return this.state.responseComplete || this.state.disconnectReason !== undefined
  }

  #endReceivers(): void {
    const receivers = this.#receivers
    this.#receivers = undefined
    if (receivers !== undefined) for (const receiver of receivers) receiver(Effect.succeed(disconnectEvent))
  }

  perform(event: HttpSendEvent): Effect.Effect<void, SendError> {
    // An application that streams on for ever must not keep the fiber from being scheduled away.
    if (this.state.disconnectReason !== undefined) return Effect.yieldNow
    const invalid = checkHttp(event)
    if (invalid !== undefined) return Effect.fail(invalid)
    const next = order[this.#phase][stepOf(event)]
    if (next === undefined) return Effect.fail(outOfOrder(event.type, expectation[this.#phase]))
    if (event.type === "http.fullflush" && !this.#options.fullFlush) {
      return Effect.fail(extensionMissing(event.type, "fullflush"))
    }
    const problem = this.#dispatch(event)
    if (problem !== undefined) return Effect.fail(refused(event.type, problem))
    this.#phase = next
    if (next === "complete") {
      this.state.complete()
      this.writeBuffer.release()
      this.#endReceivers()
      return Effect.void
    }
    this.writeBuffer.update()
    return this.writeBuffer.isFull ? this.writeBuffer.drained : Effect.void
  }

  #dispatch(event: HttpSendEvent): string | undefined {
    switch (event.type) {
      case "http.response.start": {
        const problem = this.#host.start(event.status, event.headers ?? noHeaders, event.trailers === true)
        if (problem === undefined) this.state.responseStarted = true
        return problem
      }
      case "http.response.body":
        return this.#host.body(event.body ?? "", event.more !== true)
      case "http.response.informational":
        return this.#host.informational(event.status, event.headers ?? noHeaders)
      case "http.response.trailers":
        return this.#host.trailers(event.headers ?? noHeaders)
      case "http.fullflush":
        return this.#host.flush()
    }
  }
}
