/** The program behind `pagi-server`. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { IncompleteDrain } from "@pagi/node/IncompleteDrain"
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import * as CommandOutput from "./CommandOutput.ts"
import * as ConsoleLog from "./ConsoleLog.ts"
import * as ExitCode from "./ExitCode.ts"
import { command } from "./ServerCommand.ts"
import * as StopSignals from "./StopSignals.ts"

const Package = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

const readVersion = Effect.sync(() => readFileSync(new URL("../package.json", import.meta.url), "utf8")).pipe(
  Effect.flatMap(Schema.decodeEffect(Package)),
  Effect.orDie
)

/** Mistakes on the command line, and requests that were cut off, have been told when they were found. */
const isTold = (error: unknown): boolean => CliError.isCliError(error) || error instanceof IncompleteDrain

/** Foreseen failures are told in one line. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  const error = Cause.squash(cause)
  if (Cause.hasInterruptsOnly(cause) || isTold(error)) return Effect.void
  const isForeseen = !Cause.hasDies(cause) && error instanceof Error && ExitCode.ofFailure(error) !== undefined
  return isForeseen ? Effect.logError(error.message) : Effect.logError("the server failed", cause)
}

const Environment = Layer.mergeAll(
  NodeServices.layer,
  ConsoleLog.layer,
  CommandOutput.layer,
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
)

/** Runs the command with these arguments. */
const run = (args: ReadonlyArray<string>) =>
  readVersion.pipe(
    Effect.flatMap(({ version }) => Command.runWith(command, { version })(args)),
    Effect.tapCause(report),
    Effect.provide(Environment)
  )

/** Runs the command with the arguments of the process, which exits with a code of `ExitCode`. */
export const main = (): void => {
  const stopSignal = StopSignals.listen()
  const runMain = Runtime.makeRunMain(({ fiber }) => {
    fiber.addObserver((exit) => {
      const code = ExitCode.ofExit(exit)
      // What was printed may still be on its way; whatever an application has left open is not waited for.
      if (code !== ExitCode.stopped || stopSignal.isReceived()) process.exit(code)
    })
  })
  runMain(Effect.provideService(run(process.argv.slice(2)), StopSignals.StopSignal, stopSignal), {
    disableErrorReporting: true
  })
}
