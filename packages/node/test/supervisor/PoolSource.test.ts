import { assert, describe, it } from "@effect/vitest"
import { type MetricSample, take } from "@pagi/core/metrics/MetricSamples"
import { CheckRegistry } from "@pagi/core/health/HealthChecks"
import { table } from "@pagi/core/metrics/MetricTable"
import { SeriesRegistry } from "@pagi/core/metrics/Series"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import type { PoolStatus, WorkerStatus } from "../../src/admin/PoolStatus.ts"
import { PoolSource } from "../../src/supervisor/PoolSource.ts"
import { asReport } from "../../src/worker/WorkerMessage.ts"
import { reporter } from "../../src/worker/WorkerTelemetry.ts"

const worker = (workerNum: number, phase: WorkerStatus["phase"] = "serving"): WorkerStatus => ({
  pid: 100 + workerNum,
  workerNum,
  phase,
  age: 1,
  requests: 0,
  connections: 0,
  lag: 0,
  memory: 0,
  lastHeartbeat: 0
})

const counter = (count: number): MetricSample => ({
  type: "Counter",
  id: "answers",
  attributes: {},
  count,
  incremental: true
})

const gauge = (value: number): MetricSample => ({ type: "Gauge", id: "memory", attributes: {}, value })

const options = { workers: 2, admin: "[::1]:9090", adminToken: "0123456789abcdef" }

/** The source of a pool with two workers, of which a test says how they are. */
const make = Effect.gen(function* () {
  const status = { phase: "serving" as PoolStatus["phase"] } // One of several that it becomes.
  const sent: Array<string> = []
  const asked: Array<number> = []
  const source = new PoolSource({ wall: () => 5, monotonic: () => 5 })
  source.pool = {
    send: (command) => void sent.push(command),
    status: () => ({
      pid: 99,
      phase: status.phase,
      age: 1,
      target: 2,
      isReloading: false,
      listeners: [],
      workers: [worker(1), worker(2), worker(3, "booting")]
    }),
    askReadiness: (number) => {
      asked.push(number)
      return [
        { id: 11, slot: 1 },
        { id: 12, slot: 2 }
      ]
    }
  }
  source.onSpawn(11, 1)
  source.onSpawn(12, 2)
  const admin = source.asAdminSource(yield* ServerOptions.make(options), "http://[::1]:9090/")
  const valueOf = (id: string, attributes: Readonly<Record<string, string>> = {}) => {
    const sample = source.samples.find(
      (one) => one.id === id && Object.entries(attributes).every(([name, value]) => one.attributes[name] === value)
    )
    if (sample?.type === "Counter") return sample.count
    return sample?.type === "Gauge" ? sample.value : undefined
  }
  return { admin, asked, sent, source, status, valueOf }
})

describe("PoolSource", () => {
  it.effect("adds up what workers count, and keeps it when one has ended", () =>
    Effect.gen(function* () {
      const { source, valueOf } = yield* make
      source.onMetrics(11, { type: "metrics", samples: [counter(5), gauge(1), { nonsense: true }] })
      source.onMetrics(12, { type: "metrics", samples: [counter(7), gauge(2)] })
      assert.strictEqual(valueOf("answers"), 12)
      assert.deepStrictEqual([valueOf("memory", { worker: "1" }), valueOf("memory", { worker: "2" })], [1, 2])
      source.onExit(1, "killed")
      // What it has said before it ended may come later.
      source.onMetrics(11, { type: "metrics", samples: [counter(6)] })
      source.onDisconnect(11)
      source.onMetrics(11, { type: "metrics", samples: [counter(100)] })
      assert.strictEqual(valueOf("answers"), 13)
      assert.isUndefined(valueOf("memory", { worker: "1" }))
      source.onSpawn(13, 1)
      source.onMetrics(13, { type: "metrics", samples: [counter(1)] })
      assert.strictEqual(valueOf("answers"), 14)
      assert.strictEqual(valueOf("pagi.server.worker.restarts", { reason: "killed" }), 1)
      assert.strictEqual(valueOf("pagi.server.workers", { phase: "serving" }), 2)
      assert.strictEqual(valueOf("pagi.server.workers", { phase: "booting" }), 1)
      assert.strictEqual(valueOf("pagi.server.workers.wanted"), 2)
    })
  )

  it.effect("tells the bounds of the number of workers, and how it has changed", () =>
    Effect.gen(function* () {
      const { source, valueOf } = yield* make
      const bounds = () => ["minimum", "maximum"].map((name) => valueOf(`pagi.server.workers.${name}`))
      assert.deepStrictEqual(bounds(), [2, 2])
      const { pool } = source
      if (pool === undefined) return assert.fail()
      const scaling = { minimum: 1, maximum: 4, utilization: 0.5, reason: "asked for" } as const
      source.pool = { ...pool, status: () => ({ ...pool.status(), scaling }) }
      assert.deepStrictEqual(bounds(), [1, 4])
      source.onChange("scaled_up", 2)
      source.onChange("removed", 1)
      source.onExit(3, "removed")
      const changes = ["scaled_up", "scaled_down", "added", "removed"].map((reason) =>
        valueOf("pagi.server.worker.changes", { reason })
      )
      assert.deepStrictEqual(changes, [2, undefined, undefined, 1])
      // Nobody takes its place.
      assert.isUndefined(valueOf("pagi.server.worker.restarts", { reason: "removed" }))
    })
  )

  it.effect("forgets what a worker does not measure any more, and tells what it measures as it is", () =>
    Effect.gen(function* () {
      const { source, valueOf } = yield* make
      const registry: Metric.MetricRegistry = new Map()
      const series = new SeriesRegistry(registry)
      const [count, level] = [table.connectionsOpened, table.connectionLimit]
      series.counts(count).of().add(3)
      series.gauge(level, () => Number.NaN)
      const next = reporter({ registry, takeRecent: () => undefined, checks: new CheckRegistry() }, () => 0)
      // As the channel between the two does it.
      const tell = () => {
        const report = asReport(JSON.parse(JSON.stringify(next())))
        if (report?.type !== "metrics") return assert.fail()
        source.onMetrics(11, report)
      }
      tell()
      assert.deepStrictEqual([valueOf(count.name), valueOf(level.name)], [3, "NaN"])
      series.remove()
      tell()
      assert.deepStrictEqual([valueOf(count.name), valueOf(level.name)], [3, undefined])
      series.counts(count).of().add(2)
      tell()
      assert.deepStrictEqual([valueOf(count.name), valueOf(level.name)], [5, undefined])
    })
  )

  it.effect("tells a worker that drains apart from the one that has its number now", () =>
    Effect.gen(function* () {
      const { admin, source } = yield* make
      source.onSpawn(13, 1)
      source.onSpawn(14, 1)
      for (const [id, value] of [11, 12, 13, 14].entries()) {
        source.onMetrics(value, { type: "metrics", samples: [gauge(id)] })
      }
      const measured = Effect.map(admin.metrics, (registry) =>
        take(registry).flatMap((sample) => (sample.id === "memory" ? [sample.attributes["worker"]] : []))
      )
      assert.deepStrictEqual(yield* measured, ["1-previous-2", "2", "1-previous", "1"])
      source.onDisconnect(11)
      source.onDisconnect(14)
      assert.deepStrictEqual(yield* measured, ["2", "1"])
    })
  )

  it.effect("adds what its predecessor has counted, and nothing that that has measured", () =>
    Effect.gen(function* () {
      const { source, valueOf } = yield* make
      source.onPredecessor([counter(40), gauge(9)])
      source.onMetrics(11, { type: "metrics", samples: [counter(1)] })
      source.onPredecessor([counter(41)])
      source.onPredecessorEnd()
      assert.strictEqual(valueOf("answers"), 42)
      assert.isUndefined(valueOf("memory"))
    })
  )

  it.effect("asks workers once for all who want to know, and says which has a problem", () =>
    Effect.gen(function* () {
      const { admin, asked, source } = yield* make
      const [one, two] = [yield* Effect.forkChild(admin.readiness), yield* Effect.forkChild(admin.readiness)]
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(asked, [1])
      source.onReadiness(12, { type: "readiness", number: 7, problems: { old: "of another question" } })
      source.onReadiness(12, { type: "readiness", number: 1, problems: { database: "no route" } })
      source.onReadiness(11, { type: "readiness", number: 1, problems: { database: "closed", cache: "full" } })
      const report = yield* Fiber.join(one)
      assert.deepStrictEqual(report, {
        isReady: false,
        problems: { database: "worker 2: no route; worker 1: closed", cache: "worker 1: full" }
      })
      assert.deepStrictEqual(yield* Fiber.join(two), report)
      assert.deepStrictEqual(yield* admin.readiness, report)
      assert.deepStrictEqual(asked, [1])
      yield* TestClock.adjust(1000)
      const later = yield* Effect.forkChild(admin.readiness)
      yield* TestClock.adjust(1)
      for (const id of [11, 12]) source.onReadiness(id, { type: "readiness", number: 2, problems: {} })
      assert.deepStrictEqual(yield* Fiber.join(later), { isReady: true, problems: {} })
    })
  )

  it.effect("takes a worker that does not answer in time, or ends, for a problem", () =>
    Effect.gen(function* () {
      const { admin, source } = yield* make
      const fiber = yield* Effect.forkChild(admin.readiness)
      yield* TestClock.adjust(1)
      source.onDisconnect(12)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* Fiber.join(fiber), {
        isReady: false,
        problems: { "worker 1": "no answer within 5 seconds", "worker 2": "its process has ended" }
      })
    })
  )

  it.effect("is not ready before all workers were, nor from the signal on, and asks nobody then", () =>
    Effect.gen(function* () {
      const { admin, asked, status } = yield* make
      const problems = () => Effect.map(admin.readiness, ({ problems }) => problems)
      status.phase = "starting"
      assert.deepStrictEqual(yield* problems(), { server: "it has not started yet" })
      status.phase = "stopping"
      assert.deepStrictEqual(yield* problems(), { server: "it stops" })
      assert.deepStrictEqual(asked, [])
    })
  )

  it.effect("tells what happens to workers once, and passes on commands", () =>
    Effect.gen(function* () {
      const { admin, sent, source } = yield* make
      source.onReady(1)
      source.onReady(4, "scaled_up")
      source.onExit(2, "reload")
      source.onExit(3, undefined)
      source.onExit(4, "scaled_down")
      assert.deepStrictEqual(yield* admin.takeMarks, [
        { at: 5, what: "worker started", worker: 1 },
        { at: 5, what: "worker started", worker: 4, reason: "scaled_up" },
        { at: 5, what: "worker ended", worker: 2, reason: "reload" },
        { at: 5, what: "worker ended", worker: 3 },
        { at: 5, what: "worker ended", worker: 4, reason: "scaled_down" }
      ])
      assert.deepStrictEqual(yield* admin.takeMarks, [])
      const { commands } = admin
      yield* commands?.reload ?? assert.fail()
      yield* commands?.addWorker ?? assert.fail()
      yield* commands?.removeWorker ?? assert.fail()
      assert.deepStrictEqual(sent, ["reload", "add", "remove"])
      const told = yield* admin.status
      assert.deepStrictEqual(
        [told.mode, told.pid, told.options],
        ["workers", 99, { workers: "2", admin: "[::1]:9090", adminToken: "(not shown)" }]
      )
    })
  )
})
