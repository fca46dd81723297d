import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as EffectScope from "effect/Scope"
import { CurrentLogAnnotations } from "effect/References"
import { ParentSpan } from "effect/Tracer"
import { callApplication, callNative } from "./ApplicationCall.ts"
import type * as Event from "../contract/Event.ts"
import type { NativeHandler, NativeRequest } from "../contract/NativeHandler.ts"
import { type ExchangeSpan, OwnSpan } from "../contract/OwnSpan.ts"
import type { Application, Receive, Send } from "../contract/PagiApp.ts"
import type { Observer } from "../observe/Observer.ts"
import type { Scope } from "../contract/Scope.ts"
import type { Subject } from "./Subject.ts"

/** Who is told how the application ended. */
export interface RunObserver {
  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void
}

/** A scope as Effect makes it. All but its state is the same for all of them. */
const { state: emptyState, ...commonParts } = EffectScope.makeUnsafe()

/** What almost every scope comes to: nobody has used it, and the application has succeeded. */
const closedByVoid: EffectScope.Scope["state"] = { _tag: "Closed", exit: Exit.void }

/**
 * One run of an application, and the scope that the application finds. It is small, since most runs never use it, and
 * many wait: that both are one object and its end is told by a bound method saves a hundred bytes of each.
 */
class Run {
  state: EffectScope.Scope["state"] = emptyState
  readonly runner: RequestRunner
  /** Until the end has been told. */
  observer: RunObserver | undefined
  subject: Subject | undefined
  /** Its neighbours among those that have not ended. */
  next: Run | undefined = undefined
  previous: Run | undefined = undefined

  static {
    Object.assign(Run.prototype, commonParts)
  }

  constructor(runner: RequestRunner, subject: Subject, observer: RunObserver) {
    this.runner = runner
    this.subject = subject
    this.observer = observer
  }

  get scope(): EffectScope.Closeable {
    return this as unknown as EffectScope.Closeable // The common parts are in the prototype.
  }

  /** The application has ended; answers the fiber of finalizers that have to wait for something. */
  end(exit: Exit.Exit<unknown, unknown>): Fiber.Fiber<unknown, unknown> | undefined {
    if (this.state === emptyState && exit === Exit.void) this.state = closedByVoid
    else {
      const closing = EffectScope.closeUnsafe(this.scope, exit)
      if (closing !== undefined) return this.runner.release(this, closing, exit)
    }
    this.tell(exit)
    return undefined
  }

  /** Tells of the end. Fibers may stay in memory long after it, as exchanges do, and what they refer to with them. */
  tell(exit: Exit.Exit<unknown, unknown>): void {
    const { observer } = this
    this.runner.forget(this)
    this.observer = undefined
    this.subject = undefined
    observer?.onApplicationExit(exit)
  }
}

/** What a runner does besides. */
export interface RunnerSettings {
  readonly observer?: Observer | undefined
  readonly hasRequestIds?: boolean | undefined
}

/**
 * Runs the application, once for each exchange: the one place on the way of a request that forks. The fiber starts on
 * the caller's stack and most often also ends there; `run` then answers `undefined` and nobody has to be waited for.
 * Otherwise the caller puts the fiber into the connection's scope.
 *
 * Each run has a scope of Effect's own. Who uses it is told of the application's exit when its finalizers have run; who
 * does not pays for an object, and for no step of a fiber.
 */
export class RequestRunner {
  readonly #application: Application<unknown, never>
  readonly #context: Context.Context<never>
  readonly #forkOwn: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** The last one begun of those that have not ended, finalizers included. */
  #latest: Run | undefined = undefined
  /** Those that run finalizers of applications that have ended. */
  readonly #releasing = new Set<Fiber.Fiber<unknown, unknown>>()
  readonly #observer: Observer | undefined
  /** What log lines of the application say anyway; absent where they do not say the id of the exchange. */
  readonly #annotations: Readonly<Record<string, unknown>> | undefined

  /**
   * `context` is the application's; `ownContext` is the server's, which has the least level that is logged. `observer` is
   * told of each run; with `hasRequestIds` what the application logs says for which exchange.
   */
  constructor(
    application: Application<unknown, never>,
    context: Context.Context<never>,
    ownContext: Context.Context<never> = context,
    { hasRequestIds = false, observer }: RunnerSettings = {}
  ) {
    this.#application = application
    // A context remembers what was added to it, up to eight services, and is copied for one more: here, for each run.
    this.#context = Context.makeUnsafe(context.mapUnsafe)
    this.#forkOwn = Effect.runForkWith(ownContext)
    this.#observer = observer
    this.#annotations = hasRequestIds ? Context.get(context, CurrentLogAnnotations) : undefined
  }

  /** Those that the application has not ended for. */
  get running(): ReadonlyArray<Subject> {
    const subjects: Array<Subject> = []
    for (let run = this.#latest; run !== undefined; run = run.previous) {
      if (run.subject !== undefined) subjects.push(run.subject)
    }
    return subjects.toReversed()
  }

  /** A run goes on for a while. A set would have to be made anew all the time for runs that come and go. */
  #remember(run: Run): void {
    const latest = this.#latest
    if (run === latest || run.next !== undefined) return
    if (latest !== undefined) latest.next = run
    run.previous = latest
    this.#latest = run
  }

  /** The run has ended. */
  forget(run: Run): void {
    const { next, previous } = run
    if (next !== undefined) next.previous = previous
    else if (this.#latest === run) this.#latest = previous
    if (previous !== undefined) previous.next = next
    run.next = undefined
    run.previous = undefined
  }

  run<ReceiveEvent extends Event.ReceiveEvent, SendEvent extends Event.SendEvent>(
    scope: Scope,
    receive: Receive<ReceiveEvent>,
    send: Send<SendEvent>,
    observer: RunObserver,
    subject: Subject = scope,
    trace?: ExchangeSpan
  ): Fiber.Fiber<unknown, unknown> | undefined {
    this.#observer?.applicationStarted?.()
    const run = new Run(this, subject, observer)
    const fork = Effect.runForkWith(
      Context.addUnsafe(this.#contextOf(subject, trace), EffectScope.Scope.key, run.scope)
    )
    // `send` checks every event at run time, whatever its static type says.
    const fiber = fork(callApplication(this.#application, scope, receive, send as Send<Event.SendEvent>))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return run.end(exit)
    this.#remember(run)
    fiber.addObserver(run.end.bind(run))
    return fiber
  }

  /** Runs what a native handler starts for a request, as `run` does the application. */
  runNative(
    handler: NativeHandler,
    request: NativeRequest,
    observer: RunObserver,
    subject: Subject,
    trace?: ExchangeSpan
  ): Fiber.Fiber<unknown, unknown> | undefined {
    this.#observer?.applicationStarted?.()
    const run = new Run(this, subject, observer)
    const fiber = callNative(handler, request, this.#contextOf(subject, trace))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return run.end(exit)
    this.#remember(run)
    fiber.addObserver(run.end.bind(run))
    return fiber
  }

  /**
   * The services of a run: its spans are below this one, if there is one, or it leaves its own there; and what it logs says
   * the id of its exchange.
   */
  #contextOf(subject: Subject | undefined, trace?: ExchangeSpan): Context.Context<never> {
    const context = this.#annotations === undefined ? this.#context : this.#annotated(this.#annotations, subject)
    if (trace === undefined) return context
    const { span } = trace
    return span === undefined
      ? Context.addUnsafe(context, OwnSpan.key, trace)
      : Context.addUnsafe(context, ParentSpan.key, span)
  }

  #annotated(annotations: Readonly<Record<string, unknown>>, subject: Subject | undefined): Context.Context<never> {
    const requestId = subject === undefined || subject.type === "lifespan" ? undefined : subject.requestId
    if (requestId === undefined) return this.#context
    return Context.addUnsafe(this.#context, CurrentLogAnnotations.key, { ...annotations, requestId })
  }

  /** Runs a short effect of the server's own, such as a log line, that nobody waits for. */
  readonly background = (effect: Effect.Effect<void>): void => {
    this.#forkOwn(effect)
  }

  /** Completes when no finalizers run any more of applications that have ended. */
  readonly released: Effect.Effect<void> = Effect.suspend(() =>
    this.#releasing.size === 0 ? Effect.void : Effect.andThen(Fiber.awaitAll([...this.#releasing]), this.released)
  )

  /** Runs finalizers, and tells of the exit when they have ended; answers their fiber if they have to wait. */
  release(
    run: Run,
    finalizers: Effect.Effect<void>,
    exit: Exit.Exit<unknown, unknown>
  ): Fiber.Fiber<unknown, unknown> | undefined {
    const fiber = Effect.runForkWith(this.#contextOf(run.subject))(finalizers, { uninterruptible: true })
    const end = (released: Exit.Exit<void>): void => {
      this.#releasing.delete(fiber)
      run.tell(withRelease(exit, released))
    }
    const released = fiber.pollUnsafe()
    if (released !== undefined) {
      end(released)
      return undefined
    }
    this.#remember(run)
    this.#releasing.add(fiber)
    fiber.addObserver(end)
    return fiber
  }
}

/** How an application ended whose finalizers may have failed. */
const withRelease = (exit: Exit.Exit<unknown, unknown>, released: Exit.Exit<void>): Exit.Exit<unknown, unknown> => {
  if (Exit.isSuccess(released)) return exit
  return Exit.isSuccess(exit) ? released : Exit.failCause(Cause.combine(exit.cause, released.cause))
}
