import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import type { Log } from "../Callbacks.ts"
import { ExchangeState } from "../ConnectionState.ts"
import type { Deadlines } from "../Deadlines.ts"
import type { DisconnectReason } from "../DisconnectReason.ts"
import type * as Event from "../Event.ts"
import type { FileSource } from "../FileSource.ts"
import type { Receive, Send } from "../PagiApp.ts"
import type { HttpRequestHead, ScopeConnection } from "../RequestScope.ts"
import type { RequestRunner, RunObserver } from "../RequestRunner.ts"
import type { ResponseSink } from "../ResponseSink.ts"
import type { Scope } from "../Scope.ts"
import type { SendError } from "../SendError.ts"
import type { ServerContext } from "../ServerContext.ts"
import { WriteBuffer } from "../TransportState.ts"

/** What an exchange needs of the driver that made it: the way out, and the request's body. */
export interface ExchangeHost {
  readonly response: ResponseSink
  /** Bytes of this exchange that wait for the peer. Arrays that were sent before so many last bytes are not needed any more. */
  readonly bufferedAmount: number
  /**
   * The next piece of the request body; `undefined` when there is none yet or the body is over. Arranges for
   * `RequestExchange.readable` to be called when there is more.
   */
  pullBody(): Event.HttpRequestEvent | undefined
  /** The application's fiber has ended; `ending` says what that means for the exchange. */
  onApplicationEnd(ending: Ending): void
  /** Ends a response that is under way as if it were complete, and with it the connection; the exchange sees `reason`. */
  endResponse(reason: DisconnectReason): void
  /** Ends the connection such that the peer does not take the response for complete. `problem` is for the log. */
  breakOff(problem: string): void
}

/**
 * How an application left its exchange: with a complete response, with none, with one that it had begun, or after the
 * peer was gone.
 */
export type Ending = "complete" | "unanswered" | "truncated" | "disconnected"

/** What all exchanges of a server share. */
export interface ExchangeOptions {
  readonly highWaterMark: number
  readonly lowWaterMark: number
  /** Whether the scope advertises `fullflush`. */
  readonly fullFlush: boolean
  readonly log: Log
  readonly files: FileSource
  readonly deadlines: Deadlines
  /** Ticks that an event stream may be without an event; 0 means no limit. */
  readonly sseIdleTicks: number
  /** Whether the application may handle event streams; otherwise it sees such requests as ordinary ones. */
  readonly servesEventStreams: boolean
}

export const makeExchangeOptions = (server: ServerContext): ExchangeOptions => ({
  highWaterMark: server.options.writeHighWatermark,
  lowWaterMark: server.options.writeLowWatermark,
  fullFlush: "fullflush" in server.options.extensions,
  log: server.runner.background,
  files: server.files,
  deadlines: server.deadlines,
  sseIdleTicks: server.limits.sseIdle,
  servesEventStreams: server.scopeTypes?.has("sse") ?? true
})

const incomplete = {
  unanswered: "the application returned without sending a response",
  truncated: "the application returned before its response was complete"
}

/** A `send` that has not been run yet. A class of its own saves the closure that `Effect.suspend` would need. */
class SendStep<SendEvent> extends Effectable.Class<void, SendError> {
  readonly exchange: { perform(event: SendEvent): Effect.Effect<void, SendError> }
  readonly event: SendEvent

  constructor(exchange: SendStep<SendEvent>["exchange"], event: SendEvent) {
    super()
    this.exchange = exchange
    this.event = event
  }

  asEffect(): Effect.Effect<void, SendError> {
    return this.exchange.perform(this.event)
  }
}

/** A `receive` that has not been run yet, or will be run again. */
class ReceiveStep<ReceiveEvent> extends Effectable.Class<ReceiveEvent> {
  readonly exchange: { receiveNext(): Effect.Effect<ReceiveEvent> }

  constructor(exchange: ReceiveStep<ReceiveEvent>["exchange"]) {
    super()
    this.exchange = exchange
  }

  asEffect(): Effect.Effect<ReceiveEvent> {
    return this.exchange.receiveNext()
  }
}

/**
 * One request with its response, for every HTTP version: the contract's `receive` and `send` on one side, the driver's
 * `ExchangeHost` on the other. The kinds of exchange differ in their events.
 */
export abstract class RequestExchange<
  ReceiveEvent extends Event.ReceiveEvent,
  SendEvent extends Event.SendEvent
> implements RunObserver {
  readonly state: ExchangeState
  readonly writeBuffer: WriteBuffer
  readonly receive: Receive<ReceiveEvent>
  readonly send: Send<SendEvent>
  protected readonly host: ExchangeHost
  protected readonly options: ExchangeOptions
  #receivers: Array<(event: Effect.Effect<ReceiveEvent>) => void> | undefined = undefined

  constructor(host: ExchangeHost, options: ExchangeOptions) {
    this.host = host
    this.options = options
    this.state = new ExchangeState(options.log)
    this.writeBuffer = new WriteBuffer(host, options.highWaterMark, options.lowWaterMark, options.log)
    this.receive = new ReceiveStep(this)
    this.send = (event) => new SendStep(this, event)
  }

  /** Whether silence in both directions may end the exchange now; an event stream has a limit of its own. */
  abstract readonly mayStall: boolean

  /** What the application is told of the request. */
  abstract makeScope(server: ServerContext, connection: ScopeConnection, head: HttpRequestHead): Scope

  /**
   * Runs the application; answers its fiber when it has not ended at once. An observer in place of the exchange itself
   * has to call `onApplicationExit`.
   */
  run(runner: RequestRunner, scope: Scope, observer: RunObserver = this): Fiber<unknown, unknown> | undefined {
    return runner.run(scope, this.receive, this.send, observer)
  }

  /** Sends an event that the application gave. */
  abstract perform(event: SendEvent): Effect.Effect<void, SendError>

  /** A piece of the request body as this kind of exchange reports it. */
  protected abstract bodyEvent(piece: Event.HttpRequestEvent): ReceiveEvent

  /** What `receive` answers when the exchange has ended. */
  protected abstract endEvent(): ReceiveEvent

  /** Whether a head that has not been sent waits for the length of the body, which will be known soon. */
  get holdsHead(): boolean {
    return false
  }

  /** The server has begun to drain. */
  drain(): void {}

  /** The exchange is over, in whatever way. */
  protected onEnd(): void {}

  /** The peer is gone or is being dropped: the application is told, and what it sends from now on is dropped. */
  disconnect(reason: DisconnectReason): void {
    if (this.state.disconnect(reason)) this.#end()
  }

  /** The response has been handed over to its last byte. */
  protected complete(): void {
    this.state.complete()
    this.#end()
  }

  #end(): void {
    this.writeBuffer.release()
    this.onEnd()
    const receivers = this.#receivers
    this.#receivers = undefined
    if (receivers !== undefined) for (const receiver of receivers) receiver(Effect.succeed(this.endEvent()))
  }

  protected get hasEnded(): boolean {
    return this.state.responseComplete || this.state.disconnectReason !== undefined
  }

  /** Goes on when the peer has caught up; every send that wrote something ends with it. */
  protected awaitDrain(): Effect.Effect<void> {
    this.writeBuffer.update()
    return this.writeBuffer.isFull ? this.writeBuffer.drained : Effect.void
  }

  /** The driver has more of the request body, so that waiting receivers can go on. */
  readable(): void {
    while (this.#receivers !== undefined) {
      const piece = this.host.pullBody()
      if (piece === undefined) return
      // Pulling can end the exchange, which answers and forgets all receivers.
      const receiver = this.#receivers?.shift()
      if (this.#receivers?.length === 0) this.#receivers = undefined
      receiver?.(Effect.succeed(this.bodyEvent(piece)))
    }
  }

  receiveNext(): Effect.Effect<ReceiveEvent> {
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

  #takeEvent(): ReceiveEvent | undefined {
    if (this.hasEnded) return this.endEvent()
    const piece = this.#receivers === undefined ? this.host.pullBody() : undefined
    // Pulling a malformed body ends the exchange.
    if (this.hasEnded) return this.endEvent()
    return piece === undefined ? undefined : this.bodyEvent(piece)
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
    this.host.onApplicationEnd(ending)
  }

  #report(ending: Exclude<Ending, "disconnected">, exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit)) {
      if (ending !== "complete") this.options.log(Effect.logError(incomplete[ending]))
      return
    }
    // One that ran on after its response is interrupted when the connection ends, and that is no failure.
    if (ending === "complete" && Cause.hasInterruptsOnly(exit.cause)) return
    this.options.log(Effect.logError("the application failed", exit.cause))
  }
}
