/**
 * Has a command line read and checked by a process of its own. The library that does it, and all that it loads, would
 * otherwise stay in the memory of a supervisor for as long as the server runs.
 */
import { longestTimer } from "@pagi/core/options/OptionKind"
import * as ExitCode from "@pagi/node/pool/ExitCode"
import { startAllowance } from "@pagi/node/pool/StartAllowance"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type ChildProcess, spawn } from "node:child_process"
import { writeSync } from "node:fs"
import { constants } from "node:os"
import { Readable, Writable } from "node:stream"
import * as Installation from "../program/Installation.ts"
import * as LoadLimit from "./LoadLimit.ts"
import * as Pipes from "./Pipes.ts"
import { ServerPlan } from "./ServerPlan.ts"

/** A program of its own rather than this command once more, which would serve if it took itself for the one that shall. */
const program = Installation.program("check")

const descriptor = 3

const Answer = Schema.Struct({
  plan: ServerPlan,
  hasWorkers: Schema.Boolean,
  hasSources: Schema.Boolean,
  /** Where options and variables are read from, or may be later (`Sources.paths`). */
  sources: Schema.Array(Schema.String),
  /** What named pipes have said, by their paths: nobody can read it once more. */
  pipes: Schema.Record(Schema.String, Schema.String)
})

/** What a command line means, when it is for a server and has no mistakes. */
export type Answer = typeof Answer.Type

const Text = Schema.fromJsonString(Answer)

const read = Schema.decodeOption(Text)

const unreadable = "the check of the command line has said something else than was expected; after an update, restart"

const ofError = ({ message }: Error): Failure => ({
  problem: `the command line cannot be checked: ${message}`,
  code: ExitCode.internal
})

/** How a command line is looked at. */
export interface Look {
  /** What pipes have said when they were read. */
  readonly pipes?: Readonly<Record<string, string>>
  /** Milliseconds after which it is given up; infinitely many for no limit. */
  readonly limit?: number
  /** The program that looks, for tests. */
  readonly file?: string
}

/** What has come of a look: an answer, or the exit code of a command that gets none. */
type Outcome = { readonly answer: Answer } | Failure

interface Failure {
  readonly code: number
  /** Absent when the process that looks has printed it, or was ended by a signal. */
  readonly problem?: string
  readonly signal?: NodeJS.Signals
}

/**
 * What this command line means; or the exit code when there is nothing to serve: help was asked for, or a mistake was
 * found, and has been printed. A signal to stop ends both processes.
 */
export const ask = async (args: ReadonlyArray<string>, given: Look = {}): Promise<Answer | number> => {
  // What the process says itself of a file that takes too long says more.
  const limit = LoadLimit.ofCommandLine(args, process.env) + startAllowance
  const outcome = await look(args, { limit, ...given }, endAtSignals)
  if ("answer" in outcome) return outcome.answer
  // Nothing that writes messages has been loaded yet.
  if (outcome.problem !== undefined) process.stderr.write(`error: ${outcome.problem}\n`)
  return outcome.code
}

/** Has a signal end this process as if it did not listen, but the other one before; until what is returned is called. */
const endAtSignals = (child: ChildProcess): (() => void) => {
  const signals = ["SIGINT", "SIGTERM"] as const
  const stop = (): void => {
    for (const signal of signals) process.off(signal, end)
  }
  const end = (signal: NodeJS.Signals): void => {
    child.kill("SIGKILL")
    stop()
    process.kill(process.pid, signal)
    // The first process of a container is still there.
    process.exit(ExitCode.ofSignal(constants.signals[signal]))
  }
  for (const signal of signals) process.on(signal, end)
  return stop
}

/** What came of another look: an answer, or what is wrong; nothing when that has been printed already. */
export type Again = { readonly answer: Answer } | { readonly problem: string | undefined }

/** Milliseconds for another look. A module that never ends must not keep a server from ever looking again. */
const patience = 60_000

/** What the command line means now, that files may have changed. The process that asks goes on meanwhile. */
export const askAgain = async (args: ReadonlyArray<string>, given: Look = {}): Promise<Again> => {
  const outcome = await look(args, { limit: patience, ...given })
  if ("answer" in outcome) return outcome
  const { problem, signal } = outcome
  return { problem: signal === undefined ? problem : `the check of the command line was ended by ${signal}` }
}

/** Starts a process that looks, and waits for its end, which comes with that of this one at the latest. */
const look = (
  args: ReadonlyArray<string>,
  given: Look & { readonly limit: number },
  watch: (child: ChildProcess) => () => void = () => () => {}
): Promise<Outcome> =>
  new Promise((resolve) => {
    let child: ChildProcess
    try {
      child = begin(args, given)
    } catch (error) {
      // Some of the system's refusals are thrown, others emitted.
      return resolve(ofError(error instanceof Error ? error : new Error(String(error))))
    }
    let text = ""
    const kill = (): void => void child.kill("SIGKILL")
    const unwatch = watch(child)
    const end = (outcome: Outcome): void => {
      clearTimeout(timer)
      unwatch()
      process.off("exit", kill)
      // What the program has started may hold it open.
      child.stdio[descriptor]?.destroy()
      resolve(outcome)
    }
    const giveUp = (): void => {
      kill()
      end(tooLong(given.limit))
    }
    const timer = given.limit <= longestTimer ? setTimeout(giveUp, given.limit) : undefined
    process.on("exit", kill)
    const answers = child.stdio[descriptor]
    if (answers instanceof Readable) answers.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
    child.on("error", (error) => end(ofError(error)))
    child.on("close", (status, signal) => end(outcomeOf(text, status, signal)))
  })

const tooLong = (limit: number): Failure => ({
  problem:
    `the check of the command line has not ended within ${limit / 1000} seconds, and was killed; ` +
    "a configuration file that never ends, or a pipe that nobody writes to, may be why",
  code: ExitCode.usage
})

const begin = (args: ReadonlyArray<string>, { file = program, pipes = {} }: Look): ChildProcess => {
  const hasPipes = Object.keys(pipes).length > 0
  const child = spawn(process.execPath, [...process.execArgv, file, ...args], {
    stdio: ["inherit", "inherit", "inherit", "pipe", ...(hasPipes ? ["pipe" as const] : [])],
    ...(hasPipes ? { env: { ...process.env, [Pipes.variable]: String(descriptor + 1) } } : {})
  })
  const input = child.stdio?.[descriptor + 1]
  if (input instanceof Writable) input.on("error", () => {}).end(JSON.stringify(pipes))
  return child
}

/** What a process that has ended has come to. */
const outcomeOf = (text: string, status: number | null, signal: NodeJS.Signals | null): Outcome => {
  if (signal !== null) return { code: ExitCode.ofSignal(constants.signals[signal]), signal }
  if (status !== 0 || text === "") return { code: status ?? ExitCode.internal }
  return Option.match(read(text), {
    onNone: (): Outcome => ({ code: ExitCode.internal, problem: unreadable }),
    onSome: (answer) => ({ answer })
  })
}

/** How the command line is to be checked instead of having it served. */
export interface InspectionWish {
  readonly isJson: boolean
  /** Whether the application is loaded. */
  readonly loadsApplication: boolean
}

/** Whether the command line is to be checked for a person; usually not. */
export const Inspection = Context.Reference<InspectionWish | undefined>("@pagi/cli/CommandCheck/Inspection", {
  defaultValue: () => undefined
})

/** Somebody who wants to know what the command line means, instead of having it served. */
export interface Asker {
  /** The number of the process that has asked. */
  readonly parent: number
  readonly tell: (answer: Answer) => void
}

/** Who wants to know what the command line means; usually nobody. */
export const Asker = Context.Reference<Asker | undefined>("@pagi/cli/CommandCheck/Asker", {
  defaultValue: () => undefined
})

/** Tells the process that has asked. */
export const answer = (answer: Answer): void => {
  try {
    const bytes = Buffer.from(Schema.encodeSync(Text)(answer))
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written)
  } catch {
    // It was killed meanwhile.
  }
}
