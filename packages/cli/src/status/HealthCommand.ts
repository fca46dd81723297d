/**
 * The command `pagi-server health`: asks the admin listener of a server once whether the server is ready, for the health
 * checks of containers, whose images then need no other program for that. It is run again and again, so it loads next to
 * nothing: not even Effect's runtime.
 */
import * as Endpoint from "@pagi/core/options/Endpoint"
import * as OptionKind from "@pagi/core/options/OptionKind"
import * as ExitCode from "@pagi/node/pool/ExitCode"
import * as Duration from "effect/Duration"
import { request } from "node:http"
import * as AdminAddress from "../adminClient/AdminAddress.ts"

export const usage = `Asks a server whether it is ready, as health checks do.

USAGE
  pagi-server health [HOST:PORT|PATH] [--live] [--timeout SECONDS]

ARGUMENTS
  HOST:PORT|PATH       The server's admin listener; without, that of the
                       variable PAGI_ADMIN

FLAGS
  --live               Ask only whether the server's process answers
  --timeout SECONDS    How long the answer may take (default 5)

The exit code is 0 when it is, 1 when it is not or does not answer, and 2 when
the command line is wrong.
`

/** The server is not ready, or does not answer. */
const unhealthy = 1

/** Milliseconds. */
const defaultTimeout = 5000

/** Characters of an answer that are shown; Docker keeps 4096. */
const shownLength = 4000

/** What is asked for, and of whom. */
export interface Question {
  readonly endpoint: Endpoint.Endpoint
  readonly path: "/livez" | "/readyz"
  /** Milliseconds that the answer may take. */
  readonly timeout: number
}

/** What the command says, and its exit code. */
export interface Outcome {
  readonly code: number
  readonly message: string
}

const wrong = (message: string): Outcome => ({ code: ExitCode.usage, message: `error: ${message}` })

/** Whether the reading of a command line has ended with something to say. */
export const isOutcome = (read: Question | Outcome): read is Outcome => "code" in read

/** A listener on all addresses is asked at the one of this machine. */
const reachable = (endpoint: Endpoint.Endpoint): Endpoint.Endpoint => {
  if (endpoint._tag !== "Tcp") return endpoint
  if (endpoint.host === "0.0.0.0") return Endpoint.tcp("127.0.0.1", endpoint.port)
  return /^[0:]+$/.test(endpoint.host) ? Endpoint.tcp("::1", endpoint.port) : endpoint
}

const endpointOf = (text: string, source: string): Endpoint.Endpoint | Outcome => {
  const endpoint = Endpoint.adminKind.accept(AdminAddress.textOf(text))
  if (endpoint === undefined) return wrong(`${source}: expected ${Endpoint.adminKind.expected}`)
  if (endpoint._tag === "Tcp" && endpoint.port === 0) {
    return wrong(`${source} has port 0, for which the system has chosen another one; name that one`)
  }
  return reachable(endpoint)
}

const millisecondsOf = (text: string): number | undefined => {
  const input = OptionKind.seconds.fromText(text)
  const duration = input === undefined ? undefined : OptionKind.seconds.accept(input)
  const milliseconds = duration === undefined ? 0 : Duration.toMillis(duration)
  return milliseconds === 0 ? undefined : milliseconds
}

/** Reads the arguments after `health`. */
export const parse = (args: ReadonlyArray<string>, admin: string | undefined): Question | Outcome => {
  let timeout: number | undefined = defaultTimeout
  let path: Question["path"] = "/readyz"
  const places: Array<string> = []
  const rest = args.flatMap((arg) =>
    arg.startsWith("--timeout=") ? ["--timeout", arg.slice("--timeout=".length)] : arg
  )
  while (rest.length > 0) {
    const arg = rest.shift() ?? ""
    if (arg === "--timeout") timeout = millisecondsOf(rest.shift() ?? "")
    else if (arg === "--live") path = "/livez"
    else if (arg.startsWith("-")) return wrong(`unknown flag ${arg} of health; expected --live or --timeout SECONDS`)
    else places.push(arg)
    if (timeout === undefined) return wrong("--timeout: expected seconds, more than 0, such as 5, 2.5 or 500ms")
  }
  const [place, other] = places
  if (other !== undefined) return wrong(`unexpected argument ${JSON.stringify(other)} of health; one server is asked`)
  const text = place ?? admin ?? ""
  if (text === "") {
    return wrong(
      "where is the admin listener? Name its address, such as 127.0.0.1:9090, or set the variable PAGI_ADMIN"
    )
  }
  const endpoint = endpointOf(text, place === undefined ? `the variable PAGI_ADMIN (${admin})` : JSON.stringify(place))
  return "code" in endpoint ? endpoint : { endpoint, path, timeout }
}

/** Asks once. */
export const ask = ({ endpoint, path, timeout }: Question): Promise<Outcome> =>
  new Promise((resolve) => {
    const where = `the admin listener at ${Endpoint.format(endpoint)}`
    const fail = (reason: string): void => {
      resolve({ code: unhealthy, message: `error: ${where} ${reason}` })
      clearTimeout(timer)
      asked.destroy()
    }
    const timer = setTimeout(() => fail(`has not answered within ${timeout / 1000} seconds`), timeout)
    const asked = request({ ...AdminAddress.target(endpoint), path, agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (piece: string) => {
        text = (text + piece).slice(0, shownLength)
      })
      response.on("error", () => fail("has broken its answer off"))
      response.on("end", () => {
        clearTimeout(timer)
        resolve(outcomeOf(response.statusCode, shown(text), where))
      })
    })
    asked.on("error", (error) => fail(`does not answer: ${"code" in error ? String(error.code) : error.message}`))
    asked.end()
  })

/** What an application says of itself is not to steer a terminal. */
const shown = (text: string): string => text.trim().replaceAll(/[^\P{Cc}\n]/gu, "?")

const outcomeOf = (status: number | undefined, text: string, where: string): Outcome => {
  if (status === 200) return { code: ExitCode.stopped, message: text }
  if (status === 503) return { code: unhealthy, message: `error: not ready\n${text}` }
  return { code: unhealthy, message: `error: ${where} answers ${status}; is it one?` }
}

/** Runs the command with these arguments, and exits. */
export const main = async (args: ReadonlyArray<string>): Promise<void> => {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage)
    return
  }
  const question = parse(args, process.env["PAGI_ADMIN"])
  const { code, message } = isOutcome(question) ? question : await ask(question)
  process.exitCode = code
  ;(code === ExitCode.stopped ? process.stdout : process.stderr).write(`${message}\n`)
}
