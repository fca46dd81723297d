/** The command `pagi-server`. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as CommandCheck from "../plan/CommandCheck.ts"
import * as FileEnvironment from "../plan/FileEnvironment.ts"
import * as Pipes from "../plan/Pipes.ts"
import * as Sources from "../plan/Sources.ts"
import * as ConsoleLog from "../program/ConsoleLog.ts"
import * as Launch from "../service/Launch.ts"
import * as Privileges from "../service/Privileges.ts"
import * as ProcessFlags from "../plan/ProcessFlags.ts"
import * as ServerFlags from "../plan/ServerFlags.ts"
import * as ServerValues from "../plan/ServerValues.ts"
import * as SingleServer from "./SingleServer.ts"
import * as ContainerHint from "./ContainerHint.ts"
import * as Warnings from "./Warnings.ts"

const app = Argument.String("app").pipe(
  Argument.withDescription("Module of the application, such as ./app.ts or ./app.ts:name; without, files are served"),
  Argument.optional
)

interface Input extends ServerFlags.Input {
  readonly app: Option.Option<string>
  readonly process: ProcessFlags.Input
  readonly sources: ProcessFlags.SourceInput
}

/** What was given on the command line and by variables, completed by what files say. */
const toPlan = (input: Input, sources: ProcessFlags.SourcePlan) =>
  Sources.complete(
    {
      served: { app: Option.getOrNull(input.app), texts: ServerFlags.texts(input) },
      process: ProcessFlags.plan(input.process)
    },
    sources
  )

/** Checks everything that can be without serving, and then serves until the process is told to stop. */
const serve = Effect.fnUntraced(function* (input: Input) {
  const sources = ProcessFlags.sourcePlan(input.sources)
  const plan = yield* toPlan(input, sources)
  const options = yield* ServerValues.resolve(plan.served.texts)
  yield* Privileges.resolve(plan.process.user, plan.process.group)
  const asker = yield* CommandCheck.Asker
  if (asker !== undefined) {
    const hasWorkers = options.workers !== 0 || options.reload
    return asker.tell({
      plan,
      hasWorkers,
      hasSources: Sources.areThere(sources),
      sources: Sources.paths(sources),
      pipes: Pipes.all()
    })
  }
  const inspection = yield* CommandCheck.Inspection
  if (inspection !== undefined) {
    yield* Warnings.warn(plan, options)
    const { inspect } = yield* Effect.promise(() => import("./Inspection.ts"))
    return yield* inspect(plan, options, inspection)
  }
  yield* ConsoleLog.use(options)
  yield* Launch.inBackground(plan.process, options)
  yield* Warnings.warn(plan, options)
  yield* ContainerHint.tell(options)
  FileEnvironment.apply(plan.served.environment)
  yield* SingleServer.run(plan, options)
})

/**
 * `pagi-server [flags] [app]`. Fails with `UsageError` or `InvalidOption` for flags and variables that are not allowed,
 * `AppLoadError` or `RootError` when there is nothing to serve, `StartError` when the server cannot start, and
 * `IncompleteDrain` when it has been told to stop and requests had to be cut off.
 */
export const command = Command.make(
  "pagi-server",
  {
    app,
    options: ServerFlags.options,
    noAccessLog: ServerFlags.noAccessLog,
    process: ProcessFlags.flags,
    sources: ProcessFlags.sourceFlags
  },
  serve
).pipe(
  Command.withDescription("Serves an application, Effect's HTTP programs, fetch handlers, or files"),
  Command.withExamples([
    { command: "pagi-server", description: "Serve the files of the current directory" },
    { command: "pagi-server --port 8080 ./app.ts", description: "Serve the application that a module exports" },
    { command: "pagi-server ./app.ts:admin", description: "Serve another export of the module" },
    { command: "pagi-server ./routes.ts", description: "Serve a Layer of HttpRouter.serve, or a fetch handler" },
    {
      command: "pagi-server --workers 4 ./app.ts",
      description: "Serve with four processes, below one that looks after them"
    },
    {
      command: "pagi-server check [--no-app] [--json] [flags] [app]",
      description: "Show every option and where it is from, and whether a start would succeed"
    },
    { command: "pagi-server status [PID] [--json] [--watch]", description: "Show how a server is" },
    {
      command: "pagi-server health [HOST:PORT|PATH] [--live]",
      description: "Ask an admin listener whether its server is ready, for health checks"
    },
    {
      command: "pagi-server top [PID|PATH|HOST:PORT]",
      description: "Show what a server does, second by second, in a terminal"
    }
  ])
)
