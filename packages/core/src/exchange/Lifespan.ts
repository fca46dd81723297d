/** Starts and stops the application: runs its lifespan handler, tells it of both, and waits for its answers. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Formatter from "effect/Formatter"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Context from "effect/Context"
import * as EffectScope from "effect/Scope"
import { callApplication } from "../server/ApplicationCall.ts"
import type { LifespanReceiveEvent, LifespanSendEvent, ReceiveEvent, SendEvent } from "../contract/Event.ts"
import { checkLifespan } from "./EventGuard.ts"
import * as NotAnEffect from "../contract/NotAnEffect.ts"
import type { PagiApp, Receive, Send } from "../contract/PagiApp.ts"
import { type LifespanScope, pagiVersion, type State } from "../contract/Scope.ts"
import { SendStep } from "./SendStep.ts"
import * as Unended from "../server/Unended.ts"
import { outOfOrder, type SendError } from "../contract/SendError.ts"

/** The application did not start, or did not stop as it should. */
export class LifespanError extends Schema.TaggedError<LifespanError>()("LifespanError", {
  phase: Schema.Literals(["startup", "shutdown"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `application ${this.phase} failed: ${this.detail}`
  }
}

/** Why an application does not start. */
export type StartError = LifespanError | NotAnEffect.NotAnEffect

export interface LifespanOptions {
  /** Whether the application must (`on`), may (`auto`) or is not asked to (`off`) handle lifespan events. */
  readonly mode: "auto" | "on" | "off"
  readonly startupTimeout: Duration.Duration
  readonly shutdownTimeout: Duration.Duration
  readonly isWorker: boolean
  readonly workerNum?: number
}

/** A started application. */
export interface Lifespan {
  /** What the application put there; every exchange gets a shallow copy. */
  readonly state: State
  /** Tells the application to stop and waits until it has, within the time limit. */
  readonly shutdown: Effect.Effect<void, LifespanError>
}

/** Where the conversation stands; the server moves it by its events, the application by its answers. */
type Phase = "starting" | "running" | "stopping" | "over"

const answers: Readonly<
  Record<
    Phase,
    Partial<Readonly<Record<LifespanSendEvent["type"], { readonly next: Phase; readonly failed: boolean }>>>
  >
> = {
  starting: {
    "lifespan.startup.complete": { next: "running", failed: false },
    "lifespan.startup.failed": { next: "over", failed: true }
  },
  running: {},
  stopping: {
    "lifespan.shutdown.complete": { next: "over", failed: false },
    "lifespan.shutdown.failed": { next: "over", failed: true }
  },
  over: {}
}

const expectation: Readonly<Record<Phase, string>> = {
  starting: "lifespan.startup has not been answered",
  running: "lifespan.shutdown has not been received",
  stopping: "lifespan.shutdown has not been answered",
  over: "the lifespan is over"
}

type Answer = Deferred.Deferred<void, LifespanError>

/** Receives, sends and the two answers that the server waits for. */
class Conversation {
  readonly started: Answer = Deferred.makeUnsafe()
  readonly stopped: Answer = Deferred.makeUnsafe()
  readonly #stopping: Deferred.Deferred<void> = Deferred.makeUnsafe()
  #phase: Phase = "starting"
  #received: "nothing" | "startup" | "shutdown" = "nothing"

  readonly receive: Receive<ReceiveEvent> = Effect.suspend((): Receive<LifespanReceiveEvent> => {
    switch (this.#received) {
      case "nothing":
        this.#received = "startup"
        return Effect.succeed({ type: "lifespan.startup" })
      case "startup":
        return Effect.map(Deferred.await(this.#stopping), () => {
          this.#received = "shutdown"
          return { type: "lifespan.shutdown" }
        })
      case "shutdown":
        return Effect.never
    }
  })

  readonly send: Send<SendEvent> = SendStep.of.bind(this)

  get hasReceivedStartup(): boolean {
    return this.#received !== "nothing"
  }

  get hasAnsweredStartup(): boolean {
    return this.#phase !== "starting"
  }

  stop(): void {
    if (this.#phase !== "running") return
    this.#phase = "stopping"
    Deferred.doneUnsafe(this.#stopping, Exit.void)
  }

  perform(event: SendEvent): Effect.Effect<void, SendError> {
    const invalid = checkLifespan(event)
    if (invalid !== undefined) return Effect.fail(invalid)
    // The check leaves only lifespan events.
    const answered = event as LifespanSendEvent
    const answer = answers[this.#phase][answered.type]
    if (answer === undefined) return Effect.fail(outOfOrder(event.type, expectation[this.#phase]))
    const phase = this.#phase === "starting" ? "startup" : "shutdown"
    this.#phase = answer.next
    const detail = "message" in answered && answered.message !== undefined ? answered.message : "no reason was given"
    Deferred.doneUnsafe(
      phase === "startup" ? this.started : this.stopped,
      answer.failed ? Exit.fail(new LifespanError({ phase, detail })) : Exit.void
    )
    return Effect.void
  }
}

const disabled = (): Lifespan => ({ state: {}, shutdown: Effect.void })

/** Fails when the application has not answered in time; a limit of 0 means none. */
const within = (phase: "startup" | "shutdown", limit: Duration.Duration) =>
  Effect.timeoutOrElse({
    duration: Duration.isZero(limit) ? Duration.infinity : limit,
    orElse: () => Effect.fail(new LifespanError({ phase, detail: `no answer within ${Duration.format(limit)}` }))
  })

/**
 * Starts the application's lifespan handler and waits for its answer. The handler runs as long as the scope is open, and
 * then its own scope is closed. An application that fails or returns before it answers does not support lifespan events,
 * which only `on` objects to; one that is none fails in any case.
 */
export const start = (
  app: PagiApp["Service"],
  options: LifespanOptions
): Effect.Effect<Lifespan, StartError, EffectScope.Scope> =>
  Effect.gen(function* () {
    if (options.mode === "off") return disabled()
    const conversation = new Conversation()
    const state: State = {}
    const { end, fiber, resources } = yield* Effect.acquireRelease(
      run(app, options, state, conversation),
      ({ end }) => end
    )
    const ended = Fiber.await(fiber)
    const answered = yield* Effect.raceFirst(
      Effect.as(Deferred.await(conversation.started), true),
      Effect.map(ended, () => conversation.hasAnsweredStartup)
    ).pipe(within("startup", options.startupTimeout))
    if (!answered) {
      const exit = yield* ended
      yield* EffectScope.close(resources, exit)
      const hasBegun = conversation.hasReceivedStartup || Object.keys(state).length > 0
      const meantTo = hasBegun || (Exit.isFailure(exit) && app.application.scopeTypes?.has("lifespan") === true)
      yield* refuseUnanswered(exit, meantTo, options)
      return disabled()
    }
    yield* Effect.forkScoped(reportFailure(fiber))
    const shutdown = Effect.suspend(() => {
      conversation.stop()
      // Shutdown runs in finalizers, where the losing side could not be interrupted otherwise.
      return Effect.interruptible(Effect.raceFirst(Deferred.await(conversation.stopped), Effect.asVoid(ended)))
    }).pipe(within("shutdown", options.shutdownTimeout), Effect.ensuring(end))
    return { state, shutdown }
  })

/** Runs the handler; `end` interrupts it and then closes its own scope. */
const run = (app: PagiApp["Service"], options: LifespanOptions, state: State, { receive, send }: Conversation) =>
  Effect.gen(function* () {
    const resources = yield* EffectScope.make()
    const fiber = yield* Effect.forkDetach(
      Effect.suspend(() => callApplication(app.application, scopeOf(options, state), receive, send)).pipe(
        Effect.updateContext((_: Context.Context<never>) => Context.add(app.context, EffectScope.Scope, resources))
      ),
      { startImmediately: true }
    )
    const end = yield* Effect.cached(
      Unended.waitFor(
        Effect.andThen(Fiber.interrupt(fiber), EffectScope.close(resources, Exit.void)),
        () => "the application's lifespan handler"
      )
    )
    return { resources, fiber, end }
  })

const scopeOf = (options: LifespanOptions, state: State): LifespanScope => ({
  type: "lifespan",
  pagi: {
    ...pagiVersion,
    isWorker: options.isWorker,
    ...(options.workerNum === undefined ? {} : { workerNum: options.workerNum })
  },
  state
})

const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : Formatter.format(error)
}

/** By its tag, since the application may have another copy of this package than the server. */
const isUnsupportedScope = (error: unknown): boolean => hasProperty(error, "_tag") && error._tag === "UnsupportedScope"

/** Fails when the server cannot go on with an application that has ended before it answered; otherwise says what it means. */
const refuseUnanswered = (
  exit: Exit.Exit<unknown, unknown>,
  meantTo: boolean,
  { mode }: LifespanOptions
): Effect.Effect<void, StartError> => {
  const misfit = Exit.isFailure(exit) ? NotAnEffect.find(Cause.squash(exit.cause)) : undefined
  if (misfit !== undefined) return Effect.fail(misfit)
  if (mode === "on") {
    const why = Exit.isFailure(exit) ? `: ${messageOf(exit.cause)}` : ""
    return Effect.fail(new LifespanError({ phase: "startup", detail: `it does not handle lifespan events${why}` }))
  }
  return reportUnsupported(exit, meantTo)
}

/**
 * An application that fails without having received anything does as the contract asks of it for a scope that it does
 * not handle. One that has received the event or filled the state meant to start, and one that fails in a handler for it;
 * one with a fault meant nothing.
 */
const reportUnsupported = (exit: Exit.Exit<unknown, unknown>, meantTo: boolean): Effect.Effect<void> => {
  const quiet = Effect.logDebug("the application does not handle lifespan events")
  if (Exit.isSuccess(exit)) return meantTo ? Effect.logWarning(returned(exit.value)) : quiet
  const { cause } = exit
  if (meantTo && !isUnsupportedScope(Cause.squash(cause))) {
    return Effect.logWarning("the application failed on lifespan.startup and is taken not to handle it", cause)
  }
  if (!Cause.hasDies(cause)) return quiet
  const why = `the application failed for the lifespan scope and is taken not to handle it: ${messageOf(cause)}`
  return Effect.andThen(Effect.logWarning(why), Effect.logDebug("it failed by this defect", cause))
}

const returned = (value: unknown): string =>
  "the application returned without having answered lifespan.startup and is taken not to handle it, so what it has put " +
  `into the state is lost${NotAnEffect.hintOf(value)}`

const reportFailure = (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> =>
  Effect.flatMap(Fiber.await(fiber), (exit) =>
    Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
      ? Effect.logError("the application's lifespan handler failed", exit.cause)
      : Effect.void
  )
