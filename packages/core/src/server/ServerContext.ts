import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { ExchangeRecorder } from "../observe/ExchangeRecorder.ts"
import type { Observer } from "../observe/Observer.ts"
import { ConnectionRegistry } from "./ConnectionRegistry.ts"
import { DateHeader } from "./DateHeader.ts"
import * as Deadlines from "./Deadlines.ts"
import type { Forwarding } from "./Forwarding.ts"
import type { FileSource } from "../contract/FileSource.ts"
import type { NativeHandler } from "../contract/NativeHandler.ts"
import { PagiApp } from "../contract/PagiApp.ts"
import { Leaving } from "./Leaving.ts"
import * as RequestIds from "./RequestIds.ts"
import { RequestRunner } from "./RequestRunner.ts"
import type { Readiness, State } from "../contract/Scope.ts"
import { ServerOptions, type Values } from "../options/ServerOptions.ts"
import type { RequestTracer } from "../tracing/RequestTracer.ts"
import * as Tracing from "../tracing/Tracing.ts"
import type { Turns, TurnSettings } from "./Turn.ts"

/** Time limits in ticks of the timer wheel; 0 means none. */
export interface TimeLimits {
  readonly idle: number
  readonly headers: number
  readonly request: number
  readonly body: number
  readonly write: number
  readonly sseIdle: number
  readonly wsIdle: number
  readonly disconnectGrace: number
}

/**
 * Whether `body` limits the silence of a client whose body the application waits for. Where `request` is the shorter one,
 * that does, as it does for everybody else.
 */
export const isBodyLimited = ({ body, request }: TimeLimits): boolean => body > 0 && (request === 0 || body < request)

/** What all connections of a server share. Drivers read it; they keep nothing of it. */
export interface ServerContext {
  readonly options: Values
  readonly limits: TimeLimits
  readonly runner: RequestRunner
  readonly deadlines: Deadlines.Deadlines
  /** Decides which requests run and wait, and for how long; absent when no option limits that. */
  readonly turns?: Turns | undefined
  readonly registry: ConnectionRegistry
  readonly clock: Clock.Clock
  readonly date: DateHeader
  /** Who listens to the server; absent when nobody does. */
  readonly observer: Observer | undefined
  /** Absent when nobody listens to exchanges, and they have no spans. */
  readonly exchanges: ExchangeRecorder | undefined
  /** Begins the spans of exchanges; absent when the application has no tracer. */
  readonly tracer?: RequestTracer | undefined
  /** Gives exchanges their ids; absent when they have none. */
  readonly requestIds?: RequestIds.RequestIds | undefined
  /** Whose words about requests and clients count; nobody's if absent. */
  readonly isTrusted?: RequestIds.IsTrusted | undefined
  /** Finds out about clients behind proxies; absent when no proxy is trusted. */
  readonly forwarding?: Forwarding | undefined
  /** What the application's lifespan handler left for its exchanges. */
  readonly state: State
  readonly files: FileSource
  /** Which of several workers the server is. */
  readonly workerNum?: number | undefined
  /** What the application says that it handles. */
  readonly scopeTypes: PagiApp["Service"]["application"]["scopeTypes"]
  readonly leaving: Leaving
  /** Whether an idle connection gets a moment for a request that is on its way when the server drains. */
  readonly isPatient: boolean
  /** Of which of them it makes the spans itself. */
  readonly ownSpans?: PagiApp["Service"]["application"]["ownSpans"]
  /** The application's way of handling requests without events, if it has one. */
  readonly native?: NativeHandler | undefined
  readonly readiness: Readiness
  /** Turns `readiness` off. */
  readonly refuseWork: Effect.Effect<void>
  readonly shuttingDown: Effect.Effect<void>
  /** Completes `shuttingDown`, and turns `readiness` off if it is still on. */
  readonly beginShutdown: Effect.Effect<void>
}

/**
 * Whether a draining server waits a moment for requests that are on their way to it on idle connections, which would be
 * lost by a close. Servers of tests, whose only clients are in the same process, need not.
 */
export const PatientDrain = Context.Reference<boolean>("@pagi/core/PatientDrain", { defaultValue: () => true })

/** Loads what only servers need whose requests may have to wait or may not take for ever. */
const makeTurns = (settings: TurnSettings & { readonly options: Values }) => {
  const { maxConcurrentRequests, maxQueueTime, requestDeadline } = settings.options
  const isOff = maxConcurrentRequests === 0 && Duration.isZero(maxQueueTime) && Duration.isZero(requestDeadline)
  if (isOff) return Effect.undefined
  return Effect.flatMap(
    Effect.promise(() => import("./Turn.ts")),
    ({ make }) => make(settings)
  )
}

/** Loads what only servers need who trust somebody. */
const makeForwarding = (isTrusted: RequestIds.IsTrusted | undefined, { mode, trustedFields }: Values) =>
  isTrusted === undefined
    ? Effect.undefined
    : Effect.map(
        Effect.promise(() => import("./Forwarding.ts")),
        ({ Forwarding }) => new Forwarding(isTrusted, trustedFields, mode === "development")
      )

/** Builds what connections share; the timer wheel turns as long as the scope is open. */
export const make = (parts: {
  readonly state: State
  /** Who listens to the server; several are combined to one. */
  readonly observer: Observer | undefined
  readonly files: FileSource
  readonly workerNum?: number | undefined
  /** Where it becomes known that others serve in the place of the server; by default it does not. */
  readonly leaving?: Leaving | undefined
  /** Whose words about requests count; by default nobody's. */
  readonly isTrusted?: RequestIds.IsTrusted | undefined
  /** For how many milliseconds a request may have waited that is read now; by default that is not known. */
  readonly requestAge?: (() => number) | undefined
}): Effect.Effect<ServerContext, never, PagiApp | ServerOptions | EffectScope.Scope> =>
  Effect.gen(function* () {
    const app = yield* PagiApp
    const options = yield* ServerOptions
    const clock = yield* Clock.Clock
    const isPatient = yield* PatientDrain
    const shutdown = yield* Deferred.make<void>()
    const readiness = { isReady: true }
    const refuseWork = Effect.sync(() => {
      readiness.isReady = false
    })
    const { ticks } = Deadlines.Deadlines
    const deadlines = yield* Deadlines.make
    const tracer = yield* Tracing.make(app)
    const requestIds = RequestIds.make(options, parts.isTrusted)
    return {
      ...parts,
      options,
      leaving: parts.leaving ?? new Leaving(),
      isPatient,
      limits: {
        idle: ticks(options.timeout),
        headers: ticks(options.headersTimeout),
        request: ticks(options.requestTimeout),
        body: ticks(options.bodyTimeout),
        write: ticks(options.writeTimeout),
        sseIdle: ticks(options.sseIdleTimeout),
        wsIdle: ticks(options.wsIdleTimeout),
        disconnectGrace: ticks(options.disconnectGrace)
      },
      runner: new RequestRunner(app.application, app.context, yield* Effect.context<never>(), {
        observer: parts.observer,
        hasRequestIds: requestIds !== undefined
      }),
      deadlines,
      turns: yield* makeTurns({
        options,
        clock,
        observer: parts.observer,
        age: parts.requestAge,
        deadlines,
        deadlineTicks: ticks(options.requestDeadline)
      }),
      registry: new ConnectionRegistry(parts.observer),
      clock,
      date: new DateHeader(clock, deadlines),
      exchanges: ExchangeRecorder.make(clock, parts.observer, tracer),
      tracer,
      requestIds,
      forwarding: yield* makeForwarding(parts.isTrusted, options),
      scopeTypes: app.application.scopeTypes,
      ownSpans: app.application.ownSpans,
      native: app.application.native,
      readiness,
      refuseWork,
      shuttingDown: Deferred.await(shutdown),
      beginShutdown: Effect.andThen(refuseWork, Effect.asVoid(Deferred.succeed(shutdown, undefined)))
    }
  })
