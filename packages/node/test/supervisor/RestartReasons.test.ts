import { assert, describe, it } from "@effect/vitest"
import type { PoolEvent } from "../../src/pool/PoolEvent.ts"
import { initial, step } from "../../src/pool/RestartPlan.ts"
import { type ChangeReason, type RestartReason, RestartReasons } from "../../src/supervisor/RestartReasons.ts"
import { settings } from "./support/settings.ts"

/** What is said of the workers of a pool in which this happens, in the order in which they end. */
const reasonsOf = (...events: ReadonlyArray<PoolEvent>): ReadonlyArray<Reason | undefined> => toldOf(...events).ends

type Reason = RestartReason | ChangeReason

/** The same, with what is said of the number of workers, and of those that become ready. */
const toldOf = (...events: ReadonlyArray<PoolEvent>) => {
  const reasons = new RestartReasons()
  const ends: Array<Reason | undefined> = []
  const starts: Array<Reason | undefined> = []
  const changes: Array<string> = []
  const bounds = { minimum: 1, maximum: 4 }
  let state = initial({ ...settings, ...bounds, workers: 2, maxMemory: 1000, maxLag: 1000 })
  for (const event of [{ type: "start" } as const, ready(1), ready(2), ...events]) {
    const { actions, state: next } = step(state, event)
    const change = reasons.note({ event, before: state, after: next, actions })
    if (change !== undefined) changes.push(`${change.count} ${change.reason}`)
    if (event.type === "ready") starts.push(reasons.takeStart(event.id))
    if (event.type === "exited") ends.push(reasons.take(event, state))
    state = next
  }
  return { changes, ends, starts }
}

const ready = (id: number, now = 0): PoolEvent => ({ type: "ready", id, now })

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
    assert.deepStrictEqual(reasonsOf({ type: "stop" }, exited(1), exited(2)), [undefined, undefined])
  })
})

/** Workers 1 to 3 say for so many seconds how busy they are, once a second, as far as they are there. */
const busy = (from: number, seconds: number, utilization: number): ReadonlyArray<PoolEvent> =>
  Array.from({ length: seconds }, (_, second) =>
    [1, 2, 3].map((id) => ({
      type: "report" as const,
      id,
      now: (from + second) * 1000,
      memory: 0,
      lag: 0,
      utilization
    }))
  ).flat()

describe("why there are more workers or fewer", () => {
  it("is that somebody has asked for it", () => {
    const { changes, ends, starts } = toldOf({ type: "add" }, ready(3), { type: "remove" }, exited(3))
    assert.deepStrictEqual(changes, ["1 added", "1 removed"])
    assert.deepStrictEqual(starts, [undefined, undefined, "added"])
    assert.deepStrictEqual(ends, ["removed"])
  })

  it("is how busy they are", () => {
    const { changes, ends, starts } = toldOf(...busy(1, 5, 1), ready(3, 6000), ...busy(6, 62, 0), exited(3))
    assert.deepStrictEqual(changes, ["1 scaled_up", "1 scaled_down", "1 scaled_down"])
    assert.deepStrictEqual(starts, [undefined, undefined, "scaled_up"])
    assert.deepStrictEqual(ends, ["scaled_down"])
  })

  it("is not that of the next worker with the same number", () => {
    const { ends, starts } = toldOf({ type: "add" }, ready(3), exited(3, 1), ready(4), exited(4, 1))
    assert.deepStrictEqual(starts, [undefined, undefined, "added", undefined])
    assert.deepStrictEqual(ends, ["failed", "failed"])
  })

  it("is told of one that leaves while another one gets its number, and not of one that keeps its place", () => {
    const leaving = toldOf({ type: "remove" }, { type: "add" }, ready(3), exited(2), exited(3, 1))
    assert.deepStrictEqual(leaving.ends, ["removed", "failed"])
    // The last one that serves stays until another one does, and has its place again.
    const kept = toldOf(exited(1, 1), { type: "remove" }, { type: "add" }, exited(2, 1))
    assert.deepStrictEqual(kept.ends, ["failed", "failed"])
    const surplus = toldOf(exited(1, 1), { type: "remove" }, ready(3), exited(2))
    assert.deepStrictEqual(surplus.ends, ["failed", "removed"])
  })

  it("is nothing at the start and at the end", () => {
    assert.deepStrictEqual(toldOf({ type: "stop" }).changes, [])
  })
})
