import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { AccessLog } from "./AccessLog.ts"
import { ConnectionRegistry } from "./ConnectionRegistry.ts"
import { DateHeader } from "./DateHeader.ts"
import * as Deadlines from "./Deadlines.ts"
import { PagiApp } from "./PagiApp.ts"
import { RequestRunner } from "./RequestRunner.ts"
import type { State } from "./Scope.ts"
import { ServerOptions, type Values } from "./ServerOptions.ts"

/** Time limits in ticks of the timer wheel; 0 means none. */
export interface TimeLimits {
  readonly idle: number
  readonly headers: number
  readonly request: number
  readonly write: number
  readonly disconnectGrace: number
}

/** What all connections of a server share. Drivers read it; they keep nothing of it. */
export interface ServerContext {
  readonly options: Values
  readonly limits: TimeLimits
  readonly runner: RequestRunner
  readonly deadlines: Deadlines.Deadlines
  readonly registry: ConnectionRegistry
  readonly clock: Clock.Clock
  readonly date: DateHeader
  readonly accessLog: AccessLog | undefined
  /** What the application's lifespan handler left for its exchanges. */
  readonly state: State
  readonly shuttingDown: Effect.Effect<void>
  /** Completes `shuttingDown`. */
  readonly beginShutdown: Effect.Effect<void>
}

/** Builds what connections share; the timer wheel turns as long as the scope is open. */
export const make = (parts: {
  readonly state: State
  readonly accessLog: AccessLog | undefined
}): Effect.Effect<ServerContext, never, PagiApp | ServerOptions | EffectScope.Scope> =>
  Effect.gen(function* () {
    const app = yield* PagiApp
    const options = yield* ServerOptions
    const clock = yield* Clock.Clock
    const shutdown = yield* Deferred.make<void>()
    const { ticks } = Deadlines.Deadlines
    return {
      ...parts,
      options,
      limits: {
        idle: ticks(options.timeout),
        headers: ticks(options.headersTimeout),
        request: ticks(options.requestTimeout),
        write: ticks(options.writeTimeout),
        disconnectGrace: ticks(options.disconnectGrace)
      },
      runner: new RequestRunner(app.application, app.context),
      deadlines: yield* Deadlines.make,
      registry: new ConnectionRegistry(),
      clock,
      date: new DateHeader(clock),
      shuttingDown: Deferred.await(shutdown),
      beginShutdown: Effect.asVoid(Deferred.succeed(shutdown, undefined))
    }
  })
