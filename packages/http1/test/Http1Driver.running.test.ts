import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { maxRunning } from "../src/Http1Driver.ts"
import { recorded, respond } from "@pagi/core/test/drivers/support/Applications"
import { assertNothingLeft, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { get } from "./support/Machine.ts"

/** A server whose applications run on after their response until they are told, the one that came first first. */
const setUp = Effect.gen(function* () {
  const waiting: Array<Deferred.Deferred<void>> = []
  const { application, scopes } = recorded<unknown>((_, __, send) => {
    const end = Deferred.makeUnsafe<void>()
    waiting.push(end)
    return Effect.andThen(respond(send, "answered"), Deferred.await(end))
  })
  const harness = yield* makeHarness(application)
  const transport = harness.connect()
  const endFirst = Effect.suspend(() => {
    const first = waiting.shift()
    return first === undefined ? Effect.void : Effect.andThen(Deferred.succeed(first, undefined), turn)
  })
  return { harness, transport, scopes, endFirst, waiting }
})

describe("applications that run on after their response", () => {
  it.effect("are so many at most; the next request waits until one has ended", () =>
    Effect.gen(function* () {
      const { endFirst, harness, scopes, transport, waiting } = yield* setUp
      transport.push(get().repeat(maxRunning - 1))
      yield* turn
      transport.push(get() + get().repeat(2))
      yield* turn
      assert.deepStrictEqual([scopes.length, statuses(transport.text).length], [maxRunning, maxRunning])
      assert.isTrue(transport.isPaused)
      for (const more of [1, 2, 2]) {
        yield* endFirst
        assert.strictEqual(scopes.length, maxRunning + more)
        assert.strictEqual(statuses(transport.text).length, maxRunning + more)
      }
      assert.isFalse(transport.isPaused)
      while (waiting.length > 0) yield* endFirst
      yield* finish(harness, transport)
    })
  )

  it.effect("do not keep the end of the peer from being noticed when nothing waits", () =>
    Effect.gen(function* () {
      const { harness, transport, waiting } = yield* setUp
      transport.push(get().repeat(maxRunning))
      yield* turn
      assert.isFalse(transport.isPaused)
      transport.pushEnd()
      yield* turn
      assert.strictEqual(transport.ending, "ended")
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(waiting.length, maxRunning)
      yield* turn
      assertNothingLeft(harness)
    })
  )

  it.effect("keep a request waiting for timeout at the longest", () =>
    Effect.gen(function* () {
      const { harness, transport } = yield* setUp
      transport.push(get().repeat(maxRunning + 1))
      yield* turn
      yield* TestClock.adjust("80 seconds")
      assert.strictEqual(transport.ending, "destroyed")
      yield* TestClock.adjust("6 seconds")
      yield* turn
      assertNothingLeft(harness)
    })
  )
})
