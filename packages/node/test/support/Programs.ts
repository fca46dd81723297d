import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { until } from "./Until.ts"

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
