/** What the admin listener of a server in one process tells: of its own process. */
import type { CheckRegistry } from "@pagi/core/health/HealthChecks"
import * as MetricSamples from "@pagi/core/metrics/MetricSamples"
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as LoopDelay from "../process/LoopDelay.ts"
import { makeNow } from "../process/MonotonicClock.ts"
import type { AdminSource, ReadinessReport } from "./AdminSource.ts"
import type { HistoryMark } from "./HistoryPoint.ts"
import { read, type Reading, type Stretch } from "./Reading.ts"
import * as ServerDescription from "./ServerDescription.ts"
import type { ProcessStatus, ServerStatus } from "./ServerStatus.ts"
import type { Telemetry } from "./Telemetry.ts"

/** What a server tells of itself; its parts are made after its admin listener, which answers before that too. */
export interface ServedProcess {
  readonly mode: "single" | "embedded"
  readonly options: Values
  readonly telemetry: Telemetry
  readonly checks: CheckRegistry
  /** How far the server has come. */
  readonly phase: () => ProcessStatus["phase"]
  /** Whether it wants work. */
  readonly isReady: () => boolean
  readonly listeners: () => ReadonlyArray<string>
  /** Where the admin listener answers; known when it does. */
  readonly adminUrl: () => string | undefined
  readonly requests: () => number
  readonly connections: () => number
}

const notReady = { starting: "it has not started yet", serving: "it wants no work", stopping: "it stops" } as const

/** The longest delay of the event loop within a second, for whoever asks in the meantime. */
const watchLoop: Effect.Effect<() => number, never, Scope.Scope> = Effect.gen(function* () {
  const delay = yield* Effect.acquireRelease(Effect.sync(LoopDelay.watch), ({ stop }) => Effect.sync(stop))
  let lag = 0
  const look = Effect.sync(() => {
    lag = delay.take()
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(1000), look)))
  return () => lag
})

export const make = (server: ServedProcess): Effect.Effect<AdminSource, never, Scope.Scope> =>
  Effect.gen(function* () {
    const now = yield* makeNow
    const startedAt = now()
    const lag = yield* watchLoop
    const { checks, mode, options, telemetry } = server
    const constant = { mode, pid: process.pid }
    const description = yield* Effect.cached(Effect.sync(() => ServerDescription.make(options, server.adminUrl())))
    let toldStopping = false
    const status = Effect.map(description, (described): ServerStatus => ({
      ...described,
      ...constant,
      phase: server.phase(),
      age: Math.round(now() - startedAt),
      listeners: server.listeners(),
      requests: server.requests(),
      connections: server.connections(),
      lag: lag(),
      memory: process.memoryUsage.rss()
    }))
    let last: Reading | undefined = undefined
    const readings = Effect.sync((): ReadonlyMap<string, Stretch> => {
      const reading = read(now(), MetricSamples.take(telemetry.registry))
      const before = last ?? reading
      last = reading
      return new Map([["process", { before, now: reading }]])
    })
    const readiness = Effect.map(checks.problems, (problems): ReadinessReport => {
      const own = server.isReady() ? {} : { server: notReady[server.phase()] }
      const all = { ...own, ...problems }
      return { isReady: Object.keys(all).length === 0, problems: all }
    })
    const takeMarks = Effect.map(Clock.currentTimeMillis, (at): ReadonlyArray<HistoryMark> => {
      if (toldStopping || server.phase() !== "stopping") return []
      toldStopping = true
      return [{ at, what: "stopping" }]
    })
    return {
      status,
      metrics: Effect.succeed(telemetry.registry),
      readings: () => readings,
      readiness,
      recent: Effect.map(Clock.currentTimeMillis, (at) => telemetry.recent.take(at)),
      takeMarks,
      commands: undefined
    }
  })
