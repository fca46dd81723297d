import { assert, describe, it } from "@effect/vitest"
import type { MetricSample } from "@pagi/core/metrics/MetricSamples"
import { table } from "@pagi/core/metrics/MetricTable"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as TestClient from "@pagi/core/testing/TestClient"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as AdminApp from "../../src/admin/AdminApp.ts"
import { noCounts, type Reading } from "../../src/admin/Reading.ts"
import { makeNow } from "../../src/process/MonotonicClock.ts"
import { PoolReadings } from "../../src/supervisor/PoolReadings.ts"
import { PoolSource } from "../../src/supervisor/PoolSource.ts"

const readingAt = (time: number, requests = 0): Reading => ({
  time,
  counts: { ...noCounts, statuses: new Map([["2xx", requests]]) },
  connections: new Map(),
  activeRequests: 0
})

const timesOf = (stretches: Effect.Success<ReturnType<PoolReadings["at"]>>) =>
  [...stretches].map(([process, { before, now }]) => [process, before.time, now.time])

describe("what workers have counted", () => {
  it.effect("is told when all have told it that were in time before", () =>
    Effect.gen(function* () {
      const readings = new PoolReadings()
      for (const process of ["a", "b", "boots"]) readings.begin(process, 100)
      for (const process of ["a", "b"]) readings.report(process, readingAt(900), true)
      readings.report("other version", readingAt(950), false)
      const told = yield* Effect.forkChild(readings.at(1000))
      yield* TestClock.adjust(100)
      readings.report("a", readingAt(1001), true)
      yield* TestClock.adjust(100)
      assert.isUndefined(told.pollUnsafe())
      readings.report("b", readingAt(1180), true)
      assert.deepStrictEqual(timesOf(yield* Fiber.join(told)), [
        ["a", 100, 1001],
        ["b", 100, 1180],
        ["boots", 100, 100],
        ["other version", 950, 950]
      ])
    })
  )

  it.effect("waits half a second for those that are late, and not again until they are heard of", () =>
    Effect.gen(function* () {
      const readings = new PoolReadings()
      readings.report("a", readingAt(1000), true)
      readings.report("hangs", readingAt(1000), true)
      yield* readings.at(1000)
      readings.report("a", readingAt(2000), true)
      const told = yield* Effect.forkChild(readings.at(2000))
      yield* TestClock.adjust(499)
      assert.isUndefined(told.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(told)
      readings.report("a", readingAt(3000), true)
      yield* readings.at(3000)
      readings.report("hangs", readingAt(3900), true)
      readings.report("a", readingAt(4000), true)
      const again = yield* Effect.forkChild(readings.at(4000))
      yield* TestClock.adjust(1)
      assert.isUndefined(again.pollUnsafe())
      readings.report("hangs", readingAt(4002), true)
      yield* Fiber.join(again)
    })
  )

  it.effect("has a process that has ended until all of it was told, and waits for it no more", () =>
    Effect.gen(function* () {
      const readings = new PoolReadings()
      readings.report("a", readingAt(1000), true)
      yield* readings.at(1000)
      const told = yield* Effect.forkChild(readings.at(2000))
      yield* TestClock.adjust(1)
      readings.report("a", readingAt(2001), true)
      readings.end("a")
      assert.deepStrictEqual(timesOf(yield* Fiber.join(told)), [["a", 1000, 2001]])
      assert.deepStrictEqual(timesOf(yield* readings.at(3000)), [["a", 1000, 2001]])
      assert.deepStrictEqual(timesOf(yield* readings.at(4000)), [])
    })
  )

  it.effect("is bounded while nobody asks", () =>
    Effect.gen(function* () {
      const readings = new PoolReadings()
      for (let process = 0; process < 1000; process++) {
        readings.report(String(process), readingAt(1), true)
        readings.end(String(process))
      }
      assert.strictEqual((yield* readings.at(10)).size, 100)
    })
  )
})

const Points = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ statuses: Schema.Struct({ "2xx": Schema.Int }), received: Schema.Int }))
)

/** What a worker has counted after so many milliseconds of a load that never changes: per second 1000 and 1,000,000. */
const samplesAt = (time: number): ReadonlyArray<MetricSample> => [
  {
    type: "Counter",
    id: table.requests.name,
    attributes: { status_class: "2xx" },
    count: Math.floor(time),
    incremental: true
  },
  {
    type: "Counter",
    id: table.bytes.name,
    attributes: { "network.io.direction": "receive" },
    count: Math.floor(time) * 1000,
    incremental: true
  }
]

describe("the history of workers with a constant load", () => {
  it.effect("is flat, although they tell it at different moments", () =>
    Effect.gen(function* () {
      const now = yield* makeNow
      const source = new PoolSource({ wall: now, monotonic: now })
      const app = yield* AdminApp.make({
        host: "127.0.0.1",
        token: undefined,
        source: source.asAdminSource(
          yield* ServerOptions.make({ workers: 3, admin: "127.0.0.1:0" }),
          "http://127.0.0.1:9090/"
        ),
        page: { files: new Map(), headers: [] }
      })
      const client = yield* TestClient.make(app, { lifespan: "off" })
      for (const id of [11, 12, 13]) source.onSpawn(id, id - 10)
      // Two that a busy loop makes late, by another time each second; one of another version, which has no common second.
      const report = (id: number, hasTime: boolean) =>
        source.onMetrics(id, { type: "metrics", ...(hasTime ? { time: now() } : {}), samples: samplesAt(now()) })
      const delays = [3, 240, 17, 90, 1, 160, 55, 210]
      for (let second = 0; second < 64; second++) {
        let passed = 0
        const moments = [
          { at: 1 + (delays[second % 8] ?? 0), id: 11 },
          { at: 2 + (delays[(second * 3 + 2) % 8] ?? 0), id: 12 },
          { at: 450 + (second % 5) * 30, id: 13 }
        ]
        for (const { at, id } of moments.toSorted((one, other) => one.at - other.at)) {
          yield* TestClock.adjust(at - passed)
          passed = at
          report(id, id !== 13)
        }
        yield* TestClock.adjust(1000 - passed)
      }
      const answer = yield* client.request({ method: "GET", path: "/history", headers: [["host", "127.0.0.1"]] })
      const points = (yield* Schema.decodeEffect(Points)(answer.text)).slice(3)
      assert.isAbove(points.length, 55)
      for (const [second, { received, statuses }] of points.entries()) {
        assert.closeTo(statuses["2xx"], 3000, 150, `second ${second}`)
        assert.closeTo(received, 3_000_000, 150_000, `second ${second}`)
      }
    })
  )
})
