import { assert, describe, it } from "@effect/vitest"
import { serving, type ToldPool } from "../supervisor/support/ToldPool.ts"

/** For so many seconds each of these workers says once a second how busy it was; what the pool has done because of it. */
const pass = (pool: ToldPool, seconds: number, loads: Readonly<Record<number, number>>): Array<string> => {
  const done: Array<string> = []
  for (let second = 0; second < seconds; second++) {
    pool.now += 1000
    for (const [id, utilization] of Object.entries(loads)) done.push(...pool.report(Number(id), { utilization }))
  }
  return done
}

const spawned = (actions: ReadonlyArray<string>) => actions.filter((action) => /^(?:spawn|retire)/.test(action))

const scaled = (workers: number, minimum: number, maximum: number) => serving(workers, { minimum, maximum })

describe("the number of workers", () => {
  it("is the same whatever they report, unless it may change", () => {
    const pool = serving(1)
    assert.isEmpty(pass(pool, 100, { 1: 1 }))
    assert.isEmpty(pass(pool, 100, { 1: 0 }))
  })

  it("grows within 4 seconds while all are busy, one after the other, and not beyond the maximum", () => {
    const pool = scaled(1, 1, 3)
    assert.isEmpty(spawned(pass(pool, 2, { 1: 1 })))
    assert.deepStrictEqual(spawned(pass(pool, 2, { 1: 1 })), ["spawn 2 in 2"])
    assert.match(pool.lines.join("\n"), /^info: the workers are busy for \d+ % of the time: 2 workers from now on$/m)
    // Nobody knows yet whether the second one is enough.
    assert.isEmpty(spawned(pass(pool, 10, { 1: 1 })))
    pool.ready(2)
    assert.isEmpty(spawned(pass(pool, 1, { 1: 1, 2: 1 })))
    assert.deepStrictEqual(spawned(pass(pool, 3, { 1: 1, 2: 1 })), ["spawn 3 in 3"])
    pool.ready(3)
    assert.isEmpty(spawned(pass(pool, 30, { 1: 1, 2: 1, 3: 1 })))
  })

  it("grows by half where there are many", () => {
    const pool = scaled(6, 1, 9)
    const loads = { 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1 }
    assert.deepStrictEqual(spawned(pass(pool, 3, loads)), ["spawn 7 in 7"])
    assert.lengthOf(spawned(pass(pool, 9, loads)), 0)
    pool.ready(7)
    const more = spawned(pass(pool, 20, { ...loads, 7: 1 }))
    assert.deepStrictEqual(more, ["spawn 8 in 8", "spawn 9 in 9"])
  })

  it("does not grow while one of them has little to do", () => {
    assert.isEmpty(spawned(pass(scaled(2, 1, 4), 100, { 1: 1, 2: 0.2 })))
  })

  it("shrinks a minute after the last one was needed, to the minimum", () => {
    const pool = scaled(3, 1, 4)
    pass(pool, 10, { 1: 0.6, 2: 0.6, 3: 0.6 })
    assert.isEmpty(spawned(pass(pool, 58, { 1: 0, 2: 0, 3: 0 })))
    assert.deepStrictEqual(spawned(pass(pool, 4, { 1: 0, 2: 0, 3: 0 })), ["retire 3", "retire 2"])
    assert.include(pool.lines, "info: worker 3 was not needed for 60 seconds: 2 workers from now on")
    assert.isEmpty(spawned(pass(pool, 200, { 1: 0 })))
  })

  it("stays while one fewer would have too much to do now and then", () => {
    const pool = scaled(2, 1, 4)
    for (let minute = 0; minute < 10; minute++) {
      assert.isEmpty(spawned(pass(pool, 45, { 1: 0, 2: 0 })))
      assert.isEmpty(spawned(pass(pool, 5, { 1: 0.6, 2: 0.6 })))
    }
    assert.lengthOf(spawned(pass(pool, 70, { 1: 0, 2: 0 })), 1)
  })

  it("stays as somebody asks for it, with its bounds around it", () => {
    const pool = scaled(2, 1, 3)
    assert.deepStrictEqual(spawned(pool.send({ type: "add" })), ["spawn 3 in 3"])
    assert.strictEqual(pool.lines.at(-1), "info: 3 workers from now on, and from 2 to 4 of them")
    pool.ready(3)
    assert.deepStrictEqual(spawned(pass(pool, 200, { 1: 0, 2: 0, 3: 0 })), ["retire 3"])
    pool.send({ type: "remove" })
    assert.strictEqual(pool.lines.at(-1), "info: 1 worker from now on, and from 1 to 3 of them")
    pool.send({ type: "remove" })
    assert.strictEqual(pool.lines.at(-1), "warning: there is only one worker, which is not removed")
    assert.lengthOf(spawned(pass(pool, 10, { 1: 1 })), 1)
  })

  it("goes on after a reload in between, which replaces those that are new as well", () => {
    const pool = scaled(1, 1, 3)
    assert.deepStrictEqual(spawned(pass(pool, 4, { 1: 1 })), ["spawn 2 in 2"])
    assert.deepStrictEqual(spawned(pool.send({ type: "reload" })), ["spawn 3 in 1"])
    assert.isEmpty(spawned(pool.ready(2)))
    assert.deepStrictEqual(spawned(pool.ready(3)), ["retire 1", "spawn 4 in 2"])
    assert.deepStrictEqual(spawned(pool.ready(4)), ["retire 2"])
    assert.deepStrictEqual(spawned(pass(pool, 5, { 3: 1, 4: 1 })), ["spawn 5 in 3"])
  })

  it("does not grow while a worker cannot start, and gets over it when there is less to do", () => {
    const pool = scaled(1, 1, 4)
    assert.deepStrictEqual(spawned(pass(pool, 4, { 1: 1 })), ["spawn 2 in 2"])
    // It dies as soon as it has started, again and again.
    let id = 2
    for (let death = 0; death < 5; death++) {
      const after = pool.exited(id, 1)
      if (!after.some((action) => action.startsWith("spawn"))) pool.elapsed("respawn:2")
      id++
      assert.isEmpty(spawned(pass(pool, 30, { 1: 1 })))
    }
    assert.deepStrictEqual(spawned(pass(pool, 62, { 1: 0 })), [`retire ${id}`])
    pool.exited(id, 0)
    assert.deepStrictEqual(spawned(pass(pool, 6, { 1: 1 })), [`spawn ${id + 1} in 2`])
  })

  it("does not grow while a worker fails to start for good, until there was less to do", () => {
    const pool = scaled(1, 1, 4)
    pass(pool, 4, { 1: 1 })
    pool.exited(2, 5)
    assert.include(pool.lastLine ?? "", "is not started again before a reload")
    assert.isEmpty(spawned(pass(pool, 300, { 1: 1 })))
    assert.isEmpty(spawned(pass(pool, 62, { 1: 0 })))
    assert.include(pool.lastLine ?? "", "1 worker from now on")
    assert.deepStrictEqual(spawned(pass(pool, 6, { 1: 1 })), ["spawn 3 in 2"])
  })

  it("keeps as many as serve and are needed, wherever one cannot start", () => {
    const pool = scaled(4, 1, 4)
    // For good, or again and again.
    pool.send({ type: "silent", id: 2 })
    pool.exited(2, 1)
    pool.exited(5, 5)
    assert.isEmpty(spawned(pass(pool, 200, { 1: 0.5, 3: 0.5, 4: 0.5 })))
    assert.deepStrictEqual(spawned(pass(pool, 64, { 1: 0.3, 3: 0.3, 4: 0.3 })), ["retire 4"])
    assert.deepStrictEqual(spawned(pass(pool, 64, { 1: 0.2, 3: 0.2 })), ["retire 3"])
  })

  it("grows also while workers are replaced all the time", () => {
    const pool = scaled(2, 1, 3)
    let ids: readonly [number, number] = [1, 2]
    const done: Array<string> = []
    for (let second = 0; second < 6; second++) {
      done.push(...pass(pool, 1, { [ids[0]]: 1, [ids[1]]: 1 }))
      // The first one has served as many requests as it should, and is replaced.
      if (spawned(done).length > 0) break
      pool.send({ type: "quota", id: ids[0] })
      const next = second + 3
      pool.ready(next)
      ids = [ids[1], next]
    }
    assert.isTrue(
      done.some((action) => action.endsWith(" in 3")),
      done.join()
    )
  })

  it("takes a worker for busy that says nothing for ten seconds", () => {
    const pool = scaled(2, 1, 3)
    pass(pool, 10, { 1: 0.1, 2: 0.1 })
    assert.isEmpty(spawned(pass(pool, 100, { 1: 0.4 })))
    assert.deepStrictEqual(spawned(pass(pool, 4, { 1: 0.9 })), ["spawn 3 in 3"])
    // Also those are idle that report every five seconds.
    const idle = scaled(2, 1, 3)
    for (let count = 0; count < 12; count++) {
      idle.now += 5000
      assert.isEmpty(spawned([...idle.report(1, {}), ...idle.report(2, {})]))
    }
    idle.now += 5000
    assert.deepStrictEqual(spawned([...idle.report(1, {}), ...idle.report(2, {})]), ["retire 2"])
  })

  it("stays during a hot restart, and when the clock stands still or workers report nonsense", () => {
    const pool = scaled(2, 1, 3)
    for (let count = 0; count < 1000; count++) assert.isEmpty(pool.report(1, { utilization: 5 }))
    pool.send({ type: "hotRestart" })
    assert.isEmpty(spawned(pass(pool, 100, { 1: 1, 2: 1 })))
    assert.isEmpty(spawned(pass(pool, 100, { 1: 0, 2: 0 })))
  })
})
