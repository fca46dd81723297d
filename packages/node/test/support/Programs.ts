import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { until } from "./Until.ts"

const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where a program is, if it is installed. That a test has to do without it is said aloud. */
export const findProgram = (name: string): string | undefined => {
  const path = folders.map((folder) => join(folder, name)).find(isExecutable)
  if (path === undefined) console.warn(`NOT TESTED with ${name}: it is not installed`)
  return path
}

/** How a program ended, and what it wrote. */
export interface Outcome {
  readonly code: number | null
  readonly output: Buffer
  readonly errors: string
}

/** Runs a program to its end; `onOutput` is told of everything that it has written so far. */
export const run = (
  path: string,
  args: ReadonlyArray<string>,
  onOutput?: (output: string) => void
): Effect.Effect<Outcome> =>
  Effect.callback((resume) => {
    const child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"] })
    const output: Array<Buffer> = []
    const errors: Array<Buffer> = []
    child.stdout.on("data", (bytes: Buffer) => {
      output.push(bytes)
      onOutput?.(Buffer.concat(output).toString())
    })
    child.stderr.on("data", (bytes: Buffer) => errors.push(bytes))
    child.on("error", (error) => resume(Effect.die(error)))
    child.on("close", (code) =>
      resume(Effect.succeed({ code, output: Buffer.concat(output), errors: Buffer.concat(errors).toString() }))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const hasExited = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** Runs a program for as long as the scope is open; its messages are for the case that it fails. */
export const runInBackground = (path: string, args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(path, args, { stdio: ["ignore", "ignore", "inherit"] })
      return { hasExited: () => hasExited(child), stop: () => child.kill() }
    }),
    ({ hasExited, stop }) =>
      Effect.suspend(() => {
        stop()
        return until(`${path} exits`, hasExited)
      })
  )
