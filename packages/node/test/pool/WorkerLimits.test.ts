import { assert, describe, it } from "@effect/vitest"
import { pauseAfter } from "../../src/pool/WorkerLimits.ts"
import { serving, type ToldPool } from "../supervisor/support/ToldPool.ts"

const limits = { maxMemory: 1000, maxLag: 500 }

const above = { memory: 2 ** 21 }

const starts = (actions: ReadonlyArray<string>) => actions.filter((action) => action.startsWith("spawn"))

/** The worker says once a second that it is so; seconds until a replacement for it is started, or nothing. */
const untilReplaced = (pool: ToldPool, id: number, seconds: number, how: Parameters<ToldPool["report"]>[1] = above) => {
  for (let second = 1; second <= seconds; second++) {
    pool.now += 1000
    if (starts(pool.report(id, how)).length > 0) return second
  }
  return undefined
}

describe("limits of workers", () => {
  it("are none unless they are set", () => {
    assert.isUndefined(untilReplaced(serving(1), 1, 100, { memory: 2 ** 40, lag: 1e9 }))
  })

  it("replace a worker that is beyond one in three reports and two seconds, by one that serves first", () => {
    const pool = serving(2, limits)
    assert.strictEqual(untilReplaced(pool, 1, 10), 3)
    assert.include(pool.lines, "warning: worker 1 uses 2 MiB of memory, more than maxWorkerMemory, and is replaced")
    assert.include(pool.ready(3), "retire 1")
    const late = serving(1, limits)
    assert.strictEqual(untilReplaced(late, 1, 10, { lag: 501 }), 3)
    assert.include(
      late.lines,
      "warning: the event loop of worker 1 is late by 501 ms, more than maxLoopDelay, and is replaced"
    )
  })

  it("leave one alone that is beyond it only now and then, or exactly at it", () => {
    const pool = serving(1, limits)
    for (let turn = 0; turn < 50; turn++) {
      assert.isUndefined(untilReplaced(pool, 1, 2))
      assert.isUndefined(untilReplaced(pool, 1, 1, { memory: 1000, lag: 500 }))
    }
    // Reports that come quickly, as connections come and go.
    for (let count = 0; count < 8; count++) {
      pool.now += 200
      assert.isEmpty(pool.report(1, above))
    }
  })

  it("replace one after the other, with a pause", () => {
    const pool = serving(3, limits)
    let started: Array<string> = []
    const second = () => {
      pool.now += 1000
      for (const id of [1, 2, 3]) started.push(...starts(pool.report(id, above)))
    }
    for (let count = 0; count < 9; count++) second()
    assert.deepStrictEqual(started, ["spawn 4 in 1"])
    pool.ready(4)
    started = []
    for (let count = 0; count < 9; count++) second()
    assert.deepStrictEqual(started, ["spawn 5 in 2"])
  })

  it("replace less and less often where that does not help, and say so once", () => {
    const pool = serving(1, limits)
    const waits: Array<number | undefined> = []
    for (let id = 1; id <= 10; id++) {
      waits.push(untilReplaced(pool, id, 10_000))
      pool.ready(id + 1)
    }
    assert.deepStrictEqual(waits, [3, ...[60, 120, 240, 480, 960, 1920, 3840, 3840, 3840]])
    const told = pool.lines.filter((line) => line.includes("is left alone"))
    assert.lengthOf(told, 9)
    assert.strictEqual(
      told[0],
      "warning: worker 1 uses 2 MiB of memory, more than maxWorkerMemory; the one before it was replaced for that, and so it is left alone for 57 seconds"
    )
    assert.strictEqual(pauseAfter(1000), 3_840_000)
  })

  it("replace at once again where it has helped", () => {
    const pool = serving(1, limits)
    for (let id = 1; id <= 5; id++) {
      assert.isUndefined(untilReplaced(pool, id, 300, {}))
      assert.strictEqual(untilReplaced(pool, id, 10), 3)
      pool.ready(id + 1)
    }
  })

  it("do not replace one again whose replacement cannot start, before the pause is over", () => {
    const pool = serving(1, limits)
    assert.strictEqual(untilReplaced(pool, 1, 10), 3)
    pool.exited(2, 5)
    assert.include(pool.lines.at(-1) ?? "", "the one that it should have replaced goes on")
    assert.strictEqual(untilReplaced(pool, 1, 100), 60)
  })

  it("do not replace a worker that has recovered before its turn", () => {
    const pool = serving(2, limits)
    pool.send({ type: "quota", id: 2 })
    assert.isUndefined(untilReplaced(pool, 1, 5))
    pool.now += 1000
    pool.report(1, {})
    assert.isEmpty(starts(pool.ready(3)))
  })
})
