/**
 * Has a command line read and checked by a process of its own. The library that does it, and all that it loads, would
 * otherwise stay in the memory of a supervisor for as long as the server runs.
 */
import * as ExitCode from "@pagi/node/pool/ExitCode"
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import { spawn, spawnSync } from "node:child_process"
import { writeSync } from "node:fs"
import { constants } from "node:os"
import * as Installation from "../program/Installation.ts"
import { ServerPlan } from "./ServerPlan.ts"

/** A program of its own rather than this command once more, which would serve if it took itself for the one that shall. */
const program = Installation.program("check")

const descriptor = 3

const Answer = Schema.fromJsonString(
  Schema.Struct({ plan: ServerPlan, hasWorkers: Schema.Boolean, hasSources: Schema.Boolean })
)

/** What a command line means, when it is for a server and has no mistakes. */
export type Answer = typeof Answer.Type

/**
 * What this command line means; or the exit code when there is nothing to serve: help was asked for, or a mistake was
 * found, and has been printed.
 */
export const ask = (args: ReadonlyArray<string>): Answer | number => {
  const { error, output, signal, status } = spawnSync(process.execPath, [...process.execArgv, program, ...args], {
    stdio: ["inherit", "inherit", "inherit", "pipe"]
  })
  if (error !== undefined) throw error
  if (signal !== null) return ExitCode.ofSignal(constants.signals[signal])
  const text = output[descriptor]?.toString() ?? ""
  return status === 0 && text !== "" ? Schema.decodeSync(Answer)(text) : (status ?? ExitCode.internal)
}

/**
 * What the command line means now, that files may have changed; nothing when there is a mistake, which has been printed.
 * The process that asks goes on meanwhile.
 */
export const askAgain = (args: ReadonlyArray<string>): Promise<Answer | undefined> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
      stdio: ["inherit", "inherit", "inherit", "pipe"]
    })
    let text = ""
    const answers = child.stdio[descriptor]
    if (answers !== null && answers !== undefined) answers.on("data", (chunk) => (text += String(chunk)))
    child.on("error", () => resolve(undefined))
    child.on("close", (status) => resolve(status === 0 && text !== "" ? Schema.decodeSync(Answer)(text) : undefined))
  })

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
    writeSync(descriptor, Schema.encodeSync(Answer)(answer))
  } catch {
    // It was killed meanwhile.
  }
}
