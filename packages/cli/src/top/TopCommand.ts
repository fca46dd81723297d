/** The command `pagi-server top`: what a server does, second by second, in a terminal. */
import { codeOf } from "@pagi/node/accept/ListenError"
import * as ExitCode from "@pagi/node/pool/ExitCode"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { styleText } from "node:util"
import * as ConsoleLog from "../program/ConsoleLog.ts"
import * as MainProgram from "../program/MainProgram.ts"
import { UsageError } from "../plan/ServerValues.ts"
import { TopModel } from "./TopModel.ts"
import * as TopScreen from "./TopScreen.ts"
import * as TopSource from "./TopSource.ts"
import * as TopTerminal from "./TopTerminal.ts"

export const usage = `Shows what a server does, second by second.

USAGE
  pagi-server top [PID|PATH|HOST:PORT]

ARGUMENTS
  PID|PATH|HOST:PORT   The server's process, its control socket or its admin
                       listener; without, the only one that runs

In a terminal, q or Ctrl-C ends it. Elsewhere it writes a block every second.
Statuses, latency, bytes and single requests are told by servers with --admin.
`

/** Reads the arguments after `top`. */
export const parse = (args: ReadonlyArray<string>): Effect.Effect<string | undefined, UsageError> => {
  const unknown = args.find((arg) => arg.startsWith("-"))
  const [target, other] = args
  if (unknown !== undefined) {
    return Effect.fail(new UsageError({ message: `unknown flag ${unknown} of top; it has none` }))
  }
  if (other !== undefined) {
    return Effect.fail(
      new UsageError({ message: `unexpected argument ${JSON.stringify(other)} of top; one server is shown` })
    )
  }
  return Effect.succeed(target)
}

const interval = "1 second"

/** Columns, and lines of a block, where there is no terminal. */
const plain = { width: 120, height: 40 }

const style = (style: TopScreen.Style, text: string): string => styleText(style, text, { stream: process.stdout })

const screenOf = (output: NodeJS.WriteStream): TopScreen.Screen => ({
  width: output.columns,
  height: output.rows,
  hasCharts: true,
  style
})

/** Draws every second, and when the terminal has changed, until somebody ends it. */
const live = (model: TopModel): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { draw, isQuit, isResized } = yield* TopTerminal.open(process.stdin, process.stdout)
    const show = Effect.sync(() => draw(TopScreen.render(model, screenOf(process.stdout))))
    const drawing = Effect.forever(Effect.andThen(show, Effect.raceFirst(Effect.sleep(interval), isResized)))
    yield* Effect.raceFirst(drawing, isQuit)
  }).pipe(Effect.scoped)

/** Writes a block every second, for as long as somebody reads. */
const piped = (model: TopModel): Effect.Effect<never> => {
  const screen: TopScreen.Screen = { ...plain, hasCharts: false, style: (_, text) => text }
  const show = Effect.suspend(() => Console.log(`${TopScreen.render(model, screen).join("\n")}\n`))
  return Effect.forever(Effect.andThen(Effect.sleep(interval), show))
}

/** Shows a server. */
export const run = (target: string | undefined) =>
  Effect.gen(function* () {
    const source = yield* TopSource.find(target)
    const model = new TopModel()
    const show = process.stdout.isTTY ? live(model) : piped(model)
    yield* Effect.raceFirst(show, TopSource.watch(source, target, model))
  })

/** Runs the command with these arguments. */
export const main = (args: ReadonlyArray<string>): void => {
  // Usually nobody wants to see more of it.
  process.stdout.on("error", (error) => process.exit(codeOf(error) === "EPIPE" ? ExitCode.stopped : ExitCode.internal))
  const wantsHelp = args.includes("--help") || args.includes("-h")
  const program = wantsHelp ? Console.log(usage.trimEnd()) : Effect.flatMap(parse(args), run)
  MainProgram.run(program.pipe(Effect.tapCause(MainProgram.report), Effect.provide(ConsoleLog.layer)))
}
