import { assert, describe, it } from "@effect/vitest"
import * as StartFailure from "../../src/pool/StartFailure.ts"
import { serving, ToldPool } from "../supervisor/support/ToldPool.ts"

const reload = { type: "reload" } as const

const stop = { type: "stop" } as const

describe("RestartPlan, start", () => {
  it("starts every worker, and serves when all are ready", () => {
    const pool = new ToldPool(2)
    assert.deepStrictEqual(pool.send({ type: "start" }), [
      "spawn 1 in 1",
      "boot:1 in 20000",
      "spawn 2 in 2",
      "boot:2 in 20000"
    ])
    assert.deepStrictEqual(pool.ready(2), ["no boot:2"])
    assert.deepStrictEqual(pool.ready(1), ["no boot:1", "serving"])
    assert.deepStrictEqual(pool.lines, [
      "info: starting 2 workers",
      "info: worker 2 is ready",
      "info: worker 1 is ready"
    ])
  })

  it("says only once that it serves", () => {
    const pool = serving(1)
    pool.exited(1, "SIGKILL")
    assert.deepStrictEqual(pool.ready(2), ["no boot:2"])
  })

  it("does nothing else before", () => {
    const pool = new ToldPool(1)
    for (const type of ["reload", "add", "remove", "hotRestart", "reopenLogs"] as const) {
      assert.deepStrictEqual(pool.send({ type }), [])
    }
    assert.strictEqual(pool.lastLine, "warning: no successor is started while the server starts")
    assert.deepStrictEqual(pool.send(stop), ["exit 0"])
  })

  for (const code of [2, 3, 4, 5]) {
    it(`does not start a worker again that could not start up: ${code}`, () => {
      const pool = new ToldPool(2)
      pool.send({ type: "start" })
      assert.deepStrictEqual(pool.exited(1, code), ["no boot:1"])
      assert.strictEqual(
        pool.lastLine,
        `error: worker 1 could not start (exit code ${code}), and is not started again before a reload`
      )
      // The others serve, which whoever waits for the server is told.
      assert.deepStrictEqual(pool.ready(2), ["no boot:2", "serving"])
    })

    it(`stops a successor whose worker could not start up, since another server goes on: ${code}`, () => {
      const pool = new ToldPool(2, true)
      pool.send({ type: "start" })
      pool.ready(2)
      assert.deepStrictEqual(pool.exited(1, code), ["no boot:1", "retire 2", "leave:2 in 30000"])
      assert.deepStrictEqual(pool.exited(2, 0), ["no leave:2", `exit ${code}`])
    })
  }

  describe("of a worker that could not start up for a reason that may pass", () => {
    const mayPass = StartFailure.exitCodeOf({ code: 2, mayPass: true })

    it("is tried again while others serve, after longer and longer times", () => {
      const pool = serving(2)
      pool.exited(1, "SIGKILL")
      assert.deepStrictEqual(pool.exited(3, mayPass), ["no boot:3", "respawn:1 in 500"])
      assert.strictEqual(
        pool.lastLine,
        "error: worker 1 could not start (exit code 2); it is started again in 0.5 seconds"
      )
      assert.deepStrictEqual(pool.elapsed("respawn:1"), ["spawn 4 in 1", "boot:4 in 20000"])
      assert.deepStrictEqual(pool.exited(4, mayPass), ["no boot:4", "respawn:1 in 1000"])
      pool.elapsed("respawn:1")
      assert.deepStrictEqual(pool.ready(5), ["no boot:5"])
    })

    it("is tried again also when nobody serves any more", () => {
      const pool = serving(1)
      pool.exited(1, "SIGKILL")
      assert.deepStrictEqual(pool.exited(2, mayPass), ["no boot:2", "respawn:1 in 500"])
      pool.elapsed("respawn:1")
      assert.deepStrictEqual(pool.exited(3, 4), ["no boot:3", "exit 4"])
    })

    it("waits for another one that is ready, and keeps nobody from being told that the server serves", () => {
      const pool = new ToldPool(2)
      pool.send({ type: "start" })
      assert.deepStrictEqual(pool.exited(1, mayPass), ["no boot:1"])
      assert.strictEqual(
        pool.lastLine,
        "error: worker 1 could not start (exit code 2), and is not started again before another one is ready, or a reload"
      )
      assert.deepStrictEqual(pool.ready(2), ["no boot:2", "respawn:1 in 500", "serving"])
      assert.deepStrictEqual(pool.elapsed("respawn:1"), ["spawn 3 in 1", "boot:3 in 20000"])
    })

    it("is the end when none has ever been ready, with the code that everybody knows", () => {
      const pool = new ToldPool(2)
      pool.send({ type: "start" })
      pool.exited(1, mayPass)
      assert.deepStrictEqual(pool.exited(2, mayPass), ["no boot:2", "exit 2"])
    })

    it("is the end of a successor", () => {
      const pool = new ToldPool(2, true)
      pool.send({ type: "start" })
      pool.ready(2)
      assert.deepStrictEqual(pool.exited(1, mayPass), ["no boot:1", "retire 2", "leave:2 in 30000"])
    })

    it("is forgotten by a reload, which starts it at once", () => {
      const pool = serving(2)
      pool.exited(1, "SIGKILL")
      pool.exited(3, mayPass)
      assert.deepStrictEqual(pool.send(reload).slice(0, 4), [
        "reloading",
        "no respawn:1",
        "spawn 4 in 1",
        "boot:4 in 20000"
      ])
    })
  })

  it("waits for a reload when no worker could start up, if there will be one", () => {
    const pool = new ToldPool(1, false, { awaitsReload: true })
    pool.send({ type: "start" })
    assert.deepStrictEqual(pool.exited(1, 4), ["no boot:1"])
    assert.include(pool.send(reload), "spawn 2 in 1")
    pool.exited(2, 4)
    assert.deepStrictEqual(pool.send({ type: "stop" }), ["exit 0"])
  })

  it("stops with the code of the last worker when none could start up", () => {
    const pool = new ToldPool(2)
    pool.send({ type: "start" })
    pool.exited(2, 5)
    assert.deepStrictEqual(pool.exited(1, 4), ["no boot:1", "exit 4"])
    assert.strictEqual(pool.lastLine, "error: no worker could start, and so the server stops")
    assert.deepStrictEqual(pool.send(reload), [])
  })

  it("stops then only when the last worker that leaves has gone", () => {
    const pool = serving(1)
    pool.send({ type: "stopping", id: 1 })
    pool.elapsed("respawn:1")
    assert.deepStrictEqual(pool.exited(2, 4), ["no boot:2"])
    assert.deepStrictEqual(pool.exited(1, 0), ["no leave:1", "exit 4"])
  })

  for (const type of ["reload", "add"] as const) {
    it(`tries again after ${type}`, () => {
      const pool = new ToldPool(2)
      pool.send({ type: "start" })
      pool.ready(2)
      pool.exited(1, 4)
      assert.include(pool.send({ type }), "spawn 3 in 1")
    })
  }

  it("kills a worker that is not ready in time", () => {
    const pool = new ToldPool(1)
    pool.send({ type: "start" })
    assert.deepStrictEqual(pool.elapsed("boot:1"), ["SIGKILL 1", "spawn 2 in 1", "boot:2 in 20000"])
    assert.strictEqual(
      pool.lastLine,
      "error: worker 1 was not ready within 20 seconds and is killed; it is started again at once"
    )
    assert.deepStrictEqual(pool.ready(1), [], "too late")
    assert.deepStrictEqual(pool.exited(1, "SIGKILL"), [])
  })
})

describe("RestartPlan, deaths", () => {
  it("starts a worker at once for one that dies after it has served for a while", () => {
    const pool = serving(1)
    for (let id = 1; id < 5; id++) {
      pool.now += 10_000
      assert.deepStrictEqual(pool.exited(id, 1), [`spawn ${id + 1} in 1`, `boot:${id + 1} in 20000`])
      pool.ready(id + 1)
    }
    assert.include(pool.lines, "error: worker 1 ended with exit code 1; it is started again at once")
  })

  it("waits longer and longer when they die quickly", () => {
    const pool = serving(1)
    pool.now = 9999
    assert.deepStrictEqual(pool.exited(1, "SIGSEGV"), ["spawn 2 in 1", "boot:2 in 20000"])
    const delays = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
    for (const [index, delay] of delays.entries()) {
      assert.deepStrictEqual(pool.exited(index + 2, 0), [`no boot:${index + 2}`, `respawn:1 in ${delay}`])
      assert.deepStrictEqual(pool.elapsed("respawn:1"), [`spawn ${index + 3} in 1`, `boot:${index + 3} in 20000`])
    }
    assert.include(pool.lines, "error: worker 1 was killed by SIGSEGV; it is started again at once")
    assert.include(
      pool.lines,
      "error: worker 1 ended with exit code 0 before it was ready; it is started again in 0.5 seconds"
    )
  })

  it("forgets quick deaths when a worker has served for a while", () => {
    const pool = serving(1)
    pool.exited(1, 1)
    pool.exited(2, 1)
    pool.elapsed("respawn:1")
    pool.ready(3)
    pool.now += 10_000
    assert.include(pool.exited(3, 1), "spawn 4 in 1")
    assert.include(pool.exited(4, 1), "spawn 5 in 1")
  })

  it("does not start a worker again that leaves", () => {
    const pool = serving(2)
    pool.send({ type: "remove" })
    assert.deepStrictEqual(pool.exited(2, "SIGSEGV"), ["no leave:2"])
    assert.strictEqual(pool.lastLine, "warning: worker 2 was killed by SIGSEGV while it stopped")
  })

  it("replaces a silent worker at once, and kills it when it does not end", () => {
    const pool = serving(2)
    assert.deepStrictEqual(pool.send({ type: "silent", id: 1 }), [
      "SIGTERM 1",
      "kill:1 in 1000",
      "spawn 3 in 1",
      "boot:3 in 20000"
    ])
    assert.strictEqual(
      pool.lastLine,
      "error: worker 1 does not answer any more, and is ended; another one takes its place"
    )
    assert.deepStrictEqual(pool.send({ type: "silent", id: 1 }), [])
    assert.deepStrictEqual(pool.elapsed("kill:1"), ["SIGKILL 1"])
    assert.deepStrictEqual(pool.exited(1, "SIGKILL"), [])
  })

  it("takes a replacement that starts already for one that falls silent or dies", () => {
    const fall: ReadonlyArray<(pool: ToldPool) => Array<string>> = [
      (pool) => pool.send({ type: "silent", id: 1 }),
      (pool) => pool.send({ type: "stopping", id: 1 }),
      (pool) => pool.exited(1, 1)
    ]
    for (const falls of fall) {
      const pool = serving(1)
      pool.send({ type: "quota", id: 1 })
      assert.notInclude(falls(pool), "spawn 3 in 1")
      assert.deepStrictEqual(pool.ready(2), ["no boot:2"])
    }
  })

  it("does not take a slow start for silence", () => {
    const pool = new ToldPool(1)
    pool.send({ type: "start" })
    assert.deepStrictEqual(pool.send({ type: "silent", id: 1 }), [])
  })

  it("replaces a worker that was told to stop by somebody else, without telling it again", () => {
    const pool = serving(2)
    assert.deepStrictEqual(pool.send({ type: "stopping", id: 2 }), ["leave:2 in 30000", "respawn:2 in 200"])
    assert.strictEqual(pool.lastLine, "info: worker 2 has been told to stop")
    assert.deepStrictEqual(pool.elapsed("respawn:2"), ["spawn 3 in 2", "boot:3 in 20000"])
    assert.deepStrictEqual(pool.elapsed("leave:2"), ["SIGKILL 2"])
    assert.strictEqual(pool.lastLine, "warning: worker 2 has not stopped within 30 seconds and is killed")
  })

  it("takes it for a quick death when that worker was not ready", () => {
    const pool = new ToldPool(1)
    pool.send({ type: "start" })
    assert.include(pool.send({ type: "stopping", id: 1 }), "respawn:1 in 200")
    pool.elapsed("respawn:1")
    assert.include(pool.send({ type: "stopping", id: 2 }), "respawn:1 in 500")
  })

  it("does not count deaths of long ago when it has served since", () => {
    const pool = new ToldPool(1)
    pool.send({ type: "start" })
    for (let id = 1; id < 6; id++) {
      pool.exited(id, 1)
      pool.elapsed("respawn:1")
    }
    pool.ready(6)
    assert.deepStrictEqual(pool.send({ type: "stopping", id: 6 }), ["leave:6 in 30000", "respawn:1 in 200"])
  })

  it("waits too when that was a replacement, and longer the next time", () => {
    const pool = serving(1)
    pool.send({ type: "quota", id: 1 })
    assert.deepStrictEqual(pool.send({ type: "stopping", id: 2 }), ["no boot:2", "leave:2 in 5000", "respawn:1 in 200"])
    assert.deepStrictEqual(pool.elapsed("respawn:1"), ["spawn 3 in 1", "boot:3 in 20000"])
    assert.include(pool.send({ type: "stopping", id: 3 }), "respawn:1 in 500")
  })

  it("starts none for one that is removed meanwhile, and one after a reload", () => {
    const pool = serving(2)
    pool.send({ type: "stopping", id: 2 })
    assert.deepStrictEqual(pool.send({ type: "remove" }), ["no respawn:2"])
    pool.send({ type: "stopping", id: 1 })
    assert.deepStrictEqual(pool.send(reload), [
      "reloading",
      "no respawn:1",
      "spawn 3 in 1",
      "boot:3 in 20000",
      "reloaded"
    ])
  })

  it("starts none when all were told to stop, because the pool is to stop", () => {
    const pool = serving(2)
    for (const id of [1, 2]) pool.send({ type: "stopping", id })
    assert.deepStrictEqual(pool.send({ type: "stop" }), ["no respawn:1", "no respawn:2"])
    pool.exited(1, 0)
    assert.deepStrictEqual(pool.exited(2, 0), ["no leave:2", "exit 0"])
  })
})

describe("RestartPlan, replacements", () => {
  it("replaces workers one after the other, each when its replacement is ready", () => {
    const pool = serving(2)
    assert.deepStrictEqual(pool.send(reload), ["reloading", "spawn 3 in 1", "boot:3 in 20000"])
    assert.deepStrictEqual(pool.ready(3), [
      "no boot:3",
      "retire 1",
      "leave:1 in 30000",
      "spawn 4 in 2",
      "boot:4 in 20000"
    ])
    assert.deepStrictEqual(pool.exited(1, 0), ["no leave:1"])
    assert.deepStrictEqual(pool.ready(4), ["no boot:4", "retire 2", "leave:2 in 30000", "reloaded"])
  })

  it("gives a reload up when a replacement cannot start up", () => {
    const pool = serving(2)
    pool.send(reload)
    assert.deepStrictEqual(pool.exited(3, 4), ["no boot:3", "reloaded"])
    assert.strictEqual(
      pool.lastLine,
      "error: worker 1 could not start (exit code 4); the reload is given up, and the workers that serve go on"
    )
    assert.deepStrictEqual(pool.send(reload), ["reloading", "spawn 4 in 1", "boot:4 in 20000"])
  })

  it("tries again when it dies otherwise", () => {
    const pool = serving(1)
    pool.send(reload)
    assert.deepStrictEqual(pool.exited(2, 1), ["no boot:2", "spawn 3 in 1", "boot:3 in 20000"])
    assert.deepStrictEqual(pool.elapsed("boot:3"), ["SIGKILL 3", "respawn:1 in 500"])
    assert.deepStrictEqual(pool.elapsed("respawn:1"), ["spawn 4 in 1", "boot:4 in 20000"])
    assert.deepStrictEqual(pool.ready(4), ["no boot:4", "retire 1", "leave:1 in 30000", "reloaded"])
  })

  it("replaces with a second reload also what the first one has brought", () => {
    const pool = serving(2)
    pool.send(reload)
    pool.ready(3)
    assert.deepStrictEqual(pool.send(reload), [])
    const rest = [pool.ready(4), pool.ready(5), pool.ready(6)].flat()
    assert.deepStrictEqual(
      rest.filter((line) => /^(spawn|retire|reloaded)/.test(line)),
      ["retire 2", "spawn 5 in 1", "retire 3", "spawn 6 in 2", "retire 4", "reloaded"]
    )
  })

  it("does not give a reload up for a worker that started before it", () => {
    const pool = serving(1)
    pool.send(reload)
    pool.send(reload)
    assert.deepStrictEqual(pool.exited(2, 4), ["no boot:2", "spawn 3 in 1", "boot:3 in 20000"])
    assert.deepStrictEqual(pool.exited(3, 4), ["no boot:3", "reloaded"])
  })

  it("does not wait for slots that wait when it is told to reload", () => {
    const pool = serving(1)
    pool.exited(1, 1)
    pool.exited(2, 1)
    assert.deepStrictEqual(pool.send(reload), [
      "reloading",
      "no respawn:1",
      "spawn 3 in 1",
      "boot:3 in 20000",
      "reloaded"
    ])
  })

  it("replaces a worker that has served enough requests, and others that have only after it", () => {
    const pool = serving(2)
    assert.deepStrictEqual(pool.send({ type: "quota", id: 2 }), ["spawn 3 in 2", "boot:3 in 20000"])
    assert.deepStrictEqual(pool.send({ type: "quota", id: 1 }), [])
    assert.deepStrictEqual(pool.send({ type: "quota", id: 2 }), [])
    assert.include(pool.ready(3), "spawn 4 in 1")
    assert.deepStrictEqual(pool.ready(4), ["no boot:4", "retire 1", "leave:1 in 30000"])
  })

  it("leaves it when its replacement cannot start up", () => {
    const pool = serving(2)
    pool.send({ type: "quota", id: 1 })
    pool.send({ type: "quota", id: 2 })
    assert.deepStrictEqual(pool.exited(3, 5), ["no boot:3", "spawn 4 in 2", "boot:4 in 20000"])
    assert.strictEqual(
      pool.lastLine,
      "error: worker 1 could not start (exit code 5); the one that it should have replaced goes on"
    )
  })
})
