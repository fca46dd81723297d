/** The process that looks after workers. Loads nothing of the application, nor what reads command lines. */
import { minimumLogLevel, ServerOptions } from "@pagi/core/options/ServerOptions"
import { ChildProcesses } from "@pagi/node/supervisor/ChildProcesses"
import * as Supervisor from "@pagi/node/supervisor/Supervisor"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { MinimumLogLevel } from "effect/References"
import * as Scope from "effect/Scope"
import * as CommandCheck from "../plan/CommandCheck.ts"
import * as FileEnvironment from "../plan/FileEnvironment.ts"
import * as Reread from "../plan/Reread.ts"
import * as CommandLine from "../plan/CommandLine.ts"
import * as ConsoleLog from "../program/ConsoleLog.ts"
import * as ControlPath from "../status/ControlPath.ts"
import * as ExitCode from "../program/ExitCode.ts"
import * as Installation from "../program/Installation.ts"
import * as Launch from "../service/Launch.ts"
import * as MainProgram from "../program/MainProgram.ts"
import * as Otlp from "../otlp/Otlp.ts"
import * as ContainerHint from "./ContainerHint.ts"
import * as Memory from "./Memory.ts"
import * as Rereading from "./Rereading.ts"
import * as Privileges from "../service/Privileges.ts"
import * as ProcessState from "../service/ProcessState.ts"
import type { Watch } from "../reload/Reloads.ts"
import type { ServedPlan, ServerPlan } from "../plan/ServerPlan.ts"
import * as ServerValues from "../plan/ServerValues.ts"
import * as SupervisorSignals from "../signals/SupervisorSignals.ts"
import * as SystemdNotify from "../service/SystemdNotify.ts"
import * as Terminal from "../program/Terminal.ts"
import * as Warnings from "./Warnings.ts"
import * as WorkingDirectory from "../program/WorkingDirectory.ts"

/** This command once more. */
const successor = ({ systemd }: Launch.Launch["Service"]): Supervisor.SuccessorProgram => {
  const [file, ...args] = CommandLine.again(process.argv.slice(2))
  return { file, args, environment: SystemdNotify.environmentOf(systemd) }
}

/** What the process does for those who have started it, when the pool of workers has come so far. */
const makeDuties = (plan: ServerPlan) =>
  Effect.gen(function* () {
    const { group, pid, user } = plan.process
    const identity = yield* Privileges.resolve(user, group)
    const launch = yield* Launch.Launch
    const systemd = SystemdNotify.make(launch.systemd)
    const scope = yield* Effect.scope
    let state: ProcessState.ProcessState | undefined
    const onBound = Effect.gen(function* () {
      if (identity !== undefined) yield* Privileges.drop(identity)
      state = yield* ProcessState.begin({
        pidFile: pid,
        predecessor: launch.predecessor,
        launcher: launch.channel,
        systemd
      })
    })
    const serving = Effect.gen(function* () {
      yield* state?.ready ?? Effect.void
      Memory.release()
    }).pipe(Effect.provideService(Scope.Scope, scope))
    const changes = {
      serving,
      reloading: systemd.reloading,
      reloaded: systemd.reloaded,
      successorLost: Effect.provideService(
        Effect.suspend(() => state?.goesOn ?? Effect.void),
        Scope.Scope,
        scope
      ),
      stopping: Effect.suspend(() => state?.stopping ?? Effect.void)
    }
    const controlSocket = plan.process.control ?? ControlPath.forProcess(identity?.uid)
    // Somebody who goes on is no end for systemd.
    const onChange = (change: keyof typeof changes, hasSuccessor: boolean) =>
      hasSuccessor ? Effect.void : changes[change]
    return { socketOwner: identity, onBound, onChange, controlSocket }
  })

/** What workers are told, in their environment: not what is for the admin listener alone. */
const withoutToken = ({ texts, ...rest }: ServedPlan): ServedPlan => {
  const { adminToken: _, ...options } = texts.options
  return { ...rest, texts: { ...texts, options } }
}

/** Loads what a reload while somebody types needs, and begins with it. */
const watchFiles = (watch: Watch) =>
  Effect.flatMap(
    Effect.promise(() => import("../reload/Reloads.ts")),
    ({ begin }) => begin(watch)
  )

const refusedRestart =
  "SIGUSR2 asks for another process to take over, which would end the container with its first process; " +
  "SIGHUP loads the application anew, and a new version of the server takes a new container"

/** What is said when files could not be read anew, or say something that is not allowed. */
const stayed = ({ process: { group, user } }: ServerPlan): string =>
  user === null && group === null
    ? "the options stay as they were before"
    : "the options stay as they were before; files are read again as the user that the server has become (--user)"

/** Looks after workers until the pool has stopped. */
const supervise = Effect.fnUntraced(function* (
  { hasSources, pipes, plan, sources }: CommandCheck.Answer,
  signals: SupervisorSignals.SupervisorSignals
) {
  const options = yield* ServerOptions
  const refreshDirectory = WorkingDirectory.remember()
  const duties = yield* makeDuties(plan)
  const program = { path: Installation.program("worker"), payload: withoutToken(plan.served) }
  let replace: () => void = () => {}
  let rereadAndReplace: () => void = () => {}
  const watching = options.reload
    ? yield* watchFiles({
        include: options.reloadInclude ?? [],
        sources,
        reload: () => replace(),
        reread: () => rereadAndReplace()
      })
    : undefined
  const settings = { ...duties, successor: successor(yield* Launch.Launch), reloads: watching?.reloads }
  const context = yield* Layer.build(
    watching === undefined
      ? Supervisor.layer(program, settings)
      : Layer.provide(Supervisor.layer(program, settings), Layer.succeed(ChildProcesses, watching.processes))
  )
  const { ended, send } = Context.get(context, Supervisor.PagiSupervisor)
  replace = () => {
    watching?.begin()
    refreshDirectory()
    send("reload")
  }
  const log = Effect.runForkWith(yield* Effect.context<never>())
  const { isFirst } = yield* Launch.Launch
  const reread = async (): Promise<void> => {
    const again = await CommandCheck.askAgain(process.argv.slice(2), { pipes })
    if ("problem" in again) {
      if (again.problem !== undefined) log(Effect.logError(again.problem))
      return void log(Effect.logError(stayed(plan)))
    }
    const { kept, plan: fresh } = Reread.merge(plan.served, again.answer.plan.served)
    // What is kept and what is new may be no pair.
    await Effect.runPromise(ServerValues.resolve(fresh.texts))
    program.payload = withoutToken(fresh)
    if (kept.length > 0) log(Effect.logWarning(`${kept.join(", ")}: changes take effect when the server is restarted`))
  }
  const rereading = Rereading.make(
    reread,
    replace,
    (error) => void log(Effect.logError(`${stayed(plan)}: ${error instanceof Error ? error.message : error}`))
  )
  rereadAndReplace = rereading.ask
  signals.connect((command, signal) => {
    if (command === "hotRestart" && isFirst) return void log(Effect.logWarning(refusedRestart))
    if (command !== "reload" && command !== "hotRestart") return send(command, signal)
    refreshDirectory()
    if (command === "hotRestart") return send(command, signal)
    watching?.discard()
    if (hasSources) rereading.ask()
    else replace()
  })
  return yield* ended
})

/** Runs a server with workers, and fails with its exit code if that is not 0. */
export const run = Effect.fnUntraced(function* (
  checked: CommandCheck.Answer,
  signals: SupervisorSignals.SupervisorSignals
) {
  const { plan } = checked
  const options = yield* ServerValues.resolve(plan.served.texts)
  yield* ConsoleLog.use(options)
  yield* Launch.inBackground(plan.process, options)
  yield* Warnings.warn(plan, options)
  yield* ContainerHint.tell(options)
  const code = yield* Effect.scoped(supervise(checked, signals)).pipe(
    Otlp.exporting(options, { isSupervisor: true }, FileEnvironment.withFiles(plan.served)),
    Effect.provideService(ServerOptions, options),
    Effect.provideService(MinimumLogLevel, minimumLogLevel(options))
  )
  if (code !== ExitCode.stopped) return yield* new ExitCode.Ended({ code })
})

/** Begins to serve; the process exits with a code of `ExitCode`. */
export const main = (checked: CommandCheck.Answer, launch: Launch.Launch["Service"]): void => {
  const signals = SupervisorSignals.listen(Terminal.watch())
  MainProgram.run(
    run(checked, signals).pipe(
      Effect.tapCause(MainProgram.report),
      Effect.provideService(Launch.Launch, launch),
      Effect.provide(ConsoleLog.layerWith({ copyTo: launch.channel?.show }))
    )
  )
}
