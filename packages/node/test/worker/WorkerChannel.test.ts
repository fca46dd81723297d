import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fetchText } from "../support/Client.ts"
import { startWorkers, type TestPool, type TestWorker } from "../support/WorkerPool.ts"

/** How a worker ends when this is done to it. */
const endOf = (stop: (worker: TestWorker) => void) =>
  Effect.scoped(
    Effect.gen(function* () {
      const pool = yield* startWorkers(1)
      const worker = only(pool)
      stop(worker)
      yield* pool.until("it has exited", () => worker.hasExited)
      const { exitCode, signalCode } = worker.child
      return { code: exitCode, signal: signalCode, hasSaidSo: worker.has("stopping") }
    })
  )

const only = ({ workers }: TestPool): TestWorker => {
  const [worker] = workers
  if (worker === undefined) throw new Error("there is a worker")
  return worker
}

describe("a real worker", () => {
  it.live(
    "stops when it is ordered to, by SIGTERM, and when its parent has gone",
    () =>
      Effect.gen(function* () {
        const retired = yield* endOf((worker) => worker.send({ type: "retire" }))
        assert.deepStrictEqual(retired, { code: 0, signal: null, hasSaidSo: false })
        const terminated = yield* endOf(({ child }) => child.kill("SIGTERM"))
        assert.deepStrictEqual(terminated, { code: 0, signal: null, hasSaidSo: true })
        const orphaned = yield* endOf(({ child }) => child.disconnect())
        assert.deepStrictEqual(orphaned, { code: 0, signal: null, hasSaidSo: false })
      }),
    90_000
  )

  it.live(
    "serves on under all other signals, and counts its requests",
    () =>
      Effect.gen(function* () {
        const pool = yield* startWorkers(1, { maxRequests: 3, heartbeatTimeout: "200 millis" })
        const worker = only(pool)
        for (const signal of ["SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const) worker.child.kill(signal)
        for (let count = 0; count < 3; count++) assert.match(yield* fetchText(pool.port), /1$/)
        yield* pool.until("it has served enough", () => worker.has("quota"))
        // Its status is told by itself, at the next heartbeat.
        yield* pool.until("it has told how many requests it has served", () => worker.status?.requests === 3)
        assert.isAbove(worker.status?.memory ?? 0, 1e7)
        assert.isFalse(worker.hasExited)
      }),
    60_000
  )
})
