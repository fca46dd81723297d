/** The program behind `pagi-server`. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliConfig from "effect/cli/CliConfig"
import * as Command from "effect/cli/Command"
import type { Shell } from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import * as CommandCheck from "../plan/CommandCheck.ts"
import * as CommandOutput from "./CommandOutput.ts"
import * as ConsoleLog from "../program/ConsoleLog.ts"
import * as HelpText from "../plan/HelpText.ts"
import * as Installation from "../program/Installation.ts"
import { Launch } from "../service/Launch.ts"
import * as MainProgram from "../program/MainProgram.ts"
import * as NearNames from "../plan/NearNames.ts"
import { command } from "./ServerCommand.ts"
import * as StopSignals from "../signals/StopSignals.ts"
import * as Terminal from "../program/Terminal.ts"
import { UsageError } from "../plan/ServerValues.ts"

const Package = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

const readVersion = Effect.sync(() => readFileSync(Installation.manifest, "utf8")).pipe(
  Effect.flatMap(Schema.decodeEffect(Package)),
  Effect.orDie
)

/** Writes the script by which a shell completes command lines. */
const completions = GlobalFlag.Action({
  flag: Flag.Literals("completions", ["bash", "zsh", "fish"]).pipe(
    Flag.optional<Shell>,
    Flag.withMetavar("bash|zsh|fish"),
    Flag.withDescription("Writes the script by which a shell completes command lines (docs/completions.md)")
  ),
  run: Effect.fnUntraced(function* (shell: Option.Option<Shell>, { command }) {
    // The library has another shell than the flag allows.
    if (Option.isNone(shell) || shell.value === "powershell") return
    const { make } = yield* Effect.promise(() => import("../completions/CompletionScript.ts"))
    yield* Console.log(make(shell.value, command).trimEnd())
  })
})

const environment = (launch: Launch["Service"], topic: string | undefined) =>
  Layer.mergeAll(
    NodeServices.layer,
    ConsoleLog.layerWith({ copyTo: launch.channel?.show }),
    CommandOutput.layer(topic),
    CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, completions] }),
    Layer.succeed(Launch, launch)
  )

/** Help was asked for something that there is none of. */
const unknownTopic = (topic: string) => {
  const [near] = NearNames.find(topic, HelpText.topics)
  const advice = near === undefined ? `expected one of ${HelpText.topics.join(", ")}` : `did you mean --help ${near}?`
  return new UsageError({ message: `no help for ${JSON.stringify(topic)}; ${advice}` })
}

/** Runs the command with these arguments. */
const run = (given: ReadonlyArray<string>, launch: Launch["Service"]) => {
  const { args, topic: word } = HelpText.topicOf(given)
  const topic = word === undefined ? undefined : HelpText.topicNamed(word)
  const program = Effect.gen(function* () {
    if (word !== undefined && topic === undefined) return yield* unknownTopic(word)
    const { version } = yield* readVersion
    yield* Command.runWith(command, { version })(args)
  })
  return program.pipe(Effect.tapCause(MainProgram.report), Effect.provide(environment(launch, topic)))
}

/** Runs the command with the arguments of the process, which exits with a code of `ExitCode`. */
export const main = (launch: Launch["Service"]): void =>
  begin(run(process.argv.slice(2), launch), Context.empty(), StopSignals.listen)

/** Tells what the command line means. A configuration file may have left something open, which is not waited for. */
export const answer = (launch: Launch["Service"], { parent, tell }: CommandCheck.Asker): void => {
  let isTold = false
  const asker: CommandCheck.Asker = {
    parent,
    tell: (answer) => {
      tell(answer)
      isTold = true
    }
  }
  begin(
    run(process.argv.slice(2), launch),
    Context.make(CommandCheck.Asker, asker),
    StopSignals.endAtOnce,
    () => isTold
  )
}

/** Completes when what was printed has been taken by whoever reads it, or never will be. */
const printed = Effect.callback<void>((resume) => {
  process.stdout.write("", () => resume(Effect.void))
})

/** Checks what a command line means, and prints it, as `pagi-server check` does. */
export const inspect = (launch: Launch["Service"], args: ReadonlyArray<string>): void => {
  const others = args.filter((arg) => arg !== "--json" && arg !== "--no-app")
  const wish = { isJson: args.includes("--json"), loadsApplication: !args.includes("--no-app") }
  // An application may have left something open, which is not waited for either.
  begin(
    Effect.ensuring(run(others, launch), printed),
    Context.make(CommandCheck.Inspection, wish),
    StopSignals.endAtOnce,
    () => true
  )
}

const begin = (
  program: ReturnType<typeof run>,
  purpose: Context.Context<never>,
  attend: (isTerminalClosed: () => boolean) => StopSignals.StopSignal["Service"],
  mayEnd: () => boolean = () => false
): void => {
  const isTerminalClosed = Terminal.watch()
  const stopSignal = attend(isTerminalClosed)
  MainProgram.run(
    program.pipe(
      Effect.provideService(StopSignals.StopSignal, stopSignal),
      Effect.provideService(Terminal.IsClosed, isTerminalClosed),
      Effect.provideContext(purpose)
    ),
    () => stopSignal.isReceived() || mayEnd()
  )
}
