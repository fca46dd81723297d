import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { isRunning } from "../../src/process/RunningProcess.ts"
import { until } from "../support/Until.ts"

const fixture = join(import.meta.dirname, "fixtures/blockedOrphan.ts")

interface Orphan {
  readonly pid: number
  /** By `performance.now()`; taken before, so that nothing that delays the test makes the life of the orphan shorter. */
  readonly parentKilledAt: number
}

/** A worker that blocks, below a parent that has just been killed. */
const orphan = (allowance: number) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<Orphan>((resolve) => {
          const parent = spawn(process.execPath, [fixture, "parent", String(allowance)])
          parent.stdout.once("data", (bytes: Buffer) => {
            const parentKilledAt = performance.now()
            parent.once("exit", () => resolve({ pid: Number(bytes.toString()), parentKilledAt }))
            parent.kill("SIGKILL")
          })
        })
    ),
    ({ pid }) => Effect.sync(() => isRunning(pid) && process.kill(pid, "SIGKILL"))
  )

// At the same time: they wait most of theirs.
describe.concurrent("OrphanGuard", () => {
  it.live("ends a worker that is blocked when its parent has gone", () =>
    Effect.gen(function* () {
      const { pid } = yield* orphan(200)
      yield* until("the worker has ended", () => !isRunning(pid))
    })
  )

  it.live("leaves it the time that it may take", () =>
    Effect.gen(function* () {
      const { parentKilledAt, pid } = yield* orphan(2000)
      yield* until("the worker has ended", () => !isRunning(pid))
      assert.isAtLeast(performance.now() - parentKilledAt, 2000)
    })
  )
})
