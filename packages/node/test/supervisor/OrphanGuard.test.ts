import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { until } from "../support/Until.ts"

const fixture = join(import.meta.dirname, "fixtures/blockedOrphan.ts")

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A worker that blocks, below a parent that has just been killed. */
const orphan = (allowance: number) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<number>((resolve) => {
          const parent = spawn(process.execPath, [fixture, "parent", String(allowance)])
          parent.stdout.once("data", (bytes: Buffer) => {
            parent.once("exit", () => resolve(Number(bytes.toString())))
            parent.kill("SIGKILL")
          })
        })
    ),
    (pid) => Effect.sync(() => isAlive(pid) && process.kill(pid, "SIGKILL"))
  )

describe("OrphanGuard", () => {
  it.live("ends a worker that is blocked when its parent has gone", () =>
    Effect.gen(function* () {
      const pid = yield* orphan(200)
      yield* until("the worker has ended", () => !isAlive(pid))
    })
  )

  it.live("leaves it the time that it may take", () =>
    Effect.gen(function* () {
      const pid = yield* orphan(3000)
      yield* Effect.sleep("1500 millis")
      assert.isTrue(isAlive(pid))
      yield* until("the worker has ended", () => !isAlive(pid))
    })
  )
})
