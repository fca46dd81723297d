/** Property tests of the packages, with many more inputs than each change of the code is worth. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { outputOf } from "./Programs.ts"

const root = join(import.meta.dirname, "../../..")

/** Runs a file of ordinary tests whose properties take their number of inputs from `PAGI_PROPERTY_RUNS`. */
export const runProperties = (project: string, file: string, runs: number) =>
  Effect.callback<{ readonly code: number | null; readonly output: string }>((resume) => {
    const args = ["run", "--config", "vitest.workspace.ts", "--project", project, file]
    const child = spawn(join(root, "node_modules/.bin/vitest"), args, {
      cwd: root,
      env: { ...process.env, PAGI_PROPERTY_RUNS: String(runs) },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const output = outputOf(child)
    child.on("error", (error) => resume(Effect.die(error)))
    child.on("close", (code) => resume(Effect.succeed({ code, output: output() })))
    return Effect.sync(() => child.kill())
  })
