import { assert, describe, it } from "@effect/vitest"
import { type MetricSample, take } from "@pagi/core/metrics/MetricSamples"
import { processTable } from "@pagi/core/metrics/ProcessTable"
import * as Effect from "effect/Effect"
import type * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import { closeSync, openSync } from "node:fs"
import { LoopWindow } from "../../src/metrics/LoopWindow.ts"
import { OpenDescriptors } from "../../src/metrics/OpenDescriptors.ts"
import * as ProcessMetrics from "../../src/metrics/ProcessMetrics.ts"
import { until } from "../support/Until.ts"

const valueOf = (registry: Metric.MetricRegistry, id: string, label?: string): number => {
  const isMeant = (sample: MetricSample): boolean =>
    sample.id === id && (label === undefined || Object.values(sample.attributes).includes(label))
  const sample = take(registry).find(isMeant)
  if (sample === undefined) return assert.fail(`there is no ${id}`)
  return sample.type === "Gauge" ? Number(sample.value) : sample.type === "Frequency" ? 0 : sample.count
}

/** Keeps the event loop busy. */
const block = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Leaves so much garbage behind that some is collected. */
const litter = (): number => Array.from({ length: 200_000 }, (_, index) => ({ index })).length

describe("the metrics of a process", () => {
  it.effect("are in the registry until the scope closes, with values that are true", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* ProcessMetrics.start(registry)
          const [heap, resident] = ["v8js.memory.heap.used", "process.memory.usage"].map((id) => valueOf(registry, id))
          assert.isAbove(heap ?? 0, 1_000_000)
          assert.isAbove(resident ?? 0, heap ?? 0)
          assert.isAbove(valueOf(registry, "v8js.memory.heap.limit"), heap ?? 0)
          assert.isAbove(valueOf(registry, "process.cpu.time", "user"), 0)
          assert.isAbove(valueOf(registry, "process.uptime"), 0)
          assert.isAtLeast(valueOf(registry, "nodejs.eventloop.time", "active"), 0)
          assert.isAtMost(valueOf(registry, "nodejs.eventloop.utilization"), 1)
          if (process.platform === "linux") {
            const open = valueOf(registry, "process.unix.file_descriptor.count")
            assert.isAbove(open, 2)
            assert.isAbove(valueOf(registry, "process.unix.file_descriptor.limit"), open)
          }
          const known = new Set<string>(Object.values(processTable).map(({ name }) => name))
          for (const { id } of take(registry)) assert.isTrue(known.has(id), id)
        })
      )
      assert.strictEqual(registry.size, 0)
    })
  )

  it.live("have the time of garbage collections", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      yield* ProcessMetrics.start(registry)
      yield* until("one was counted", () => {
        litter()
        return take(registry).some(({ id }) => id === "v8js.gc.duration")
      })
      const counted = valueOf(registry, "v8js.gc.duration")
      assert.isAbove(counted, 0)
      // Somebody else asks, and does not need it any more.
      yield* Effect.scoped(ProcessMetrics.start(registry))
      litter()
      assert.isAtLeast(valueOf(registry, "v8js.gc.duration"), counted)
    }).pipe(Effect.scoped)
  )

  it.effect("forget a delay of the event loop after two windows", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      yield* ProcessMetrics.start(registry)
      const longest = () => valueOf(registry, "nodejs.eventloop.delay.max")
      yield* until("one is seen", () => {
        block(250)
        return longest() > 0.2
      })
      yield* TestClock.adjust("10 seconds")
      const first = longest()
      assert.isAbove(first, 0.2)
      assert.strictEqual(valueOf(registry, "nodejs.eventloop.delay.p99"), first)
      yield* TestClock.adjust("10 seconds")
      // It is above 0 if this process has really been kept from running in the meantime.
      assert.notStrictEqual(longest(), first)
    }).pipe(Effect.scoped)
  )
})

it("a loop that has not been watched for a moment has no delays", () => {
  const loop = new LoopWindow()
  assert.deepStrictEqual(loop.delay, { mean: 0, p50: 0, p99: 0, max: 0 })
  loop.rotate()
  assert.deepStrictEqual(loop.delay, { mean: 0, p50: 0, p99: 0, max: 0 })
  loop.stop()
})

describe("open descriptors", () => {
  it.skipIf(process.platform !== "linux")("are counted, each that is opened", () => {
    const descriptors = new OpenDescriptors()
    assert.isTrue(descriptors.isKnown)
    const before = descriptors.count
    const opened = [1, 2, 3].map(() => openSync("/dev/null", "r"))
    descriptors.forget()
    assert.strictEqual(descriptors.count, before + 3)
    for (const descriptor of opened) closeSync(descriptor)
    descriptors.forget()
    assert.strictEqual(descriptors.count, before)
  })
})
