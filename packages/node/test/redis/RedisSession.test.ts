import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import type { ConnectionListener } from "../../src/redis/RedisConnection.ts"
import * as RedisSession from "../../src/redis/RedisSession.ts"
import { turn } from "./support/FakeRedis.ts"
import { connectionBy, nobody } from "./support/Parts.ts"

describe("RedisSession", () => {
  it.effect("does not try faster and faster where connections are lost as soon as they are open", () =>
    Effect.gen(function* () {
      const opened: Array<ConnectionListener> = []
      const connect = (listener: ConnectionListener) =>
        Effect.sync(() => {
          opened.push(listener)
          return connectionBy(() => Promise.resolve(0))
        })
      yield* RedisSession.make({ connect, prefix: "x", process: "P".repeat(16), timeout: 1000 }, nobody)
      const loseLast = Effect.andThen(
        Effect.sync(() => opened.at(-1)?.onLost(new Error("closed"))),
        turn
      )
      const pass = (milliseconds: number) =>
        Effect.gen(function* () {
          const before = opened.length
          for (let passed = 0; passed < milliseconds; passed += 50) {
            yield* loseLast
            yield* TestClock.adjust(50)
            yield* turn
          }
          return opened.length - before
        })
      const early = yield* pass(1000)
      assert.isAtLeast(early, 2)
      assert.isAtMost(yield* pass(10_000), 45)
      // One that holds for a while is tried soon again.
      yield* TestClock.adjust("6 seconds")
      yield* turn
      const before = opened.length
      yield* loseLast
      yield* TestClock.adjust(50)
      yield* turn
      assert.strictEqual(opened.length, before + 1)
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([])))
  )
})
