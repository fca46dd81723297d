import { assert, describe, it } from "@effect/vitest"
import { type CheckRegistry, HealthChecks } from "@pagi/core/health/HealthChecks"
import { SeriesRegistry } from "@pagi/core/metrics/Series"
import { ServerCounters } from "@pagi/core/metrics/ServerCounters"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as TestClient from "@pagi/core/testing/TestClient"
import * as Effect from "effect/Effect"
import type { MetricRegistry } from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import { setImmediate } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as AdminApp from "../../src/admin/AdminApp.ts"
import { RecentRecorder } from "../../src/admin/RecentRecorder.ts"
import { makeNow } from "../../src/process/MonotonicClock.ts"
import { PoolSource } from "../../src/supervisor/PoolSource.ts"
import { reporter } from "../../src/worker/WorkerTelemetry.ts"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void // What the flag provides, in new contexts only.

/** Bytes that are in use when everything that nobody needs is gone. */
const heapInUse = Effect.promise(async () => {
  for (let round = 0; round < 3; round++) {
    await setImmediate()
    collect()
  }
  return process.memoryUsage().heapUsed
})

/** A worker that answers some requests each second, and tells what a real one does, as it comes out of the channel. */
const makeWorker = (now: () => number, checks: CheckRegistry) => {
  const registry: MetricRegistry = new Map()
  const counters = new ServerCounters(new SeriesRegistry(registry))
  const recent = new RecentRecorder()
  const takeRecent = () => (recent.isChanged ? recent.take(now()) : undefined)
  const report = reporter({ registry, takeRecent, checks }, now)
  return {
    serve: (second: number): void => {
      for (let number = 0; number < 20; number++) {
        counters.exchangeStarted()
        const record = {
          client: undefined,
          server: undefined,
          secure: false,
          request: { method: "GET", target: `/${second}/${number}`, httpVersion: "1.1", headers: [] },
          kind: "http" as const,
          requestId: `${second}-${number}`,
          traceId: undefined,
          status: number === 0 ? 500 : 200,
          responseHeaders: undefined,
          bytes: 100,
          startedAt: now() - 1000,
          duration: (second * 7 + number) % 900,
          firstByte: 1,
          queueTime: undefined,
          outcome: "complete" as const
        }
        counters.exchangeEnded(record)
        recent.exchangeEnded(record)
      }
      counters.limitHit("maxBodySize")
    },
    report: (): ReturnType<typeof report> => JSON.parse(JSON.stringify(report()))
  }
}

const dashboards = 3

/** Bytes by which it may be more after hours: of what the compiler of the engine learns. A list that grows has more. */
const most = 640 * 1024
const events = {
  path: "/events",
  headers: [
    ["host", "127.0.0.1"],
    ["accept", "text/event-stream"]
  ]
} as const

describe("a supervisor with an admin listener", () => {
  it.effect(
    "has no more in memory after hours than after minutes, with dashboards and ends of workers",
    () =>
      Effect.gen(function* () {
        const now = yield* makeNow
        const checks = yield* HealthChecks
        const source = new PoolSource({ wall: now, monotonic: now })
        const app = yield* AdminApp.make({
          host: "127.0.0.1",
          token: undefined,
          source: source.asAdminSource(
            yield* ServerOptions.make({ workers: 2, admin: "127.0.0.1:0" }),
            "http://127.0.0.1:9090/"
          ),
          page: { files: new Map(), headers: [] }
        })
        const client = yield* TestClient.make(app, { lifespan: "off" })
        // Each comes anew now and again: a client of tests keeps what it has read.
        const listen = Effect.gen(function* () {
          const exchange = yield* client.open(events)
          yield* Effect.andThen(exchange.start, exchange.nextPiece)
          return exchange
        })
        const listening = yield* Effect.forEach(Array.from({ length: dashboards }), () => listen)
        let id = 0
        const spawn = (slot: number) => {
          source.onSpawn(++id, slot)
          source.onReady(slot)
          return { id, slot, ...makeWorker(now, checks) }
        }
        let workers = [spawn(1), spawn(2)]
        let second = 0
        let told = ""
        const pass = (seconds: number) =>
          Effect.gen(function* () {
            for (const end = second + seconds; second < end; second++) {
              yield* TestClock.adjust(1000)
              for (const { id, report, serve } of workers) {
                serve(second)
                source.onMetrics(id, report())
              }
              if (second % 50 === 49) {
                const [oldest, ...others] = workers
                if (oldest === undefined) return assert.fail()
                source.onExit(oldest.slot, "max_requests")
                source.onDisconnect(oldest.id)
                workers = [...others, spawn(oldest.slot)]
              }
              yield* TestClock.adjust(1)
              if (second === 0) continue
              for (const [index, exchange] of listening.entries()) {
                told = Buffer.from((yield* exchange.nextPiece) ?? []).toString()
                if (second % 100 !== index) continue
                yield* exchange.disconnect()
                yield* exchange.exit
                listening[index] = yield* listen
              }
            }
          })
        const ask = (path: string) =>
          client.request({ ...events, method: "GET", path, headers: [["host", "127.0.0.1"]] })
        yield* pass(1500)
        const before = yield* heapInUse
        const after = yield* Effect.andThen(pass(8500), heapInUse)
        assert.match(told, /^event: point\n/)
        assert.strictEqual(JSON.parse((yield* ask("/history")).text).length, 600)
        assert.isBelow(JSON.parse((yield* ask("/recent")).text).failed.length, 51)
        const figures = [before, after].map((bytes) => `${(bytes / 1024).toFixed(0)} KiB`).join(", ")
        assert.isBelow(after, before + most, figures)
      }),
    60_000
  )
})
