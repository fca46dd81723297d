import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")

/** Inputs of each of the nine properties: more than 100,000 in all. */
const runs = 12_000

/** The ordinary tests of these properties, with more inputs. */
const runProperties = Effect.callback<{ readonly code: number | null; readonly output: string }>((resume) => {
  const args = ["run", "--config", "vitest.workspace.ts", "--project", "http2", "Http2Driver.properties"]
  const child = spawn(join(root, "node_modules/.bin/vitest"), args, {
    cwd: root,
    env: { ...process.env, PAGI_PROPERTY_RUNS: String(runs) },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text
    })
  }
  child.on("error", (error) => resume(Effect.die(error)))
  child.on("close", (code) => resume(Effect.succeed({ code, output })))
  return Effect.sync(() => child.kill())
})

describe("HTTP/2 under random frames and mutated sessions", () => {
  it.live(
    "does not crash, hang, or keep anything, however they are split",
    () =>
      Effect.gen(function* () {
        const { code, output } = yield* runProperties
        assert.strictEqual(code, 0, output)
        assert.match(output, /9 passed/)
      }),
    { timeout: 600_000 }
  )
})
