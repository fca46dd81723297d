/** The command `pagi-server status`: how a server is, as it says itself at its control socket or its admin listener. */
import type { Endpoint } from "@pagi/core/options/Endpoint"
import { codeOf } from "@pagi/node/accept/ListenError"
import * as ExitCode from "@pagi/node/pool/ExitCode"
import { isRunning } from "@pagi/node/process/RunningProcess"
import * as ControlSocket from "@pagi/node/supervisor/ControlSocket"
import type { ServerStatus } from "@pagi/node/admin/ServerStatus"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { rmSync } from "node:fs"
import * as AdminAddress from "../adminClient/AdminAddress.ts"
import * as AdminClient from "../adminClient/AdminClient.ts"
import * as ConsoleLog from "../program/ConsoleLog.ts"
import * as ControlPath from "./ControlPath.ts"
import * as MainProgram from "../program/MainProgram.ts"
import { UsageError } from "../plan/ServerValues.ts"
import * as StatusTable from "./StatusTable.ts"

/** There is no server that could be asked. */
export class NotRunning extends Schema.TaggedError<NotRunning>()("NotRunning", { message: Schema.String }) {}

export const usage = `Shows how a server is.

USAGE
  pagi-server status [PID|PATH|HOST:PORT] [--json] [--watch]

ARGUMENTS
  PID|PATH|HOST:PORT   The server's process, its control socket or its admin
                       listener; without, the only one that runs

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

/** Where a server can be asked. */
export type Place =
  | { readonly _tag: "Control"; readonly path: string }
  | { readonly _tag: "Admin"; readonly endpoint: Endpoint }

/** What a server has said, and where. */
export interface Answer {
  readonly place: Place
  readonly status: ServerStatus
}

const fetchStatus = (place: Place): Effect.Effect<ServerStatus, ControlSocket.StatusError | AdminClient.AdminError> =>
  place._tag === "Control" ? ControlSocket.fetchStatus(place.path) : AdminClient.readStatus(place.endpoint)

/** What the server at a place says; nothing when there is none. */
const ask = (place: Place): Effect.Effect<Answer | undefined> =>
  Effect.match(fetchStatus(place), {
    onSuccess: (status) => ({ place, status }),
    onFailure: () => undefined
  })

/** Asks the servers of these sockets, and removes those of this user at which nobody is. */
const askAll = (found: ReadonlyArray<ControlPath.Found>) =>
  Effect.gen(function* () {
    const answers: Array<Answer> = []
    for (const { isOwn, path, pid } of found) {
      const answer = yield* ask({ _tag: "Control", path })
      if (answer !== undefined) answers.push(answer)
      else if (isOwn && !isRunning(pid)) rmSync(path, { force: true })
    }
    return answers
  })

/** The server with an address of its own: that of its admin listener, or the path of that or of the control socket. */
const findAt = (target: string): Effect.Effect<Answer, NotRunning> =>
  Effect.gen(function* () {
    const endpoint = AdminAddress.parse(target)
    const failure = new NotRunning({ message: `no server answers at ${target}` })
    if (endpoint === undefined) return yield* failure
    const place: Place = { _tag: "Admin", endpoint }
    if (endpoint._tag === "Tcp") {
      const status = yield* Effect.mapError(fetchStatus(place), ({ message }) => new NotRunning({ message }))
      return { place, status }
    }
    // A control socket says at once, and not in HTTP, what it has to say; the other one would wait for a request.
    return (yield* ask(place)) ?? (yield* ask({ _tag: "Control", path: endpoint.path })) ?? (yield* failure)
  })

/** The one server that is meant by its process, its socket or its address; the only one that runs without. */
export const find = (
  target: string | undefined,
  command: "status" | "top" = "status"
): Effect.Effect<Answer, UsageError | NotRunning> =>
  Effect.gen(function* () {
    if (target !== undefined && !/^\d+$/.test(target)) return yield* findAt(target)
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
      answer = (yield* ask(answer.place)) ?? (yield* find(request.target))
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
