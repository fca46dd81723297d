import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connect, type Socket } from "node:net"
import { AcceptShare } from "../../src/connection/AcceptShare.ts"
import { startWorkers, type TestPool } from "../support/WorkerPool.ts"

/** A share whose sleeps take no time but that of its clock. */
const makeShare = () => {
  const clock = { now: 5000, slept: 0 }
  const share = new AcceptShare(
    (milliseconds) => {
      clock.slept += milliseconds
      clock.now += milliseconds
    },
    () => clock.now
  )
  return { clock, share }
}

/** Whether a worker with so many connections lets others go first. */
const givesWay = (average: number | undefined, connections: number): boolean => {
  const { clock, share } = makeShare()
  if (average !== undefined) share.average = average
  share.accepted(connections)
  return clock.slept > 0
}

describe("the share of a worker", () => {
  it("is a quarter more than the average, and four", () => {
    for (const [average, most] of [
      [undefined, 4],
      [0, 4],
      [16, 24],
      [100, 129]
    ] as const) {
      assert.isFalse(givesWay(average, most))
      assert.isTrue(givesWay(average, most + 1))
    }
  })

  it("follows the average", () => {
    const { clock, share } = makeShare()
    share.average = 100
    share.accepted(100)
    assert.strictEqual(clock.slept, 0)
    share.average = 10
    share.accepted(100)
    assert.isAbove(clock.slept, 0)
  })

  it("is everything for a worker that is alone", () => {
    const { clock, share } = makeShare()
    share.workers = 1
    share.accepted(1000)
    assert.strictEqual(clock.slept, 0)
    share.workers = 2
    share.accepted(1000)
    assert.isAbove(clock.slept, 0)
  })

  it("lets it sleep through a burst, but a twentieth of the time in the long run", () => {
    const { clock, share } = makeShare()
    for (let connections = 5; connections <= 1000; connections++) share.accepted(connections)
    assert.approximately(clock.slept, 210, 4)
    const start = clock.now
    const before = clock.slept
    while (clock.now < start + 10_000) {
      clock.now += 0.5
      share.accepted(1000)
    }
    assert.approximately((clock.slept - before) / (clock.now - start), 0.05, 0.0025)
  })

  it("blocks the event loop for a moment when nothing else is said", () => {
    const share = new AcceptShare()
    const start = performance.now()
    for (let count = 0; count < 5; count++) share.accepted(100)
    assert.isAtLeast(performance.now() - start, 4)
  })
})

const size = 64

/** How many of a burst of connections each worker gets. */
const burst = (pool: TestPool) =>
  Effect.gen(function* () {
    const sockets = yield* Effect.acquireRelease(
      Effect.sync(() => Array.from({ length: size }, () => connect({ port: pool.port, host: "127.0.0.1" }))),
      (sockets: ReadonlyArray<Socket>) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
    )
    yield* pool.until("all connections are reported", ({ connections }) => connections === size)
    const counts = pool.workers.map(({ connections }) => connections)
    for (const socket of sockets) socket.destroy()
    yield* pool.until("their ends are reported", ({ connections }) => connections === 0)
    return counts
  }).pipe(Effect.scoped)

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? Number.NaN

describe("workers that accept on one socket", () => {
  // In the middle of some bursts: whoever gets no processor for a while gets no connections either.
  it.live(
    `get 10 to 25 each of ${size} at once, when they are four`,
    () =>
      Effect.gen(function* () {
        const pool = yield* startWorkers(4, { heartbeatTimeout: "500 millis" })
        const bursts = yield* Effect.replicateEffect(burst(pool), 9)
        const shown = JSON.stringify(bursts)
        assert.isAtLeast(median(bursts.map((counts) => Math.min(...counts))), 10, shown)
        assert.isAtMost(median(bursts.map((counts) => Math.max(...counts))), 25, shown)
      }),
    60_000
  )
})
