import { assert, describe, it } from "@effect/vitest"
import type { PoolEvent } from "../../src/pool/PoolEvent.ts"
import { initial, step } from "../../src/pool/RestartPlan.ts"
import { type RestartReason, RestartReasons } from "../../src/supervisor/RestartReasons.ts"
import { settings } from "./support/settings.ts"

/** What is said of the workers of a pool in which this happens, in the order in which they end. */
const reasonsOf = (...events: ReadonlyArray<PoolEvent>): ReadonlyArray<RestartReason | undefined> => {
  const reasons = new RestartReasons()
  const told: Array<RestartReason | undefined> = []
  let state = initial({ ...settings, workers: 2, maxMemory: 1000, maxLag: 1000 })
  for (const event of [{ type: "start" } as const, ready(1), ready(2), ...events]) {
    const { actions, state: next } = step(state, event)
    reasons.note(event, state, actions)
    if (event.type === "exited") told.push(reasons.take(event, state))
    state = next
  }
  return told
}

const ready = (id: number): PoolEvent => ({ type: "ready", id, now: 0 })

const exited = (id: number, code: number | null = 0, signal: string | null = null): PoolEvent => ({
  type: "exited",
  id,
  code,
  signal,
  now: 100_000
})

describe("why a worker is replaced", () => {
  it("is how it has ended, when nobody wanted that", () => {
    assert.deepStrictEqual(reasonsOf(exited(1, null, "SIGKILL"), exited(2, 1)), ["killed", "failed"])
  })

  it("is what the pool has it replaced for", () => {
    assert.deepStrictEqual(reasonsOf({ type: "reload" }, ready(3), exited(1), ready(4), exited(2)), [
      "reload",
      "reload"
    ])
    assert.deepStrictEqual(reasonsOf({ type: "quota", id: 2 }, ready(3), exited(2)), ["max_requests"])
    const reports = (memory: number, lag: number): ReadonlyArray<PoolEvent> =>
      [1, 2, 3].map((second) => ({ type: "report", id: 2, now: second * 1000, utilization: 1, memory, lag }))
    const above = [reports(1001, 0), reports(0, 1001)]
    const told = above.map((events) => reasonsOf(...events, ready(3), exited(2)))
    assert.deepStrictEqual(told, [["memory"], ["loop_delay"]])
    assert.deepStrictEqual(reasonsOf({ type: "silent", id: 1 }, exited(1, null, "SIGTERM")), ["silent"])
    assert.deepStrictEqual(reasonsOf({ type: "stopping", id: 1 }, exited(1)), ["signal"])
  })

  it("is that it was not ready in time", () => {
    assert.deepStrictEqual(reasonsOf(exited(1, 1), { type: "elapsed", timer: "boot:3" }, exited(3, null, "SIGKILL")), [
      "failed",
      "boot_timeout"
    ])
  })

  it("is nothing, when nobody takes its place", () => {
    assert.deepStrictEqual(reasonsOf({ type: "remove" }, exited(2)), [undefined])
    assert.deepStrictEqual(reasonsOf({ type: "stop" }, exited(1), exited(2)), [undefined, undefined])
  })
})
