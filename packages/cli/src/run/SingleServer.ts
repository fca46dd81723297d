/** A server without workers: this process serves. */
import { forOneProcess, ServerOptions, minimumLogLevel, type Values } from "@pagi/core/options/ServerOptions"
import * as AdminSocket from "@pagi/node/listen/AdminSocket"
import { InheritedSockets, passOn } from "@pagi/node/listen/InheritedSockets"
import { describe } from "@pagi/node/process/UnderWay"
import { PagiServer, PagiServerLive } from "@pagi/node/PagiServer"
import { ServerMode } from "@pagi/node/process/ServerMode"
import { FirstConnection } from "@pagi/node/accept/FirstConnection"
import * as BoundSockets from "@pagi/node/supervisor/BoundSockets"
import { leaveTimeout, unreadyLeaveTimeout } from "@pagi/node/worker/LeaveTimeout"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { MinimumLogLevel } from "effect/References"
import * as ConsoleLog from "../program/ConsoleLog.ts"
import * as ExitCode from "../program/ExitCode.ts"
import { Launch } from "../service/Launch.ts"
import * as Otlp from "../otlp/Otlp.ts"
import * as MainProgram from "../program/MainProgram.ts"
import * as Privileges from "../service/Privileges.ts"
import * as ProcessState from "../service/ProcessState.ts"
import * as ReloadSignals from "../signals/ReloadSignals.ts"
import * as ServedApplication from "./ServedApplication.ts"
import * as FileEnvironment from "../plan/FileEnvironment.ts"
import type { ServerPlan } from "../plan/ServerPlan.ts"
import type { Asked } from "../status/ProcessStatus.ts"
import * as StopGuard from "./StopGuard.ts"
import { StopSignal } from "../signals/StopSignals.ts"
import * as SystemdNotify from "../service/SystemdNotify.ts"

/** Serves until the process is told to stop. */
export const run = (plan: ServerPlan, options: Values) =>
  Effect.scoped(serve(plan, options)).pipe(
    Otlp.exporting(options, {}, FileEnvironment.withFiles(plan.served)),
    // What needs workers has been told already, by the names of the flags.
    Effect.provideService(ServerOptions, forOneProcess(options)),
    Effect.provideService(MinimumLogLevel, minimumLogLevel(options))
  )

const serve = Effect.fnUntraced(function* (plan: ServerPlan, options: Values) {
  const launch = yield* Launch
  const systemd = SystemdNotify.make(launch.systemd)
  const { control, group, pid, user } = plan.process
  const identity = yield* Privileges.resolve(user, group)
  const sockets = yield* socketsAs(identity)
  const state = yield* ProcessState.begin({
    pidFile: pid,
    predecessor: launch.predecessor,
    launcher: launch.channel,
    systemd
  })
  // Here, since what is provided below is released before anybody else hears of a failure.
  const watched = Layer.tapCause(PagiServerLive, (cause) => Effect.forkDetach(endFailed(cause)))
  const server = Layer.provideMerge(signals(systemd), watched).pipe(
    Layer.provide(ServedApplication.layer(plan.served, options.bootTimeout)),
    Layer.provide(Layer.merge(Layer.succeed(InheritedSockets, sockets), Layer.succeed(ServerMode, "single")))
  )
  const limit = leaveTimeout(yield* ServerOptions)
  const log = Effect.runForkWith(yield* Effect.context<never>())
  const guard = StopGuard.make(limit, (message) => log(Effect.logDebug(message)), ConsoleLog.formatOf(options))
  const { isReceived } = yield* StopSignal
  const ready = (server: PagiServer["Service"]) =>
    Effect.andThen(
      state.ready,
      Effect.forkScoped(tellStatus({ server, path: control, uid: identity?.uid, isStopping: isReceived }))
    )
  yield* untilStopped(server, { limit, guard, ready, stopping: state.stopping }).pipe(
    Effect.provideService(FirstConnection, () => guard.start(false))
  )
})

/**
 * What the server finds open. To become another user, it has to bind all sockets before. In any case what was inherited
 * is claimed before the application is loaded, since that may start other programs, which must not see it.
 */
const socketsAs = Effect.fnUntraced(function* (identity: Privileges.Identity | undefined) {
  const inherited = yield* InheritedSockets
  if (identity === undefined) return inherited
  const options = yield* ServerOptions
  const inheritance = yield* AdminSocket.assign(options, inherited.claim())
  const bound = yield* BoundSockets.bind(options, inheritance, identity)
  const admin = yield* BoundSockets.bindAdmin(options, inheritance, identity)
  yield* Privileges.drop(identity)
  const { sockets } = admin === undefined ? { sockets: [] } : yield* admin.surrender
  return passOn({ ...(yield* bound.surrender), admin: sockets })
})

const tellStatus = (asked: Asked) =>
  Effect.flatMap(
    Effect.promise(() => import("../status/ProcessStatus.ts")),
    ({ tell }) => tell(asked)
  )

/** Lets the administrator's signals reach the server. */
const signals = (systemd: SystemdNotify.SystemdNotify["Service"]) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { reloadCertificates, reopenLogs } = yield* PagiServer
      yield* ReloadSignals.on(["SIGHUP", "SIGUSR1"], reopenLogs)
      yield* ReloadSignals.on(["SIGHUP"], reload(reloadCertificates, systemd))
      for (const [signal, wish] of workersOnly) {
        yield* ReloadSignals.on([signal], Effect.logWarning(`${signal} ${wish}, which needs --workers`))
      }
    })
  )

const workersOnly = [
  ["SIGUSR2", "asks for another process to take over"],
  ["SIGTTIN", "asks for one more worker"],
  ["SIGTTOU", "asks for one worker less"]
] as const

const reload = (reloadCertificates: Effect.Effect<void>, systemd: SystemdNotify.SystemdNotify["Service"]) =>
  Effect.gen(function* () {
    yield* Effect.logWarning("certificates and logs are opened anew; to load the application anew needs --workers")
    yield* systemd.reloading
    yield* reloadCertificates
    yield* systemd.reloaded
  })

interface Course<E, R> {
  /** Milliseconds that a stop may take. */
  readonly limit: number
  readonly guard: StopGuard.StopGuard
  readonly ready: (server: PagiServer["Service"]) => Effect.Effect<unknown, E, R>
  readonly stopping: Effect.Effect<void>
}

/** Starts a server, which may take its time and is given up at the signal too, and stops it when the signal comes. */
const untilStopped = <E, E2, R, R2>(
  server: Layer.Layer<PagiServer, E, R>,
  { guard, limit, ready, stopping }: Course<E2, R2>
) =>
  Effect.gen(function* () {
    const { onForced, received } = yield* StopSignal
    let left = "what starts"
    let cutOff = Effect.sync(() => left)
    const log = Effect.runForkWith(yield* Effect.context<never>())
    onForced((signal) => {
      log(Effect.flatMap(cutOff, (what) => Effect.logWarning(`cut off by a second ${signal}: ${what}`)))
    })
    yield* Effect.forkDetach(
      Effect.andThen(
        received,
        Effect.suspend(() => {
          guard.start(true)
          return endAfter(left === "what starts" ? Math.min(limit, unreadyLeaveTimeout) : limit, () => left)
        })
      )
    )
    const started = yield* Effect.raceFirst(Effect.asSome(Layer.build(server)), Effect.as(received, Option.none()))
    if (Option.isNone(started)) return
    left = "the application's lifespan"
    const running = Context.get(started.value, PagiServer)
    cutOff = Effect.map(running.underWay, (work) => (work.connections === 0 ? left : describe(work)))
    yield* ready(running)
    yield* received
    yield* Effect.ensuring(
      Effect.all([stopping, running.shutdown], { concurrency: 2, discard: true }),
      Effect.sync(() => {
        left = release
      })
    )
  })

const release = "the release of what the application's layers have opened"

/** Exits when so many milliseconds have passed, whatever is still to be waited for. */
const endAfter = (
  limit: number,
  left: () => string,
  { code, report }: { readonly code: number; readonly report: Effect.Effect<void> } = toldAlready
) =>
  Effect.gen(function* () {
    yield* Effect.sleep(limit)
    yield* report
    yield* Effect.logError(
      `${left()} has not ended within ${Duration.format(Duration.millis(limit))}, and the process ends all the same`
    )
    process.exit(code)
  })

/** Exchanges have been told by then. */
const toldAlready = { code: ExitCode.incompleteDrain, report: Effect.void }

/** Exits some time after the start of a server that has failed, which otherwise is told when all has been released. */
const endFailed = (cause: Cause.Cause<unknown>) =>
  endAfter(unreadyLeaveTimeout, () => release, {
    code: ExitCode.ofExit(Exit.failCause(cause)),
    report: MainProgram.report(cause)
  })
