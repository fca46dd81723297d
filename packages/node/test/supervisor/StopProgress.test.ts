import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as StopProgress from "../../src/supervisor/StopProgress.ts"

/** Runs it, and collects what it logs. */
const collecting = <A, E, R>(use: (lines: Array<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
    return Effect.provide(use(lines), Logger.layer([logger]))
  })

describe("a pool that stops", () => {
  it.effect("says every few seconds whom it waits for, and nothing once nobody is left", () =>
    collecting((lines) =>
      Effect.gen(function* () {
        let workers = [
          { workerNum: 1, connections: 2 },
          { workerNum: 3, connections: 1 }
        ]
        yield* Effect.forkChild(StopProgress.tell(() => workers))
        yield* TestClock.adjust("4900 millis")
        assert.deepStrictEqual(lines, [])
        yield* TestClock.adjust("100 millis")
        workers = workers.slice(1)
        yield* TestClock.adjust("5 seconds")
        workers = []
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(lines, [
          "Info still waiting for 2 workers with 3 connections (worker 1: 2, worker 3: 1) after 5s",
          "Info still waiting for 1 worker with 1 connection (worker 3: 1) after 10s"
        ])
      })
    )
  )

  it.effect("says how long it took", () =>
    collecting((lines) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(10_000)
        yield* StopProgress.tellEnd(8700)
        assert.deepStrictEqual(lines, ["Info all workers have ended, after 1.3s"])
      })
    )
  )

  it.effect("says what it cuts off, if there is anything", () =>
    collecting((lines) =>
      Effect.gen(function* () {
        yield* StopProgress.tellCutOff([])
        yield* StopProgress.tellCutOff([{ workerNum: 1, connections: 0 }])
        assert.deepStrictEqual(lines, [])
        yield* StopProgress.tellCutOff([
          { workerNum: 1, connections: 0 },
          { workerNum: 2, connections: 5 }
        ])
        assert.deepStrictEqual(lines, ["Warn cut off: 1 worker with 5 connections (worker 2: 5)"])
      })
    )
  )
})
