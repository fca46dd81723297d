import { assert, describe, it } from "@effect/vitest"
import { serving, ToldPool } from "../supervisor/support/ToldPool.ts"

const reload = { type: "reload" } as const
const stop = { type: "stop" } as const
const hotRestart = { type: "hotRestart" } as const

describe("RestartPlan, size", () => {
  it("adds a worker", () => {
    assert.deepStrictEqual(serving(2).send({ type: "add" }), ["spawn 3 in 3", "boot:3 in 20000"])
  })

  it("removes the last one, with its replacement", () => {
    const pool = serving(2)
    pool.send({ type: "quota", id: 2 })
    assert.deepStrictEqual(pool.send({ type: "remove" }), [
      "retire 3",
      "no boot:3",
      "leave:3 in 5000",
      "retire 2",
      "leave:2 in 30000"
    ])
    assert.strictEqual(pool.lastLine, "info: 1 worker from now on")
  })

  it("removes one that waits to be started", () => {
    const pool = serving(2)
    pool.exited(2, 1)
    pool.exited(3, 1)
    assert.deepStrictEqual(pool.send({ type: "remove" }), ["no respawn:2"])
  })

  it("does not remove the only one", () => {
    const pool = serving(1)
    assert.deepStrictEqual(pool.send({ type: "remove" }), [])
    assert.strictEqual(pool.lastLine, "warning: there is only one worker, which is not removed")
  })

  it("lets the only one that serves stay until another one does", () => {
    const pool = serving(2)
    pool.exited(1, 1)
    assert.deepStrictEqual(pool.send({ type: "remove" }), [])
    assert.strictEqual(pool.lastLine, "info: worker 2 is the only one that serves, and stays until another one does")
    assert.deepStrictEqual(pool.ready(3), ["no boot:3", "retire 2", "leave:2 in 30000"])
  })

  it("takes it back when a worker is added", () => {
    const pool = serving(2)
    pool.exited(1, 1)
    pool.send({ type: "remove" })
    assert.deepStrictEqual(pool.send({ type: "add" }), [])
    assert.deepStrictEqual(pool.ready(3), ["no boot:3"])
  })

  it("does not start it again when it dies", () => {
    const pool = serving(2)
    pool.exited(1, 1)
    pool.send({ type: "remove" })
    assert.deepStrictEqual(pool.exited(2, 1), [])
  })
})

describe("RestartPlan, stop", () => {
  it("asks all to leave, and exits when they have", () => {
    const pool = serving(2)
    pool.send(reload)
    assert.deepStrictEqual(pool.send(stop), [
      "retire 1",
      "leave:1 in 30000",
      "retire 2",
      "leave:2 in 30000",
      "retire 3",
      "no boot:3",
      "leave:3 in 5000"
    ])
    pool.exited(1, 0)
    assert.deepStrictEqual(pool.send(reload), [])
    assert.strictEqual(pool.lastLine, "warning: workers are not reloaded while the server stops")
    pool.exited(3, "SIGTERM")
    assert.deepStrictEqual(pool.exited(2, 0), ["no leave:2", "exit 0"])
    assert.deepStrictEqual(pool.send(stop), [])
  })

  it("exits at once when all workers wait to be started", () => {
    const pool = serving(1)
    pool.exited(1, 1)
    pool.exited(2, 1)
    assert.deepStrictEqual(pool.send(stop), ["no respawn:1", "exit 0"])
  })

  it("says when a drain was cut off", () => {
    const pool = serving(2)
    pool.send(stop)
    pool.exited(1, 6)
    assert.strictEqual(pool.lastLine, "warning: worker 1 had to close connections that were not done in time")
    assert.deepStrictEqual(pool.exited(2, 0), ["no leave:2", "exit 6"])
  })

  it("kills a worker that does not leave", () => {
    const pool = serving(1)
    pool.send(stop)
    assert.deepStrictEqual(pool.elapsed("leave:1"), ["SIGKILL 1"])
    assert.deepStrictEqual(pool.exited(1, "SIGKILL"), ["exit 6"])
  })

  it("waits less long for a worker that has never served", () => {
    const pool = new ToldPool(1)
    pool.send({ type: "start" })
    pool.send(stop)
    assert.deepStrictEqual(pool.elapsed("leave:1"), ["SIGKILL 1"])
    assert.strictEqual(pool.lastLine, "warning: worker 1 has not stopped within 5 seconds and is killed")
    assert.deepStrictEqual(pool.exited(1, "SIGKILL"), ["exit 0"])
  })

  it("gives a worker the whole time whose readiness was on its way", () => {
    const pool = new ToldPool(1)
    pool.send({ type: "start" })
    assert.include(pool.send(stop), "leave:1 in 5000")
    assert.deepStrictEqual(pool.ready(1), ["no leave:1", "leave:1 in 30000"])
    pool.elapsed("leave:1")
    assert.deepStrictEqual(pool.ready(1), [])
    assert.deepStrictEqual(pool.exited(1, "SIGKILL"), ["exit 6"])
  })

  it("exits with the code of the signal that has forced it", () => {
    const pool = serving(1)
    pool.send({ type: "stop", signalNumber: 15 })
    pool.send({ type: "stop", signalNumber: 2 })
    assert.deepStrictEqual(pool.exited(1, "SIGKILL"), ["exit 130"])
  })

  it("kills all when it is told again", () => {
    const pool = serving(2)
    pool.send(stop)
    assert.deepStrictEqual(pool.send(stop), ["no leave:1", "no leave:2", "SIGKILL 1", "SIGKILL 2"])
    pool.exited(1, 6)
    assert.deepStrictEqual(pool.exited(2, "SIGKILL"), ["exit 143"])
  })

  it("has every worker reopen its logs, also one that leaves", () => {
    const pool = serving(2)
    pool.send({ type: "stopping", id: 1 })
    assert.deepStrictEqual(pool.send({ type: "reopenLogs" }), ["reopenLogs 1", "reopenLogs 2"])
  })
})

describe("RestartPlan, hot restart", () => {
  it("waits for the TERM of a successor that is ready", () => {
    const pool = serving(1)
    assert.deepStrictEqual(pool.send(hotRestart), ["startSuccessor", "successor in 60000"])
    assert.deepStrictEqual(pool.send({ type: "successorReady" }), ["no successor"])
    pool.send(stop)
    assert.deepStrictEqual(pool.exited(1, 0), ["no leave:1", "exit 0, successor has the sockets"])
  })

  it("refuses a second successor", () => {
    const pool = serving(1)
    pool.send(hotRestart)
    assert.deepStrictEqual(pool.send(hotRestart), [])
    pool.send({ type: "successorReady" })
    assert.deepStrictEqual(pool.send(hotRestart), [])
    assert.strictEqual(pool.lastLine, "warning: there is a successor already, and so no other is started")
  })

  it("goes on when the successor fails, and starts another one when it is told", () => {
    const pool = serving(1)
    pool.send(hotRestart)
    assert.deepStrictEqual(pool.send({ type: "successorExited", code: 4, signal: null }), ["no successor"])
    assert.strictEqual(
      pool.lastLine,
      "error: the successor ended with exit code 4 before it was ready; this server goes on"
    )
    assert.include(pool.send(hotRestart), "startSuccessor")
  })

  it("stops a successor that is not ready in time; the next one comes when it has gone", () => {
    const pool = serving(1)
    pool.send(hotRestart)
    assert.deepStrictEqual(pool.elapsed("successor"), ["SIGTERM successor", "successor in 6000"])
    assert.deepStrictEqual(pool.send(hotRestart), [])
    assert.deepStrictEqual(pool.elapsed("successor"), ["SIGKILL successor"])
    assert.deepStrictEqual(pool.send({ type: "successorExited", code: null, signal: "SIGKILL" }), [])
    assert.include(pool.send(hotRestart), "startSuccessor")
  })

  it("stops a successor that is not ready when the server is stopped", () => {
    const pool = serving(1)
    pool.send(hotRestart)
    assert.deepStrictEqual(pool.send(stop), [
      "retire 1",
      "leave:1 in 30000",
      "no successor",
      "SIGTERM successor",
      "successor in 6000"
    ])
    assert.deepStrictEqual(pool.exited(1, 0), ["no leave:1"])
    assert.deepStrictEqual(pool.send({ type: "successorExited", code: 0, signal: null }), ["no successor", "exit 0"])
  })

  it("kills that successor when it is told again", () => {
    const pool = serving(1)
    pool.send(hotRestart)
    pool.send(stop)
    assert.deepStrictEqual(pool.send(stop), ["no leave:1", "no successor", "SIGKILL 1", "SIGKILL successor"])
    pool.exited(1, "SIGKILL")
    assert.deepStrictEqual(pool.send({ type: "successorExited", code: null, signal: "SIGKILL" }), ["exit 143"])
  })

  it("does not leave the sockets to a successor that has gone", () => {
    const pool = serving(1)
    pool.send(hotRestart)
    pool.send({ type: "successorReady" })
    pool.send(stop)
    pool.send({ type: "successorExited", code: 1, signal: null })
    assert.strictEqual(pool.lastLine, "error: the successor ended with exit code 1; this server stops as well")
    assert.deepStrictEqual(pool.exited(1, 0), ["no leave:1", "exit 0"])
  })

  it("waits for a successor when no worker of its own could start", () => {
    const pool = new ToldPool(1)
    pool.send({ type: "start" })
    pool.send(hotRestart)
    assert.deepStrictEqual(pool.exited(1, 4), ["no boot:1"])
    assert.deepStrictEqual(pool.send({ type: "successorExited", code: 4, signal: null }), ["no successor", "exit 4"])
  })
})
