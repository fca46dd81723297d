import { assert, describe, it } from "@effect/vitest"
import * as Runner from "effect/cluster/Runner"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as ShardId from "effect/cluster/ShardId"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { ClusterRequest } from "../../src/cluster/ClusterRequest.ts"
import * as PoolRunnerStorage from "../../src/cluster/PoolRunnerStorage.ts"
import { ShardLocks } from "../../src/cluster/ShardLocks.ts"

const address = RunnerAddress.make("pagi.pool", 1)
const other = RunnerAddress.make("pagi.pool", 2)
const runner = Runner.make({ address, groups: ["default"], weight: 1 })
const [one, two] = [ShardId.make("default", 1), ShardId.make("default", 2)]

const make = () => {
  const locks = new ShardLocks()
  const storage = (client: string) =>
    PoolRunnerStorage.make({ ask: (request, answer) => answer(locks.ask(client, request)) })
  return { mine: storage("1"), another: storage("2") }
}

describe("the storage of runners that a supervisor keeps", () => {
  it.effect("is one that Effect's cluster can use", () =>
    Effect.gen(function* () {
      const { another, mine } = make()
      assert.strictEqual(yield* mine.register(runner, true), 0)
      assert.deepStrictEqual(yield* another.getRunners, [[runner, true]])
      yield* another.setRunnerHealth(address, false)
      assert.deepStrictEqual(yield* another.getRunners, [[runner, false]])
      assert.deepStrictEqual(yield* mine.acquire(address, [one, two]), [one, two])
      assert.deepStrictEqual(yield* mine.refresh(address, [one]), [one])
      yield* mine.release(address, one)
      assert.deepStrictEqual(yield* another.acquire(other, [one]), [one])
      yield* mine.releaseAll(address)
      yield* mine.unregister(address)
      assert.deepStrictEqual(yield* another.getRunners, [])
      assert.deepStrictEqual(yield* another.acquire(other, [two]), [two])
    })
  )

  it.effect("waits a moment for shards that another runner is about to let go of, and not longer", () =>
    Effect.gen(function* () {
      const { another, mine } = make()
      yield* another.acquire(other, [one, two])
      const acquiring = yield* Effect.forkChild(mine.acquire(address, [one, two]), { startImmediately: true })
      yield* TestClock.adjust("30 millis")
      yield* another.releaseAll(other)
      yield* TestClock.adjust("30 millis")
      assert.deepStrictEqual(yield* Fiber.join(acquiring), [one, two])
      const vain = yield* Effect.forkChild(another.acquire(other, [two]), { startImmediately: true })
      yield* TestClock.adjust("400 millis")
      assert.deepStrictEqual(yield* Fiber.join(vain), [])
    })
  )

  it.effect("says why something was not done", () =>
    Effect.gen(function* () {
      const { another, mine } = make()
      yield* mine.register(runner, true)
      const error = yield* Effect.flip(another.register(runner, true))
      assert.include(String(error.cause), "another runner has this address")
      const strange = PoolRunnerStorage.make({ ask: (_request, answer) => answer({ type: "done" }) })
      assert.include(String((yield* Effect.flip(strange.getRunners)).cause), "has not answered what was asked")
    })
  )

  it.effect("has nothing any more when the supervisor has ended, and lets go of everything at once", () =>
    Effect.gen(function* () {
      const asked: Array<ClusterRequest> = []
      const lost = PoolRunnerStorage.make({
        ask: (request, answer) => {
          asked.push(request)
          answer(undefined)
        }
      })
      assert.include(String((yield* Effect.flip(lost.getRunners)).cause), "has ended")
      assert.include(String((yield* Effect.flip(lost.register(runner, true))).cause), "has ended")
      assert.deepStrictEqual(yield* lost.refresh(address, [one]), [])
      yield* lost.release(address, one)
      yield* lost.releaseAll(address)
      yield* lost.unregister(address)
      assert.strictEqual(asked.length, 6)
    })
  )
})
