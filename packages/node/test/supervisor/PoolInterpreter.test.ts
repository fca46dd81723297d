import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { PoolInterpreter, type PoolItem, type PoolParts } from "../../src/supervisor/PoolInterpreter.ts"
import { FakeProcesses } from "./support/FakeProcesses.ts"
import { settings } from "./support/settings.ts"

/** An interpreter that is driven by hand, and what it has asked for. */
const makeInterpreter = (parts: Partial<PoolParts> = {}) => {
  const processes = new FakeProcesses()
  const items: Array<PoolItem> = []
  const watched: Array<number> = []
  const interpreter = new PoolInterpreter({
    settings: { ...settings, workers: 1 },
    program: { path: "/app/worker.js", execArgv: [] },
    successor: { file: "/bin/server", args: [] },
    asked: { workers: 1, minimum: 1, maximum: 1 },
    sockets: { descriptors: [], reuse: () => "", reuseFiles: () => "", reuseForeign: () => "" },
    folder: "/run/pool",
    cluster: { ask: () => {}, gone: () => {}, isKept: () => false },
    tickets: undefined,
    start: processes.service.start,
    now: () => 0,
    timers: { schedule: () => Effect.void, cancel: () => Effect.void },
    heartbeat: {
      watch: ({ id }) => Effect.sync(() => void watched.push(id)),
      forget: () => Effect.void,
      isSilent: () => true
    },
    shares: { update: () => {} },
    enqueue: (item) => items.push(item),
    announce: () => {},
    ...parts
  })
  const handleAll = Effect.gen(function* () {
    for (let item = items.shift(); item !== undefined; item = items.shift()) yield* interpreter.handle(item)
  })
  return { handleAll, interpreter, items, processes, watched }
}

describe("the interpreter of a pool's plan", () => {
  it.effect("tells the plan what workers report only where something depends on it", () =>
    Effect.gen(function* () {
      const one = { ...settings, workers: 1, minimum: 1, maximum: 1 }
      const reportsOf = (changes: Partial<typeof settings>) =>
        Effect.gen(function* () {
          const { interpreter, items, processes } = makeInterpreter({ settings: { ...one, ...changes } })
          yield* interpreter.handle({ type: "start" })
          processes.worker(1).ready()
          processes.worker(1).say({ type: "status", requests: 1, connections: 1, lag: 5, memory: 9, utilization: 0.5 })
          return items.filter(({ type }) => type === "report")
        })
      assert.isEmpty(yield* reportsOf({}))
      const report = { type: "report", id: 1, lag: 5, memory: 9, utilization: 0.5, now: 0 } as const
      for (const changes of [{ maximum: 2 }, { maxMemory: 1 }, { maxLag: 1 }]) {
        assert.deepStrictEqual(yield* reportsOf(changes), [report])
      }
    })
  )

  it.effect("starts another worker for one that is busy, and says so in its status", () =>
    Effect.gen(function* () {
      let now = 0
      const bounds = { workers: 1, minimum: 1, maximum: 2 }
      const { handleAll, interpreter, processes } = makeInterpreter({
        settings: { ...settings, ...bounds },
        now: () => now
      })
      yield* interpreter.handle({ type: "start" })
      const worker = processes.worker(1)
      worker.ready()
      yield* handleAll
      const scaling = { minimum: 1, maximum: 2 }
      assert.deepStrictEqual(interpreter.status([]).scaling, { ...scaling, utilization: 0, reason: "asked for" })
      for (now = 1000; now <= 4000; now += 1000) {
        worker.say({ type: "status", requests: 1, connections: 1, lag: 5, memory: 9, utilization: 1 })
        yield* handleAll
      }
      const status = interpreter.status([])
      assert.deepInclude(status.scaling, { ...scaling, reason: "workers were busy" })
      assert.isAbove(status.scaling?.utilization ?? 0, 0.9)
      assert.deepStrictEqual([status.target, processes.workers.length], [2, 2])
    })
  )

  it.effect("goes on watching a worker whose report came while its silence waited to be handled", () =>
    Effect.gen(function* () {
      let isSilent = false
      const { handleAll, interpreter, items, processes, watched } = makeInterpreter({
        heartbeat: {
          watch: ({ id }) => Effect.sync(() => void watched.push(id)),
          forget: () => Effect.void,
          isSilent: () => isSilent
        }
      })
      yield* interpreter.handle({ type: "start" })
      const worker = processes.worker(1)
      worker.ready()
      items.push({ type: "silent", id: 1 })
      yield* handleAll
      assert.deepStrictEqual(watched, [1, 1])
      assert.deepStrictEqual(worker.signals, [])
      isSilent = true
      yield* interpreter.handle({ type: "silent", id: 1 })
      assert.deepStrictEqual(worker.signals, ["SIGTERM"])
    })
  )

  it.effect("counts a process as dead that it could not even try to start", () =>
    Effect.gen(function* () {
      const { interpreter, items } = makeInterpreter({
        start: () => {
          throw new Error("a fault")
        }
      })
      yield* interpreter.handle({ type: "start" })
      assert.deepStrictEqual(items, [{ type: "exited", id: 1, code: null, signal: null, now: 0 }])
      items.length = 0
      yield* interpreter.handle({ type: "hotRestart" })
      assert.deepStrictEqual(items, [{ type: "successorExited", code: null, signal: null }])
    })
  )

  it.effect("does what comes after an action that failed", () =>
    Effect.gen(function* () {
      const { interpreter, processes } = makeInterpreter({
        timers: { schedule: () => Effect.die(new Error("a fault")), cancel: () => Effect.die(new Error("a fault")) }
      })
      yield* interpreter.handle({ type: "start" })
      processes.worker(1).isObedient = false
      yield* interpreter.handle({ type: "ready", id: 1, now: 0 })
      yield* interpreter.handle({ type: "stop" })
      assert.deepStrictEqual(processes.worker(1).signals, ["SIGTERM"])
      assert.isFalse(interpreter.hasStopped)
      yield* interpreter.handle({ type: "exited", id: 1, code: 0, signal: null, now: 0 })
      assert.isTrue(interpreter.hasStopped)
    })
  )
})
