/**
 * Has a command line read and checked by a process of its own. The library that does it, and all that it loads, would
 * otherwise stay in the memory of a supervisor for as long as the server runs.
 */
import * as ExitCode from "@pagi/node/pool/ExitCode"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { writeSync } from "node:fs"
import { constants } from "node:os"
import { Readable, Writable } from "node:stream"
import * as Installation from "../program/Installation.ts"
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

const ofError = (error: Error): string => `the command line cannot be checked: ${error.message}`

/** Bytes that an answer may have: with variables of files, and what pipes have said. */
const maxAnswer = 64 * 1024 * 1024

/**
 * What this command line means; or the exit code when there is nothing to serve: help was asked for, or a mistake was
 * found, and has been printed.
 */
export const ask = (args: ReadonlyArray<string>, file: string = program): Answer | number => {
  const { error, output, signal, status } = spawnSync(process.execPath, [...process.execArgv, file, ...args], {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    maxBuffer: maxAnswer
  })
  if (error !== undefined) return refuse(ofError(error))
  if (signal !== null) return ExitCode.ofSignal(constants.signals[signal])
  const text = output[descriptor]?.toString() ?? ""
  if (status !== 0 || text === "") return status ?? ExitCode.internal
  return Option.getOrElse(read(text), () => refuse(unreadable))
}

/** Nothing that writes messages has been loaded yet. */
const refuse = (problem: string): number => {
  process.stderr.write(`error: ${problem}\n`)
  return ExitCode.internal
}

/** What came of another look: an answer, or what is wrong; nothing when that has been printed already. */
export type Again = { readonly answer: Answer } | { readonly problem: string | undefined }

/** Milliseconds for another look. A module that never ends must not keep a server from ever looking again. */
const patience = 60_000

/** How another look is taken. */
export interface Look {
  /** What pipes have said when they were read. */
  readonly pipes?: Readonly<Record<string, string>>
  /** Milliseconds after which it is given up. */
  readonly limit?: number
  /** The program that looks, for tests. */
  readonly file?: string
}

/** What the command line means now, that files may have changed. The process that asks goes on meanwhile. */
export const askAgain = (args: ReadonlyArray<string>, look: Look = {}): Promise<Again> =>
  new Promise((resolve) => {
    const { limit = patience } = look
    let child: ChildProcess | undefined
    let text = ""
    const end = (again: Again): void => {
      clearTimeout(timer)
      // What the program has started may hold it open.
      child?.stdio?.[descriptor]?.destroy()
      resolve(again)
    }
    const giveUp = (): void => {
      child?.kill("SIGKILL")
      end({ problem: `the check of the command line has not ended within ${limit / 1000} seconds, and was killed` })
    }
    const timer = setTimeout(giveUp, limit)
    try {
      child = begin(args, look)
    } catch (error) {
      // Some of the system's refusals are thrown, others emitted.
      return end({ problem: ofError(error instanceof Error ? error : new Error(String(error))) })
    }
    const answers = child.stdio?.[descriptor]
    if (answers instanceof Readable) answers.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
    child.on("error", (error) => end({ problem: ofError(error) }))
    child.on("close", (status, signal) => end(outcome(text, status, signal)))
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

const outcome = (text: string, status: number | null, signal: NodeJS.Signals | null): Again => {
  if (signal !== null) return { problem: `the check of the command line was ended by ${signal}` }
  if (status !== 0 || text === "") return { problem: undefined }
  return Option.match(read(text), {
    onNone: (): Again => ({ problem: unreadable }),
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

/** Who wants to know what the command line means, instead of having it served; usually nobody. */
export const Asker = Context.Reference<((answer: Answer) => void) | undefined>("@pagi/cli/CommandCheck/Asker", {
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
