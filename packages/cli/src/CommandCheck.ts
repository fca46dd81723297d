/**
 * Has a command line read and checked by a process of its own. The library that does it, and all that it loads, would
 * otherwise stay in the memory of a supervisor for as long as the server runs.
 */
import * as Schema from "effect/Schema"
import { spawnSync } from "node:child_process"
import { writeSync } from "node:fs"
import { constants } from "node:os"
import * as CommandLine from "./CommandLine.ts"
import { ServerPlan } from "./ServerPlan.ts"

const descriptor = 3

const Answer = Schema.fromJsonString(Schema.Struct({ plan: ServerPlan, workers: Schema.Int }))

/** What a command line means, when it is for a server and has no mistakes. */
export type Answer = typeof Answer.Type

/**
 * What this command line means; or the exit code when there is nothing to serve: help was asked for, or a mistake was
 * found, and has been printed.
 */
export const ask = (args: ReadonlyArray<string>): Answer | number => {
  const [program, ...programArgs] = CommandLine.again(args)
  const { error, output, signal, status } = spawnSync(program, programArgs, {
    env: { ...process.env, [CommandLine.checkVariable]: String(process.pid) },
    stdio: ["inherit", "inherit", "inherit", "pipe"]
  })
  if (error !== undefined) throw error
  if (signal !== null) return 128 + constants.signals[signal]
  const text = output[descriptor]?.toString() ?? ""
  return status === 0 && text !== "" ? Schema.decodeSync(Answer)(text) : (status ?? 1)
}

/** How to answer, if this process has been asked. What says so is removed from the environment. */
export const claim = (environment: NodeJS.ProcessEnv = process.env): ((answer: Answer) => void) | undefined => {
  const isAsked = CommandLine.isAsked(environment)
  delete environment[CommandLine.checkVariable]
  if (!isAsked) return undefined
  const encode = Schema.encodeSync(Answer)
  return (answer) => void writeSync(descriptor, encode(answer))
}
