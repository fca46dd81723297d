import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { read, TicketKeyring } from "../../src/tls/TicketSecrets.ts"
import { after, makePool, makeServing, numbers, pass, passSeconds, phases } from "./support/FakePool.ts"

describe("a pool of workers", () => {
  it.effect("starts one process for each number, which knows its number and the sockets", () =>
    Effect.gen(function* () {
      const fake = yield* makePool()
      assert.deepStrictEqual(numbers(fake), [1, 2])
      const { command } = fake.processes.worker(2)
      assert.strictEqual(command.file, process.execPath)
      assert.deepStrictEqual(command.args, ["/app/worker.js", "--flag"])
      assert.deepStrictEqual(command.descriptors, ["ignore", "inherit", "inherit", "ipc", 20, 21])
      assert.strictEqual(command.environment["PAGI_REUSE"], "4+5")
      assert.strictEqual(
        command.environment["PAGI_WORKER"],
        '{"num":2,"workers":2,"folder":"/run/pool","payload":{"app":"app"}}'
      )
      assert.strictEqual(command.environment["PATH"], process.env["PATH"])
      assert.isUndefined(command.environment["PAGI_MASTER_PID"])
    })
  )

  it.effect("serves once all of them are ready, and then takes over from its predecessor", () =>
    Effect.gen(function* () {
      const { changes, pool, processes } = yield* makePool()
      const serving = yield* Effect.forkChild(pool.serving, { startImmediately: true })
      yield* after(() => processes.worker(1).ready())
      assert.deepStrictEqual(changes, [])
      assert.strictEqual(pool.status([]).phase, "starting")
      yield* after(() => processes.worker(2).ready())
      yield* Fiber.join(serving)
      assert.deepStrictEqual(changes, ["serving", "taking over"])
      assert.strictEqual(pool.status([]).phase, "serving")
    })
  )

  it.effect("tells how its workers are", () =>
    Effect.gen(function* () {
      const { pool, processes } = yield* makePool()
      yield* pass("2 seconds")
      processes.worker(1).ready()
      processes.worker(1).status(3)
      yield* pass("500 millis")
      assert.deepStrictEqual(pool.status(["http://127.0.0.1:5000/"]), {
        pid: process.pid,
        phase: "starting",
        age: 2500,
        target: 2,
        isReloading: false,
        listeners: ["http://127.0.0.1:5000/"],
        workers: [
          {
            pid: 1000,
            workerNum: 1,
            phase: "serving",
            age: 2500,
            requests: 7,
            connections: 3,
            lag: 1.5,
            memory: 1000,
            lastHeartbeat: 500
          },
          {
            pid: 1001,
            workerNum: 2,
            phase: "booting",
            age: 2500,
            requests: 0,
            connections: 0,
            lag: 0,
            memory: 0,
            lastHeartbeat: null
          }
        ]
      })
    })
  )

  it.effect("replaces a worker that has died", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing()
      const { processes } = fake
      yield* passSeconds(11, () => processes.living.forEach((worker) => worker.status()))
      yield* after(() => processes.worker(1).exit(null, "SIGKILL"))
      assert.deepStrictEqual(numbers(fake), [1, 2, 1])
      assert.deepStrictEqual(phases(fake), ["1 booting", "2 serving"])
      assert.include(String(fake.log.at(-1)), "SIGKILL")
    })
  )

  it.effect("waits longer and longer with the start of workers that die quickly", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing()
      const { processes } = fake
      yield* after(() => processes.worker(1).exit(1))
      assert.deepStrictEqual(numbers(fake), [1, 2, 1])
      yield* after(() => processes.worker(1).exit(1))
      assert.deepStrictEqual(numbers(fake), [1, 2, 1])
      yield* pass("499 millis")
      assert.deepStrictEqual(numbers(fake), [1, 2, 1])
      yield* pass("1 millis")
      assert.deepStrictEqual(numbers(fake), [1, 2, 1, 1])
    })
  )

  it.effect("stops with the code of the workers when none of them can start", () =>
    Effect.gen(function* () {
      const { log, pool, processes } = yield* makePool()
      yield* after(() => {
        processes.worker(1).say({ type: "failed", message: "no database" })
        processes.worker(1).exit(5)
        processes.worker(2).exit(5)
      })
      assert.strictEqual(yield* pool.ended, 5)
      assert.include(log, "Error: worker 1: no database")
      assert.strictEqual(pool.status([]).phase, "stopped")
    })
  )

  it.effect("says why a process could not be started, and tries again", () =>
    Effect.gen(function* () {
      const fake = yield* makePool()
      yield* after(() => fake.processes.worker(1).fail("spawn EAGAIN"))
      assert.include(fake.log, "Error: worker 1 could not be started: spawn EAGAIN")
      assert.deepStrictEqual(numbers(fake), [1, 2, 1])
    })
  )

  it.effect("is not impressed by messages that are none", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing()
      yield* after(() => {
        for (const message of [undefined, null, 7, "ready", {}, { type: "exit" }, { type: "status", requests: -1 }]) {
          fake.processes.worker(1).say(message)
        }
      })
      assert.deepStrictEqual(phases(fake), ["1 serving", "2 serving"])
    })
  )

  it.effect("replaces a worker that has served enough, and only then lets it go", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing()
      const [old] = fake.processes.workers
      yield* after(() => old?.say({ type: "quota" }))
      assert.deepStrictEqual(phases(fake), ["1 serving", "1 booting", "2 serving"])
      assert.deepStrictEqual(old?.signals, [])
      yield* after(() => fake.processes.worker(1).ready())
      assert.deepStrictEqual(old?.signals, ["SIGTERM"])
      assert.deepInclude(old?.messages ?? [], { type: "retire", othersServe: true })
      assert.deepStrictEqual(phases(fake), ["1 serving", "2 serving"])
    })
  )

  it.effect("replaces all workers one after the other", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing()
      const { changes, processes, send } = fake
      yield* send("reload")
      assert.deepStrictEqual(numbers(fake), [1, 2, 1])
      assert.isTrue(fake.pool.status([]).isReloading)
      yield* after(() => processes.worker(1).ready())
      assert.deepStrictEqual(numbers(fake), [1, 2, 1, 2])
      yield* after(() => processes.worker(2).ready())
      assert.deepStrictEqual(changes, ["serving", "taking over", "reloading", "reloaded"])
      assert.deepStrictEqual(
        processes.living.map(({ pid }) => pid),
        [1002, 1003]
      )
    })
  )

  it.effect("goes up and down, and tells workers to open their logs again", () =>
    Effect.gen(function* () {
      const fake = yield* makeServing()
      const { processes, send } = fake
      yield* send("add")
      yield* after(() => processes.worker(3).ready())
      assert.deepStrictEqual(phases(fake), ["1 serving", "2 serving", "3 serving"])
      yield* send("reopenLogs")
      for (const worker of processes.workers) assert.deepInclude(worker.messages, { type: "reopenLogs" })
      yield* send("remove")
      assert.deepStrictEqual(processes.worker(3).signals, ["SIGTERM"])
      assert.deepStrictEqual(phases(fake), ["1 serving", "2 serving"])
    })
  )
})

describe("the secrets of TLS sessions", () => {
  const toldOf = (messages: ReadonlyArray<object>): ReadonlyArray<unknown> =>
    messages.flatMap((message) => ("secrets" in message ? [message.secrets] : []))

  it.effect("are told to every worker when it starts and when they change, and to a successor", () =>
    Effect.gen(function* () {
      const tickets = new TicketKeyring()
      const first = tickets.secrets
      const { processes, send } = yield* makeServing({ tickets, heartbeatTimeout: 0 })
      for (const { messages } of processes.workers) assert.deepStrictEqual(toldOf(messages), [first])
      yield* TestClock.adjust("1 hour")
      const second = tickets.secrets
      assert.notStrictEqual(second, first)
      for (const { messages } of processes.workers) assert.deepStrictEqual(toldOf(messages), [first, second])
      yield* send("add")
      assert.deepStrictEqual(toldOf(processes.worker(3).messages), [second])
      yield* send("hotRestart")
      const { environment, pipeText = "" } = processes.successor().command
      assert.strictEqual(environment["PAGI_TICKETS_FD"], "3")
      assert.deepStrictEqual(read(pipeText).secrets, second)
      for (const { command } of processes.all) {
        for (const secret of Object.values(second)) assert.notInclude(JSON.stringify(command.environment), secret)
      }
    })
  )

  it.effect("are told to nobody without TLS", () =>
    Effect.gen(function* () {
      const { processes, send } = yield* makeServing()
      yield* send("hotRestart")
      for (const { command, messages } of processes.all) {
        assert.deepStrictEqual(toldOf(messages), [])
        assert.notProperty(command.environment, "PAGI_TICKETS_FD")
        assert.isUndefined(command.pipeText)
      }
    })
  )
})

describe("the share of a worker", () => {
  const sharesOf = (messages: ReadonlyArray<object>): ReadonlyArray<unknown> =>
    messages.filter((message) => "type" in message && message.type === "share")

  it.effect("is told to all when it has changed, some time after the first of them says so", () =>
    Effect.gen(function* () {
      const { processes } = yield* makeServing()
      const [one, two] = processes.workers
      yield* after(() => {
        one?.status(10)
        two?.status(30)
      })
      yield* pass("249 millis")
      assert.deepStrictEqual(sharesOf(one?.messages ?? []), [])
      yield* pass("1 millis")
      for (const worker of [one, two]) {
        assert.deepStrictEqual(sharesOf(worker?.messages ?? []), [{ type: "share", workers: 2, connections: 20 }])
      }
      yield* after(() => two?.status(31))
      yield* pass("1 seconds")
      assert.lengthOf(sharesOf(one?.messages ?? []), 1)
    })
  )

  it.effect("is told to a worker that comes, and to those that go on when one has died", () =>
    Effect.gen(function* () {
      const { processes, send } = yield* makeServing()
      yield* after(() => processes.worker(1).status(60))
      yield* pass("1 seconds")
      yield* send("add")
      yield* after(() => processes.worker(3).ready())
      yield* pass("1 seconds")
      assert.deepStrictEqual(sharesOf(processes.worker(3).messages), [{ type: "share", workers: 3, connections: 20 }])
      yield* after(() => processes.worker(1).exit(1))
      yield* pass("1 seconds")
      assert.deepStrictEqual(processes.worker(3).messages.at(-1), { type: "share", workers: 2, connections: 0 })
    })
  )

  it.effect("is told when a worker is alone from now on, or is not any more", () =>
    Effect.gen(function* () {
      const { processes, send } = yield* makeServing({ workers: 1 })
      yield* pass("1 seconds")
      // As which it was started.
      assert.deepStrictEqual(sharesOf(processes.worker(1).messages), [])
      yield* send("add")
      yield* after(() => processes.worker(2).ready())
      yield* pass("1 seconds")
      assert.deepStrictEqual(sharesOf(processes.worker(1).messages), [{ type: "share", workers: 2, connections: 0 }])
      assert.deepStrictEqual(sharesOf(processes.worker(2).messages), [])
      yield* send("remove")
      yield* pass("1 seconds")
      assert.deepStrictEqual(processes.worker(1).messages.at(-1), { type: "share", workers: 1, connections: 0 })
    })
  )

  it.effect("is not told to a worker that does not read", () =>
    Effect.gen(function* () {
      const { processes } = yield* makeServing()
      const worker = processes.worker(2)
      worker.isReading = false
      for (const connections of [100, 200, 300]) {
        yield* after(() => processes.worker(1).status(connections))
        yield* pass("1 seconds")
      }
      assert.lengthOf(sharesOf(processes.worker(1).messages), 3)
      assert.lengthOf(sharesOf(worker.messages), 1)
    })
  )
})
