/** The worker's side of supervision: an ordinary server that tells its parent how it is, and does what that orders. */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import { Leaving } from "@pagi/core/server/Leaving"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as EffectScope from "effect/Scope"
import type { IncompleteDrain } from "../IncompleteDrain.ts"
import { InheritedSockets, passOn } from "../listen/InheritedSockets.ts"
import { PagiServer } from "../PagiServer.ts"
import { TicketKeyring } from "../tls/TicketSecrets.ts"
import { AcceptShare } from "../connection/AcceptShare.ts"
import { leaveTimeout } from "./LeaveTimeout.ts"
import * as LoopDelay from "../process/LoopDelay.ts"
import * as OrphanGuard from "./OrphanGuard.ts"
import { makeNow, untilNext } from "../process/MonotonicClock.ts"
import { ClusterQuestions } from "./ClusterQuestions.ts"
import * as WorkerChannel from "./WorkerChannel.ts"
import { Pool } from "../process/Pool.ts"
import { Reload, ReloadProgress } from "../process/ReloadState.ts"
import { WorkerIdentity, type WorkerTelemetry } from "../process/WorkerIdentity.ts"
import type { WorkerStatus } from "./WorkerMessage.ts"

/** The process was not started as a worker: it has not found `PAGI_WORKER`. */
export class NotAWorker extends Schema.TaggedError<NotAWorker>()("NotAWorker", {}) {
  override get message(): string {
    return "this program is started by a server with workers, and cannot be started otherwise"
  }
}

/** What the worker is of, beside its server. */
export interface WorkerEnvironment {
  readonly channel: WorkerChannel.WorkerChannel
  readonly watchLoop: () => LoopDelay.LoopDelay
  /** Says at each call how busy the event loop was since the one before. */
  readonly watchUtilization: () => () => number
  readonly guardOrphan: () => OrphanGuard.OrphanGuard
  /** Bytes that the process has in memory. */
  readonly memory: () => number
}

const ofProcess: WorkerEnvironment = {
  channel: WorkerChannel.ofProcess,
  watchLoop: LoopDelay.watch,
  watchUtilization: LoopDelay.watchUtilization,
  guardOrphan: () => OrphanGuard.start(),
  memory: process.memoryUsage.rss
}

/** The server of a worker and its options. */
type Server = PagiServer | ServerOptions.ServerOptions

/**
 * Runs a server, which is made of what the parent has left in `PAGI_WORKER`, until the parent or somebody else wants it
 * to stop. Fails when the server cannot start, and when not all requests could finish.
 */
export const run = <E, R>(
  server: (payload: unknown) => Layer.Layer<Server, E, R>,
  environment: WorkerEnvironment = ofProcess
): Effect.Effect<void, E | NotAWorker | IncompleteDrain, R> =>
  Effect.scoped(
    Effect.gen(function* () {
      // First of all: the application may start other programs.
      const inheritance = (yield* InheritedSockets).claim()
      const { worker } = inheritance
      if (worker === undefined) return yield* new NotAWorker()
      const { channel } = environment
      const guard = environment.guardOrphan()
      const share = new AcceptShare()
      share.workers = worker.workers
      const tickets = new TicketKeyring()
      const watched: Watched = { telemetry: undefined }
      const reload = new ReloadProgress({ generation: 0 })
      const leaving = new Leaving()
      const cluster = new ClusterQuestions(Effect.runForkWith(yield* Effect.context<never>()), channel)
      const orders = yield* receive(channel, { share, tickets, watched, reload, leaving, cluster })
      const starting = Layer.build(server(worker.payload)).pipe(
        Effect.provideService(WorkerIdentity, {
          num: worker.num,
          share,
          tickets,
          leaving,
          watch: (telemetry) => {
            watched.telemetry = telemetry
          }
        }),
        Effect.provideService(
          Pool,
          worker.folder === undefined ? undefined : { folder: worker.folder, worker: worker.num, cluster }
        ),
        Effect.provideService(InheritedSockets, passOn(inheritance)),
        Effect.provideService(Reload, reload),
        Effect.tapCause((cause) => reportFailure(channel, cause))
      )
      const started = yield* Effect.raceFirst(starting, Effect.as(orders.stopped, undefined))
      if (started === undefined) return
      const pagi = Context.get(started, PagiServer)
      const options = Context.get(started, ServerOptions.ServerOptions)
      guard.allow(leaveTimeout(options))
      yield* channel.send({ type: "ready" })
      const tellMetrics = yield* makeTeller(channel, watched.telemetry)
      yield* Effect.forkScoped(report(pagi, options, environment))
      if (watched.telemetry !== undefined) {
        // All workers in the same moment, so that their parent can tell what all of them did in the same second.
        const pause = untilNext(yield* makeNow, reportInterval)
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(tellMetrics, pause)))
      }
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(orders.logsToReopen, pagi.reopenLogs)))
      yield* orders.stopped
      yield* Effect.ensuring(pagi.shutdown, tellMetrics)
    })
  )

/** What the server notes, once it has said so. */
interface Watched {
  telemetry: WorkerTelemetry | undefined
}

/** Tells the parent what the server notes, if it does. */
const makeTeller = (
  channel: WorkerChannel.WorkerChannel,
  telemetry: WorkerTelemetry | undefined
): Effect.Effect<Effect.Effect<void>> =>
  telemetry === undefined
    ? Effect.succeed(Effect.void)
    : Effect.gen(function* () {
        const { reporter } = yield* Effect.promise(() => import("./WorkerTelemetry.ts"))
        const next = reporter(telemetry, yield* makeNow)
        return Effect.suspend(() => channel.send(next()))
      })

/** Runs the application's checks for the parent. One that is still to start has none. */
const answerReadiness = (channel: WorkerChannel.WorkerChannel, { telemetry }: Watched, number: number) =>
  Effect.flatMap(telemetry?.checks.problems ?? Effect.succeed({}), (problems) =>
    channel.send({ type: "readiness", number, problems })
  )

/** What the parent has ordered, as something to wait for. */
interface Orders {
  readonly stopped: Effect.Effect<void>
  /** Completes once for all orders since it has completed last. */
  readonly logsToReopen: Effect.Effect<void>
}

/** What orders change. */
interface Ordered {
  readonly share: AcceptShare
  readonly tickets: TicketKeyring
  readonly watched: Watched
  readonly reload: ReloadProgress
  readonly leaving: Leaving
  readonly cluster: ClusterQuestions
}

const receive = (
  channel: WorkerChannel.WorkerChannel,
  { cluster, leaving, reload, share, tickets, watched }: Ordered
): Effect.Effect<Orders, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const log = Effect.runForkWith(yield* Effect.context<never>())
    const stop = Latch.makeUnsafe(false)
    const reopen = Latch.makeUnsafe(false)
    yield* channel.listen({
      onOrder: (order) => {
        switch (order.type) {
          case "share":
            share.workers = order.workers
            share.average = order.connections
            break
          case "tickets":
            tickets.secrets = order.secrets
            break
          case "reopenLogs":
            reopen.openUnsafe()
            break
          case "reload":
            reload.change(order.state)
            break
          case "readiness":
            log(answerReadiness(channel, watched, order.number))
            break
          case "cluster":
            cluster.answered(order.number, order.answer)
            break
          case "retire":
            leaving.othersServe = order.othersServe === true
            stop.openUnsafe()
        }
      },
      // Without what it is: it could be secrets in a form that this version does not know.
      onNonsense: () => {
        log(Effect.logDebug("something that is no order is ignored"))
      },
      onLost: () => cluster.lost(),
      onStop: (reason) => {
        if (!stop.openUnsafe()) return
        log(Effect.andThen(Effect.logDebug(`stops: ${reason}`), channel.send({ type: "stopping" })))
      }
    })
    return {
      stopped: stop.await,
      logsToReopen: Effect.andThen(reopen.await, reopen.close)
    }
  })

/** Tells the parent why there is no server; that the start was given up is no reason. */
const reportFailure = (channel: WorkerChannel.WorkerChannel, cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  return channel.send({ type: "failed", message: error instanceof Error ? error.message : String(error) })
}

/** Milliseconds between two looks at what has changed, and between two reports at most: of a worker that does nothing too. */
const lookInterval = 250
const reportInterval = 1000
const idleInterval = 5000

/** Whether the parent should know soon, for the shares of all workers. */
const isOtherNumber = (connections: number, reported: number): boolean =>
  Math.abs(connections - reported) > Math.max(1, reported / 8)

/** Reports the server's state for ever: regularly, and sooner when it has many more or fewer connections. */
const report = (
  server: PagiServer["Service"],
  options: ServerOptions.Values,
  { channel, memory, watchLoop, watchUtilization }: WorkerEnvironment
): Effect.Effect<never, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const delay = yield* Effect.acquireRelease(Effect.sync(watchLoop), ({ stop }) => Effect.sync(stop))
    const { heartbeatTimeout, maxRequests, maxRequestsJitter } = options
    const utilization = ServerOptions.isScaled(options) ? watchUtilization() : undefined
    const timeout = Duration.toMillis(heartbeatTimeout)
    const intervalOf = (isIdle: boolean): number =>
      Math.min(
        isIdle && utilization === undefined ? idleInterval : reportInterval,
        timeout > 0 ? timeout / 5 : Number.POSITIVE_INFINITY
      )
    const jitter = yield* Random.nextIntBetween(0, maxRequestsJitter)
    const clock = yield* makeNow
    let quota = maxRequests > 0 ? maxRequests + jitter : Number.POSITIVE_INFINITY
    let reported = { at: Number.NEGATIVE_INFINITY, requests: 0, connections: 0 }
    while (true) {
      const now = clock()
      const requests = yield* server.requestCount
      const connections = yield* server.connectionCount
      const isIdle = requests === reported.requests && connections === reported.connections
      if (now >= reported.at + intervalOf(isIdle) || isOtherNumber(connections, reported.connections)) {
        const status: WorkerStatus = {
          type: "status",
          requests,
          connections,
          lag: delay.take(),
          memory: memory(),
          ...(utilization === undefined ? {} : { utilization: utilization() })
        }
        yield* channel.send(status)
        reported = { at: now, requests, connections }
      }
      if (requests >= quota) {
        yield* channel.send({ type: "quota" })
        // Again later, as the parent may not have been able to start another worker.
        quota = requests + maxRequests
      }
      yield* Effect.sleep(Math.min(lookInterval, intervalOf(false)))
    }
  })
