import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import type { Log } from "../contract/Callbacks.ts"
import { ExchangeState } from "../contract/ConnectionState.ts"
import type { Follower } from "../contract/DirectSend.ts"
import { type Deadlines, ticks } from "../server/Deadlines.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type * as Event from "../contract/Event.ts"
import type { FileSource } from "../contract/FileSource.ts"
import * as NotAnEffect from "../contract/NotAnEffect.ts"
import type { ExchangeSpan } from "../contract/OwnSpan.ts"
import type { Receive, Send } from "../contract/PagiApp.ts"
import type { Observer } from "../observe/Observer.ts"
import type { RequestRunner, RunObserver } from "../server/RequestRunner.ts"
import type { Scope } from "../contract/Scope.ts"
import type { SendError } from "../contract/SendError.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { type Subject, subjectOf, withSpan } from "../server/Subject.ts"
import { WriteBuffer } from "../contract/TransportState.ts"
import * as Annotations from "./Annotations.ts"
import { SendStep } from "./SendStep.ts"

/**
 * How an application left its exchange: with a complete response, with none, with one that it had begun, or after the
 * peer was gone.
 */
export type Ending = "complete" | "unanswered" | "truncated" | "disconnected"

/** Ticks that an application has to say goodbye when the server begins to drain and its exchange could last. */
export const drainTicks = ticks(100, "milliseconds")

/** Sends that may go nowhere before the next ones have to wait: enough for an application that is about to end. */
const freeSends = 32

/** Sends that go nowhere after which each waits for a tick more, up to the longest wait. */
const sendsForTick = 8
const longestWaitTicks = ticks(5, "seconds")

/** What all exchanges of a server share. */
export interface ExchangeOptions {
  readonly highWaterMark: number
  readonly lowWaterMark: number
  /** Whether the scope advertises `fullflush`. */
  readonly fullFlush: boolean
  readonly log: Log
  /** Who is told of sends that wait. */
  readonly observer: Pick<Observer, "sendSuspended"> | undefined
  readonly files: FileSource
  readonly deadlines: Deadlines
  /** Ticks that an application has to end when nobody gets any more what it sends, at least 1. */
  readonly graceTicks: number
  /** Ticks that an event stream may be without an event; 0 means no limit. */
  readonly sseIdleTicks: number
  /** Whether the application may handle event streams; otherwise it sees such requests as ordinary ones. */
  readonly servesEventStreams: boolean
  /** Whether the application may handle WebSocket sessions; otherwise it sees their handshakes as ordinary requests. */
  readonly servesWebSockets: boolean
  /** The worker that the server is of, for the log. */
  readonly workerNum?: number | undefined
}

export const makeExchangeOptions = (server: ServerContext): ExchangeOptions => ({
  highWaterMark: server.options.writeHighWatermark,
  lowWaterMark: server.options.writeLowWatermark,
  fullFlush: "fullflush" in server.options.extensions,
  log: server.runner.background,
  observer: server.observer,
  files: server.files,
  deadlines: server.deadlines,
  graceTicks: Math.max(1, server.limits.disconnectGrace),
  sseIdleTicks: server.limits.sseIdle,
  servesEventStreams: server.scopeTypes?.has("sse") ?? true,
  servesWebSockets: server.scopeTypes?.has("websocket") ?? true,
  workerNum: server.workerNum
})

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

/** A `receive` that waits, in a row with others; as an Effect, its end when its fiber is interrupted. */
class Waiting<ReceiveEvent> extends Effectable.Class<void> {
  readonly exchange: { forget(waiting: Waiting<ReceiveEvent>): void }
  readonly resume: (event: Effect.Effect<ReceiveEvent>) => void
  next: Waiting<ReceiveEvent> | undefined = undefined
  previous: Waiting<ReceiveEvent> | undefined = undefined

  constructor(exchange: Waiting<ReceiveEvent>["exchange"], resume: Waiting<ReceiveEvent>["resume"]) {
    super()
    this.exchange = exchange
    this.resume = resume
  }

  asEffect(): Effect.Effect<void> {
    this.exchange.forget(this)
    return Effect.void
  }
}

/**
 * One run of the application for a peer: the contract's `receive` and `send`, who waits for them, and how the run ends.
 * The kinds of exchange differ in their events and in where these come from.
 */
export abstract class Exchange<
  ReceiveEvent extends Event.ReceiveEvent,
  SendEvent extends Event.SendEvent
> implements RunObserver {
  readonly writeBuffer: WriteBuffer
  protected readonly options: ExchangeOptions
  /** How many sends have gone nowhere. */
  #lostSends = 0
  /** Made when it is first asked for: what nobody asks a WebSocket session for should take no memory. */
  #state: ExchangeState | undefined = undefined
  /** What the log says that it is about, until the application ends. */
  protected subject: Subject | undefined = undefined
  /** The first and the last of those who wait for an event. */
  #waiting: Waiting<ReceiveEvent> | undefined = undefined
  #lastWaiting: Waiting<ReceiveEvent> | undefined = undefined

  constructor(options: ExchangeOptions) {
    this.options = options
    this.writeBuffer = new WriteBuffer(this, options)
  }

  get state(): ExchangeState {
    return (this.#state ??= new ExchangeState(this, this.options.log))
  }

  /** Whether everything was sent and received as it should be. */
  get isComplete(): boolean {
    return this.#state?.responseComplete === true
  }

  /** Whether the application has sent the start of a response; a session has none. */
  get hasStarted(): boolean {
    return false
  }

  /** Bytes of this exchange that wait for the peer. */
  abstract readonly bufferedAmount: number

  /** Sends an event that the application gave. */
  abstract perform(event: SendEvent): Effect.Effect<void, SendError>

  /** The next event; `undefined` when there is none yet. Once the exchange has ended there always is one. */
  protected abstract takeNext(): ReceiveEvent | undefined

  /** The application's fiber has ended. */
  abstract onApplicationExit(exit: Exit.Exit<unknown, unknown>): void

  /**
   * Runs the application, its spans below that of `trace`, unless it makes that itself; answers its fiber when it has not
   * ended at once. An observer in place of the exchange itself has to call `onApplicationExit`.
   */
  run(
    runner: RequestRunner,
    scope: Scope,
    observer: RunObserver = this,
    trace?: ExchangeSpan
  ): Fiber<unknown, unknown> | undefined {
    const subject = withSpan(subjectOf(scope), trace)
    this.subject = subject
    return runner.run(scope, this.receive, this.send, observer, subject, trace)
  }

  /** The contract's `receive`, made anew each time. */
  get receive(): Receive<ReceiveEvent> {
    return new ReceiveStep(this)
  }

  /** The contract's `send`, made anew each time. A bound function takes half of what a closure with its context does. */
  get send(): Send<SendEvent> {
    return SendStep.of.bind(this)
  }

  /**
   * The application has ended. An exchange may be kept in memory long after that, until the next major collection: a
   * generator function that is made for a request has a hidden class of its own among the old objects, and that refers to
   * all that the function uses. Then the request should not be kept with it.
   */
  protected release(): void {
    this.subject = undefined
  }

  /** Whether a head that has not been sent waits for the length of the body, which will be known soon. */
  get holdsHead(): boolean {
    return false
  }

  /** The server has begun to drain. */
  drain(): void {}

  /** The turn ends: a response that has no content is complete, unless its head is still held. */
  endWithHead(): void {}

  /** Whether the application may still send content of a response that is complete without any. */
  get maySendInVain(): boolean {
    return false
  }

  /** Interrupts an application that does. */
  stopSendingInVain(): void {}

  /** The exchange is over, in whatever way. */
  protected onEnd(): void {}

  /** The peer is gone or is being dropped: the application is told, and what it sends from now on is dropped. */
  disconnect(reason: DisconnectReason): void {
    if (this.state.disconnect(reason)) this.#end()
  }

  /** Everything was sent and received as it should be. */
  protected complete(): void {
    this.state.complete()
    this.#end()
  }

  #end(): void {
    this.writeBuffer.release()
    this.onEnd()
    this.readable()
  }

  protected get hasEnded(): boolean {
    return this.isComplete || this.#state?.disconnectReason !== undefined
  }

  /** Goes on when the peer has caught up; every send that wrote something ends with it. */
  protected awaitDrain(): Effect.Effect<void> {
    this.noteWritten()
    return this.writeBuffer.isFull ? this.writeBuffer.drained : Effect.void
  }

  /** Something was written. */
  protected noteWritten(): void {
    this.writeBuffer.update()
    if (this.writeBuffer.isFull) this.options.observer?.sendSuspended?.()
  }

  // of `DirectSend`, for those that have it
  get hasRoom(): boolean {
    return !this.writeBuffer.isFull
  }

  follow(follower: Follower): void {
    this.writeBuffer.follow(follower)
  }

  unfollow(follower: Follower): void {
    this.writeBuffer.unfollow(follower)
  }

  /**
   * A send to nobody, which succeeds, but not at full speed: an application that only sends would otherwise keep the
   * processor busy until it is interrupted.
   */
  protected sendNowhere(): Effect.Effect<void> {
    const excess = ++this.#lostSends - freeSends
    if (excess <= 0) return Effect.void
    return this.options.deadlines.sleep(Math.min(Math.ceil(excess / sendsForTick), longestWaitTicks))
  }

  /** Whether a receiver waits for the next event. */
  protected get isAwaited(): boolean {
    return this.#waiting !== undefined
  }

  /** There may be more events, so that waiting receivers can go on. */
  readable(): void {
    while (this.isAwaited) {
      const event = this.takeNext()
      if (event === undefined) return
      // Taking can end the exchange, which answers all receivers.
      this.hand(event)
    }
  }

  /** Gives an event to the receiver that has waited longest, if there is one. */
  protected hand(event: ReceiveEvent): void {
    const first = this.#waiting
    if (first === undefined) return
    this.#unlink(first)
    first.resume(Effect.succeed(event))
  }

  receiveNext(): Effect.Effect<ReceiveEvent> {
    const event = this.#takeInTurn()
    if (event !== undefined) return Effect.succeed(event)
    return Effect.callback((resume) => {
      // The fiber may have been scheduled away before it got here, and then nobody was there to be woken.
      const late = this.#takeInTurn()
      if (late !== undefined) return resume(Effect.succeed(late))
      const waiting = new Waiting(this, resume)
      this.#lineUp(waiting)
      return waiting
    })
  }

  #lineUp(waiting: Waiting<ReceiveEvent>): void {
    const last = this.#lastWaiting
    waiting.previous = last
    if (last === undefined) this.#waiting = waiting
    else last.next = waiting
    this.#lastWaiting = waiting
  }

  /** Whoever waited for an event does so no more. */
  forget(waiting: Waiting<ReceiveEvent>): void {
    // One that has got its event is interrupted behind it.
    if (waiting.previous !== undefined || this.#waiting === waiting) this.#unlink(waiting)
  }

  #unlink(waiting: Waiting<ReceiveEvent>): void {
    const { next, previous } = waiting
    if (previous === undefined) this.#waiting = next
    else previous.next = next
    if (next === undefined) this.#lastWaiting = previous
    else next.previous = previous
    waiting.previous = undefined
    waiting.next = undefined
  }

  /** Nobody is served before those who wait already. */
  #takeInTurn(): ReceiveEvent | undefined {
    return this.isAwaited ? undefined : this.takeNext()
  }

  /**
   * Logs how the application ended. One that runs on after a complete exchange is interrupted when the connection ends,
   * and that is no failure.
   */
  protected report(exit: Exit.Exit<unknown, unknown>, isComplete: boolean, incomplete: string): void {
    if (Exit.isSuccess(exit)) {
      if (!isComplete) this.logError(`${incomplete}${NotAnEffect.hintOf(exit.value)}`)
      return
    }
    const { cause } = exit
    if (isComplete && Cause.hasInterruptsOnly(cause)) return
    const message = NotAnEffect.messageOf(Cause.squash(cause))
    if (message === undefined) this.logError("the application failed", cause)
    else this.logError(message)
  }

  /** Logs an error, and which exchange it is about. */
  logError(...message: ReadonlyArray<unknown>): void {
    const annotations = Annotations.make(this.subject, this.options.workerNum)
    this.options.log(Effect.annotateLogs(Effect.logError(...message), annotations))
  }
}
