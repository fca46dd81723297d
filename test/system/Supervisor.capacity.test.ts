import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { inMebibytes, isMeasurable, mebibyte, resident, tell } from "./support/Memory.ts"
import { bodyOf, open, requestText } from "./support/Peer.ts"
import { expectQuiet, familyOf, type Pool, serve, startedBy, stop } from "./support/SupervisorPool.ts"
import { fromSources, run } from "./support/Programs.ts"
import { cpuOf } from "./support/SupervisorProcesses.ts"
import { ask, Who } from "./support/SupervisorVisitors.ts"
import { hasWrk, wrk } from "./support/Wrk.ts"

const hasTwoCores = availableParallelism() >= 2
if (!hasTwoCores) console.warn("NOT TESTED on this machine: it has only one core")

const sourceApplication = join(import.meta.dirname, "fixtures/supervised.ts")

/** Seconds of each measurement of throughput. */
const seconds = 3

/** Requests per second that keep the CPU busy; those who make them need next to nothing of it. */
const burn = (pool: Pool) => Effect.map(wrk(pool.url("/burn"), 16, seconds), ({ requests }) => requests / seconds)

/** Computes for some seconds what the application does, and says how often. */
const computing = `
  const { pbkdf2Sync } = require("node:crypto")
  const end = performance.now() + ${seconds * 1000}
  let count = 0
  for (; performance.now() < end; count++) pbkdf2Sync("password", "salt", 12_000, 32, "sha256")
  console.log(count)
`

/** How often so many processes have computed, all at once and without any server. */
const computed = (processes: number) =>
  Effect.map(
    Effect.all(
      Array.from({ length: processes }, () => run(process.execPath, ["-e", computing])),
      { concurrency: "unbounded" }
    ),
    (results) => results.reduce((sum, { output }) => sum + Number(output), 0)
  )

/** How many times as much two processes can do here as one: twice, unless something else takes one of the cores. */
const possible = Effect.gen(function* () {
  const one = yield* computed(1)
  return Math.min(2, (yield* computed(2)) / one)
})

describe.skipIf(!isMeasurable || !hasWrk || !hasTwoCores)("two workers", () => {
  it.live("carry 1.7 times as much as one where the CPU is what it takes", () =>
    Effect.gen(function* () {
      const one = yield* serve({ workers: 1 })
      const two = yield* serve({ workers: 2 })
      for (const { port } of [one, two, two, two]) yield* ask(port, "/burn")
      const rates = { one: [] as Array<number>, two: [] as Array<number> }
      const ratio = () => Math.max(0, ...rates.two) / Math.max(1, ...rates.one)
      // In turn and again, as whatever else the machine does takes the second core from two workers, but not from one.
      for (let round = 0; round < 6 && ratio() < 1.7; round++) {
        rates.one.push(yield* burn(one))
        rates.two.push(yield* burn(two))
      }
      yield* tell(
        `CPU-bound: one worker ${rates.one.map((rate) => rate.toFixed()).join(", ")} requests/s, ` +
          `two ${rates.two.map((rate) => rate.toFixed()).join(", ")}: ${ratio().toFixed(2)} times as many`
      )
      if (ratio() >= 1.7) return
      const limit = yield* possible
      yield* tell(`two processes without a server do ${limit.toFixed(2)} times as much as one: the machine is not idle`)
      assert.isAtLeast(ratio() / limit, 1.7 / 2)
    })
  )
})

/** How many of so many connections each worker gets that are made all at once. */
const burst = (pool: Pool, connections: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const peers = yield* Effect.forEach(Array.from({ length: connections }), () => open(pool.port), {
        concurrency: "unbounded"
      })
      const counts = new Map(familyOf(pool).workers.map((pid) => [pid, 0]))
      for (const peer of peers) peer.read().send(requestText("/who"))
      for (const peer of peers) {
        const { pid } = yield* Schema.decodeEffect(Who)(bodyOf((yield* peer.response) ?? ""))
        counts.set(pid, (counts.get(pid) ?? 0) + 1)
      }
      return [...counts.values()].toSorted((a, b) => a - b)
    })
  )

describe.skipIf(!isMeasurable)("connections", () => {
  it.live("that come in a burst are shared out among the workers", () =>
    Effect.gen(function* () {
      const pool = yield* serve({ workers: 4 })
      const bursts: Array<ReadonlyArray<number>> = []
      for (let count = 0; count < 10; count++) {
        bursts.push(yield* burst(pool, 64))
        // Workers report twice as often, so that none takes the connections of the last burst for the others' now.
        yield* Effect.sleep("500 millis")
      }
      yield* tell(`64 connections over 4 workers: ${bursts.map((counts) => counts.join(" ")).join(" | ")}`)
      const isEven = (counts: ReadonlyArray<number>) => counts.every((count) => count >= 10 && count <= 25)
      for (const counts of bursts) assert.lengthOf(counts, 4)
      // A burst is over after some ten milliseconds, for which a machine that others use may not run one of the workers.
      assert.isAtLeast(bursts.filter(isEven).length, 8)
      yield* stop(pool)
      expectQuiet(pool)
    })
  )
})

/** Memory of the parent, and the share of a core that it takes in so many seconds without a request. */
const atRest = (pool: Pool, duration: number) =>
  Effect.gen(function* () {
    const { parent } = familyOf(pool)
    const before = cpuOf(parent)
    yield* Effect.sleep(duration * 1000)
    const share = (cpuOf(parent) - before) / duration
    return { memory: yield* resident(parent), share }
  })

describe.skipIf(!isMeasurable)("a parent with nothing to do", () => {
  it.live("holds no more than 60 MiB and takes no CPU", () =>
    Effect.gen(function* () {
      const shipped = yield* serve()
      const checkout = yield* serve({ command: [fromSources], application: sourceApplication })
      for (const pool of [shipped, checkout]) assert.lengthOf(startedBy(pool), 2)
      // By then V8 has cleared up what is left of the start, which it does when there has been nothing to do for a while.
      yield* Effect.sleep("10 seconds")
      const [bundle, sources] = yield* Effect.all([atRest(shipped, 10), atRest(checkout, 10)], { concurrency: 2 })
      for (const [name, { memory, share }] of [
        ["bundled", bundle],
        ["from sources", sources]
      ] as const) {
        yield* tell(`parent, ${name}: ${inMebibytes(memory)}, ${(share * 100).toFixed(3)} % of a core in 10 s at rest`)
      }
      assert.isAtMost(bundle.memory, 60 * mebibyte)
      // What a process takes is more beside others, which have the processor's caches.
      assert.isAtMost(bundle.share, 0.0025)
      assert.isAtMost(sources.share, 0.0025)
      yield* stop(shipped)
      expectQuiet(shipped)
    })
  )
})
