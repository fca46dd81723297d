import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { after, makePool, makeServing, pass, phases, settle } from "./support/FakePool.ts"

describe("the end of a pool", () => {
  it.effect("comes when all workers have drained", () =>
    Effect.gen(function* () {
      const { changes, pool, processes, send } = yield* makeServing()
      const worker = processes.worker(2)
      worker.isObedient = false
      const ended = yield* Effect.forkChild(pool.ended, { startImmediately: true })
      yield* send("stop")
      assert.strictEqual(pool.status([]).phase, "stopping")
      assert.deepStrictEqual(
        processes.living.map(({ pid }) => pid),
        [worker.pid]
      )
      yield* after(() => worker.exit(6))
      assert.strictEqual(yield* Fiber.join(ended), 6)
      assert.deepStrictEqual(changes, ["serving", "taking over", "stopping"])
    })
  )

  it.effect("is forced by the second command, and by the time limit", () =>
    Effect.gen(function* () {
      const forced = yield* makeServing()
      forced.processes.workers.forEach((worker) => (worker.isObedient = false))
      yield* forced.send("stop")
      yield* forced.send("stop")
      assert.strictEqual(yield* forced.pool.ended, 143)
      assert.deepStrictEqual(forced.processes.worker(1).signals, ["SIGTERM", "SIGKILL"])

      const late = yield* makeServing()
      late.processes.workers.forEach((worker) => (worker.isObedient = false))
      yield* late.send("stop")
      yield* pass("29 seconds")
      assert.lengthOf(late.processes.living, 2)
      yield* pass("1 seconds")
      assert.lengthOf(late.processes.living, 0)
      assert.strictEqual(yield* late.pool.ended, 6)
    })
  )

  it.effect("leaves no worker when the scope closes, whatever state they are in", () =>
    Effect.gen(function* () {
      const booting = yield* makePool()
      yield* booting.close
      assert.lengthOf(booting.processes.living, 0)
      assert.deepStrictEqual(booting.processes.worker(1).signals, ["SIGTERM"])

      const reloading = yield* makeServing()
      yield* reloading.send("reload")
      reloading.processes.workers.forEach((worker) => (worker.isObedient = false))
      const closing = yield* Effect.forkChild(reloading.close)
      yield* settle
      assert.lengthOf(reloading.processes.living, 3)
      yield* pass("30 seconds")
      yield* Fiber.join(closing)
      assert.lengthOf(reloading.processes.living, 0)
    })
  )

  it.effect("is graceful when the scope closes after a command to stop", () =>
    Effect.gen(function* () {
      const { close, processes, send } = yield* makeServing()
      processes.workers.forEach((worker) => (worker.isObedient = false))
      yield* send("stop")
      const closing = yield* Effect.forkChild(close)
      yield* settle
      yield* after(() => processes.workers.forEach((worker) => worker.exit(0)))
      yield* Fiber.join(closing)
      assert.deepStrictEqual(processes.worker(1).signals, ["SIGTERM"])
    })
  )

  it.effect("does not wait for ever for somebody who is told of it", () =>
    Effect.gen(function* () {
      const { log, pool, send } = yield* makeServing({
        onChange: (change) => (change === "stopping" ? Effect.never : Effect.die(new Error("no notice taken")))
      })
      yield* send("stop")
      const ended = yield* Effect.forkChild(pool.ended, { startImmediately: true })
      yield* pass("4 seconds")
      assert.isUndefined(ended.pollUnsafe())
      yield* pass("1 seconds")
      assert.strictEqual(yield* Fiber.join(ended), 0)
      assert.include(log, "Error: the change of the pool was not told to everybody: serving")
    })
  )
})

describe("a hot restart", () => {
  it.effect("starts the same command line with the sockets and a way to say that it is ready", () =>
    Effect.gen(function* () {
      const { processes, send } = yield* makeServing()
      yield* send("hotRestart")
      const { command } = processes.successor()
      assert.strictEqual(command.file, "/bin/server")
      assert.deepStrictEqual(command.args, ["--workers", "2"])
      assert.deepStrictEqual(command.descriptors, ["inherit", "inherit", "inherit", "pipe", 20, 21])
      const { PAGI_MASTER_PID, PAGI_READY_FD, PAGI_REUSE, PAGI_REUSE_FILES, PAGI_REUSE_FOREIGN, PAGI_WORKER } =
        command.environment
      assert.deepStrictEqual(
        [PAGI_MASTER_PID, PAGI_READY_FD, PAGI_REUSE, PAGI_REUSE_FILES, PAGI_REUSE_FOREIGN, PAGI_WORKER],
        [String(process.pid), "3", "4+5", "files 4+5", "foreign 4+5", undefined]
      )
    })
  )

  it.effect("tells the successor how many workers there are, and how many its own options should ask for", () =>
    Effect.gen(function* () {
      const { processes, send } = yield* makeServing({ minimum: 1, maximum: 4 })
      yield* send("add")
      yield* send("hotRestart")
      assert.strictEqual(processes.successor().command.environment["PAGI_REUSE_WORKERS"], "2,3,5/2,2,2")
    })
  )

  it.effect("ends this pool when the successor is ready and says so", () =>
    Effect.gen(function* () {
      const { changes, pool, processes, send } = yield* makeServing()
      yield* send("hotRestart")
      yield* after(() => processes.successor().say("rea"))
      yield* after(() => processes.successor().say("dy\n"))
      assert.deepStrictEqual(pool.status([]).phase, "serving")
      yield* send("stop")
      assert.strictEqual(yield* pool.ended, 0)
      assert.deepStrictEqual(changes, ["serving", "taking over", "stopping for a successor", "keeping sockets"])
      assert.isFalse(processes.successor().hasExited)
    })
  )

  it.effect("is not given up when the signal of the successor is noticed before its readiness", () =>
    Effect.gen(function* () {
      const { changes, pool, processes, send } = yield* makeServing()
      yield* send("hotRestart")
      pool.send("stop")
      yield* after(() => processes.successor().say("ready\n"))
      assert.strictEqual(yield* pool.ended, 0)
      assert.include(changes, "keeping sockets")
      assert.isFalse(processes.successor().hasExited)
    })
  )

  it.effect("is given up when this server is stopped meanwhile", () =>
    Effect.gen(function* () {
      const { changes, pool, processes, send } = yield* makeServing()
      yield* send("hotRestart")
      yield* send("stop")
      assert.strictEqual(yield* pool.ended, 0)
      assert.notInclude(changes, "keeping sockets")
      assert.deepStrictEqual(processes.successor().signals, ["SIGTERM"])
    })
  )

  it.effect("is killed if it does not follow, before which this server does not end", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing()
      const { pool, processes, send } = fake
      yield* send("hotRestart")
      processes.successor().isObedient = false
      yield* send("stop")
      yield* pass("5 seconds")
      assert.strictEqual(fake.pool.status([]).phase, "stopping")
      assert.lengthOf(processes.living, 1)
      yield* pass("1 seconds")
      assert.strictEqual(yield* pool.ended, 0)
      assert.deepStrictEqual(processes.successor().signals, ["SIGTERM", "SIGKILL"])
    })
  )

  it.effect("that was given up, but was ready in that moment, does not stop this server", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing({ heartbeatTimeout: 0 })
      const { pool, processes, send } = fake
      yield* send("hotRestart")
      processes.successor().isObedient = false
      yield* pass("70 seconds")
      yield* after(() => processes.successor().say("ready\n"))
      yield* send("stop")
      assert.deepStrictEqual(phases(fake), ["1 serving", "2 serving"])
      assert.strictEqual(pool.status([]).phase, "serving")
      yield* after(() => processes.successor().exit(0))
      yield* send("stop")
      assert.strictEqual(yield* pool.ended, 0)
    })
  )

  it.effect("that fails leaves everything as it is, and can be tried again", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing()
      const { changes, log, pool, processes, send } = fake
      yield* send("hotRestart")
      yield* after(() => processes.successor().exit(4))
      assert.strictEqual(changes.at(-1), "successorLost")
      assert.include(String(log.at(-1)), "this server goes on")
      yield* send("hotRestart")
      yield* after(() => processes.successor().fail("spawn ENOENT"))
      assert.include(log, "Error: a successor could not be started: spawn ENOENT")
      yield* send("hotRestart")
      assert.lengthOf(processes.successors, 3)
      yield* after(() => processes.successor().say("ready\n"))
      yield* send("stop")
      assert.strictEqual(yield* pool.ended, 0)
    })
  )

  it.effect("that hangs is ended after a time", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing({ heartbeatTimeout: 0 })
      const { log, processes, send } = fake
      yield* send("hotRestart")
      yield* after(() => processes.successor().say("steady\n ready\n"))
      yield* pass("69 seconds")
      assert.deepStrictEqual(processes.successor().signals, [])
      yield* pass("1 seconds")
      assert.deepStrictEqual(processes.successor().signals, ["SIGTERM"])
      assert.isTrue(log.some((line) => line.startsWith("Error:") && line.includes("this server goes on")))
      assert.deepStrictEqual(phases(fake), ["1 serving", "2 serving"])
      yield* send("hotRestart")
      assert.lengthOf(processes.successors, 2)
    })
  )

  it.effect("is refused while there is a successor, also a ready one", () =>
    Effect.gen(function* () {
      const { log, processes, send } = yield* makeServing()
      yield* send("hotRestart")
      yield* send("hotRestart")
      yield* after(() => processes.successor().say("ready\n"))
      yield* send("hotRestart")
      assert.lengthOf(processes.successors, 1)
      assert.lengthOf(
        log.filter((line) => line.startsWith("Warn")),
        2
      )
    })
  )

  it.effect("is refused when nobody knows the command line", () =>
    Effect.gen(function* () {
      const { log, processes, send } = yield* makeServing({ cannotRestart: true })
      yield* send("hotRestart")
      assert.lengthOf(processes.successors, 0)
      assert.include(String(log.at(-1)), "cannot start a successor")
    })
  )
})
