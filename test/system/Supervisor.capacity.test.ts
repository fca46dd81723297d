import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { inMebibytes, isMeasurable, mappedInLargePieces, mebibyte, resident, tell } from "./support/Memory.ts"
import { bodyOf, open, requestText } from "./support/Peer.ts"
import { expectQuiet, familyOf, type Pool, serve, startedBy, stop } from "./support/SupervisorPool.ts"
import { fromSources, run, start } from "./support/Programs.ts"
import { cpuOf } from "./support/SupervisorProcesses.ts"
import { ask, Who } from "./support/SupervisorVisitors.ts"
import { standstill } from "./support/Until.ts"
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

/** How many times as much two processes can do here and now as one: twice, unless something else takes one of the cores. */
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
      // In turn and again, as whatever else the machine does takes the second core from two workers, but not from one. What
      // two processes could do is asked only then, and right after a measurement, as others come and go.
      const shares: Array<number> = []
      let ratio = 0
      for (let round = 0; round < 4 && ratio < 1.7; round++) {
        const [rateOfOne, rateOfTwo] = [yield* burn(one), yield* burn(two)]
        ratio = rateOfTwo / rateOfOne
        const limit = ratio >= 1.7 ? 2 : yield* possible
        yield* tell(
          `CPU-bound: one worker ${rateOfOne.toFixed()} requests/s, two ${rateOfTwo.toFixed()}: ${ratio.toFixed(2)} times ` +
            `as many, where two processes can do ${limit.toFixed(2)} times as much as one`
        )
        shares.push(ratio / limit)
      }
      assert.isAtLeast(Math.max(...shares), 1.7 / 2)
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
      const isEven = (counts: ReadonlyArray<number>) => counts.every((count) => count >= 10 && count <= 25)
      const lastTen = () => bursts.slice(-10).filter(isEven).length
      // A burst is over after some ten milliseconds, for which a machine that others use may not run one of the workers.
      for (let count = 0; count < 30 && lastTen() < 8; count++) {
        // Workers report twice as often, so that none takes the connections of the last burst for the others' now.
        if (count > 0) yield* Effect.sleep("500 millis")
        bursts.push(yield* burst(pool, 64))
      }
      yield* tell(`64 connections over 4 workers: ${bursts.map((counts) => counts.join(" ")).join(" | ")}`)
      for (const counts of bursts) assert.lengthOf(counts, 4)
      assert.isAtLeast(lastTen(), 8)
      yield* stop(pool)
      expectQuiet(pool)
    })
  )
})

/** How a parent was for some seconds without a request. */
interface Rest {
  readonly memory: number
  /** Of a core. */
  readonly share: number
}

/** At most what a parent that does nothing needs. What a process takes is more beside others, which have the caches. */
const isAtRest = ({ memory, share }: Rest, mostMemory: number): boolean => memory <= mostMemory && share <= 0.0025

/**
 * Looks at a parent for ten seconds, and again as long as it does not rest: V8 clears up what is left of the start only
 * when there has been nothing to do for a while.
 */
const atRest = (pool: Pool, mostMemory: number) =>
  Effect.gen(function* () {
    const { parent } = familyOf(pool)
    const looks: Array<Rest> = []
    while (looks.length < 4) {
      const before = cpuOf(parent)
      yield* Effect.sleep("10 seconds")
      const look: Rest = { memory: yield* resident(parent), share: (cpuOf(parent) - before) / 10 }
      looks.push(look)
      if (isAtRest(look, mostMemory)) break
    }
    return looks
  })

/**
 * Bytes that a parent may occupy: 60 MiB. Where the system maps Node's code in large pieces a program that does nothing has
 * some 25 MiB more, so there it is what a parent may have beside such a program.
 */
const mostMemoryOf = (pool: Pool) =>
  Effect.gen(function* () {
    const { parent } = familyOf(pool)
    if ((yield* mappedInLargePieces(parent)) === 0) return 60 * mebibyte
    const idle = yield* start(process.execPath, ["-e", "setInterval(() => {}, 1000)"])
    const memory = yield* standstill("the memory of a program that does nothing", resident(idle.pid))
    yield* tell(`Node's code is mapped in large pieces: a program that does nothing has ${inMebibytes(memory)}`)
    return memory + 18 * mebibyte
  }).pipe(Effect.scoped)

describe.skipIf(!isMeasurable)("a parent with nothing to do", () => {
  it.live("holds no more than 60 MiB and takes no CPU", () =>
    Effect.gen(function* () {
      const shipped = yield* serve()
      const checkout = yield* serve({ command: [fromSources], application: sourceApplication })
      for (const pool of [shipped, checkout]) assert.lengthOf(startedBy(pool), 2)
      const parents = [
        { name: "bundled", pool: shipped, mostMemory: yield* mostMemoryOf(shipped) },
        { name: "from sources", pool: checkout, mostMemory: Number.POSITIVE_INFINITY }
      ]
      const seen = yield* Effect.forEach(parents, ({ mostMemory, pool }) => atRest(pool, mostMemory), {
        concurrency: 2
      })
      for (const [index, { mostMemory, name }] of parents.entries()) {
        const looks = seen[index] ?? []
        for (const { memory, share } of looks) {
          yield* tell(
            `parent, ${name}: ${inMebibytes(memory)}, ${(share * 100).toFixed(3)} % of a core in 10 s at rest`
          )
        }
        assert.isTrue(
          looks.some((look) => isAtRest(look, mostMemory)),
          name
        )
      }
      yield* stop(shipped)
      expectQuiet(shipped)
    })
  )
})
