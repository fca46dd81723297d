/** The command `pagi-server status`: how a server is, as it says itself through its control socket. */
import { codeOf } from "@pagi/node/accept/ListenError"
import * as ExitCode from "@pagi/node/pool/ExitCode"
import { isRunning } from "@pagi/node/process/RunningProcess"
import * as ControlSocket from "@pagi/node/supervisor/ControlSocket"
import type { ServerStatus } from "@pagi/node/admin/ServerStatus"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { rmSync } from "node:fs"
import * as ConsoleLog from "../program/ConsoleLog.ts"
import * as ControlPath from "./ControlPath.ts"
import * as MainProgram from "../program/MainProgram.ts"
import { UsageError } from "../plan/ServerValues.ts"
import * as StatusTable from "./StatusTable.ts"

/** There is no server that could be asked. */
export class NotRunning extends Schema.TaggedError<NotRunning>()("NotRunning", { message: Schema.String }) {}

export const usage = `Shows how a server is.

USAGE
  pagi-server status [PID|PATH] [--json] [--watch]

ARGUMENTS
  PID|PATH   The server's process or its control socket; without, the only one that runs

FLAGS
  --json     One line of JSON instead of a table
  --watch    Again every second, until Ctrl-C
`

/** What is asked for. */
export interface Request {
  readonly target: string | undefined
  readonly isJson: boolean
  readonly isWatching: boolean
}

/** Reads the arguments after `status`. */
export const parse = (args: ReadonlyArray<string>): Effect.Effect<Request, UsageError> =>
  Effect.gen(function* () {
    const unknown = args.find((arg) => arg.startsWith("-") && arg !== "--json" && arg !== "--watch")
    if (unknown !== undefined) {
      return yield* new UsageError({ message: `unknown flag ${unknown} of status; expected --json or --watch` })
    }
    const [target, ...others] = args.filter((arg) => !arg.startsWith("-"))
    if (others.length > 0) {
      return yield* new UsageError({
        message: `unexpected argument ${JSON.stringify(others[0])} of status; one server is asked`
      })
    }
    return { target, isJson: args.includes("--json"), isWatching: args.includes("--watch") }
  })

/** What the server at a control socket has said. */
export interface Answer {
  readonly path: string
  readonly status: ServerStatus
}

/** What the server at a socket says; nothing when there is none. */
const ask = (path: string): Effect.Effect<Answer | undefined> =>
  Effect.match(ControlSocket.fetchStatus(path), {
    onSuccess: (status) => ({ path, status }),
    onFailure: () => undefined
  })

/** Asks the servers of these sockets, and removes those of this user at which nobody is. */
const askAll = (found: ReadonlyArray<ControlPath.Found>) =>
  Effect.gen(function* () {
    const answers: Array<Answer> = []
    for (const { isOwn, path, pid } of found) {
      const answer = yield* ask(path)
      if (answer !== undefined) answers.push(answer)
      else if (isOwn && !isRunning(pid)) rmSync(path, { force: true })
    }
    return answers
  })

/** The one server that is meant by its process or its socket; the only one that runs without. */
export const find = (
  target: string | undefined,
  command: "status" | "top" = "status"
): Effect.Effect<Answer, UsageError | NotRunning> =>
  Effect.gen(function* () {
    if (target !== undefined && !/^\d+$/.test(target)) {
      return (yield* ask(target)) ?? (yield* new NotRunning({ message: `no server answers at ${target}` }))
    }
    const all = ControlPath.find()
    const answers = yield* askAll(target === undefined ? all : all.filter(({ pid }) => pid === Number(target)))
    const [answer, ...others] = answers
    if (answer === undefined) {
      const which = target === undefined ? "no server runs" : `process ${target} is no server`
      return yield* new NotRunning({ message: `${which}, or it is another user's, or has a --control of its own` })
    }
    if (others.length === 0) return answer
    const list = answers.map(({ status }) => `${status.pid} (${status.listeners.join(", ")})`).join(", ")
    return yield* new UsageError({ message: `several servers run: ${list}; say which: pagi-server ${command} PID` })
  })

const clear = "\u001b[H\u001b[J"

const show = ({ isJson, isWatching }: Request, status: ServerStatus) => {
  if (isJson) return Console.log(JSON.stringify(status))
  const table = StatusTable.render(status).trimEnd()
  if (!isWatching) return Console.log(table)
  return Console.log(process.stdout.isTTY ? `${clear}${table}` : `${table}\n`)
}

/** Shows what is asked for. */
export const run = (request: Request): Effect.Effect<void, UsageError | NotRunning> =>
  Effect.gen(function* () {
    let answer = yield* find(request.target)
    yield* show(request, answer.status)
    while (request.isWatching) {
      yield* Effect.sleep("1 second")
      // After a hot restart it is another process that answers.
      answer = (yield* ask(answer.path)) ?? (yield* find(request.target))
      yield* show(request, answer.status)
    }
  })

/** Runs the command with these arguments. */
export const main = (args: ReadonlyArray<string>): void => {
  // Usually nobody wants to see more of it.
  process.stdout.on("error", (error) => process.exit(codeOf(error) === "EPIPE" ? ExitCode.stopped : ExitCode.internal))
  const wantsHelp = args.includes("--help") || args.includes("-h")
  const program = wantsHelp ? Console.log(usage.trimEnd()) : Effect.flatMap(parse(args), run)
  MainProgram.run(program.pipe(Effect.tapCause(MainProgram.report), Effect.provide(ConsoleLog.layer)), () => false)
}
