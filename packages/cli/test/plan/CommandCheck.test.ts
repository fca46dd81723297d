import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { type Answer, ask } from "../../src/plan/CommandCheck.ts"

const application = join(import.meta.dirname, "../fixtures/answer.ts")

/** Asks for what is allowed. */
const answerTo = (args: ReadonlyArray<string>): Answer => {
  const answer = ask(args)
  return typeof answer === "number" ? assert.fail(`exit code ${answer}`) : answer
}

const timeout = 60_000

describe("CommandCheck", () => {
  it.live(
    "has the command line read by another process",
    () =>
      Effect.sync(() => {
        const { hasWorkers, plan } = answerTo(["--workers", "2", "--pid", "a.pid", application])
        assert.isTrue(hasWorkers)
        assert.strictEqual(plan.process.pid, "a.pid")
        assert.strictEqual(plan.served.app, application)
      }),
    timeout
  )

  it.live(
    "serves nothing when nobody is there any more who wants to know",
    () =>
      Effect.sync(() => {
        const program = join(import.meta.dirname, "../../src/check.ts")
        const { status, stderr, stdout } = spawnSync(process.execPath, [program, "--port", "0", application], {
          encoding: "utf8",
          timeout: 30_000
        })
        assert.deepStrictEqual([status, stdout, stderr], [0, "", ""])
      }),
    timeout
  )
})
