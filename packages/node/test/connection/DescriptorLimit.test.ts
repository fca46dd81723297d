import { assert, describe, it } from "@effect/vitest"
import * as Deadlines from "@pagi/core/server/Deadlines"
import { RequestRunner } from "@pagi/core/server/RequestRunner"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { DescriptorLimit, readLimit } from "../../src/connection/DescriptorLimit.ts"

/** The limit of a process that may have so many descriptors, and what is logged. */
const makeLimit = (count: number) =>
  Effect.gen(function* () {
    const messages: Array<string> = []
    const logger = Logger.make(({ message }) => {
      messages.push(String(message))
    })
    return yield* Effect.gen(function* () {
      const runner = new RequestRunner(() => Effect.void, yield* Effect.context<never>())
      const limit = new DescriptorLimit({ deadlines: yield* Deadlines.make, runner }, count)
      return { limit, messages }
    }).pipe(Effect.provide(Logger.layer([logger])))
  })

/** Connections of which none lingers. */
const noLingering = { size: 10, giveWay: () => false }

/** Longer than a pause and the tick in which it began. */
const pause = "201 millis"

describe("the limit of descriptors", () => {
  it.effect("keeps an eighth free, and 64 at most", () =>
    Effect.gen(function* () {
      for (const [count, reserve] of [
        [64, 8],
        [1024, 64],
        [1_048_576, 64],
        [Number.POSITIVE_INFINITY, 64]
      ] as const) {
        const { limit } = yield* makeLimit(count)
        assert.strictEqual(limit.reserve, reserve)
      }
    })
  )

  it.effect("is reached by a connection with one of the last numbers", () =>
    Effect.gen(function* () {
      const { limit, messages } = yield* makeLimit(64)
      assert.isFalse(limit.isReached(55, noLingering))
      assert.isFalse(limit.isReached(undefined, noLingering))
      assert.isTrue(limit.isReached(56, noLingering))
      assert.deepStrictEqual(messages, [
        "too many open files: 56 of the 64 that ulimit -n allows; " +
          "new connections are answered with 503 until some are closed; raise the limit or lower maxConnections"
      ])
    })
  )

  it.effect("keeps connections out for 100 ms more, also when descriptors are free again", () =>
    Effect.gen(function* () {
      const { limit } = yield* makeLimit(64)
      limit.isReached(60, noLingering)
      assert.isTrue(limit.isReached(20, noLingering))
      yield* TestClock.adjust("99 millis")
      assert.isTrue(limit.isReached(20, noLingering))
      yield* TestClock.adjust(pause)
      assert.isFalse(limit.isReached(20, noLingering))
    })
  )

  it.effect("is not reached while connections linger, one of which gives way for each that comes", () =>
    Effect.gen(function* () {
      const { limit, messages } = yield* makeLimit(64)
      let lingering = 3
      const connections = { size: 10, giveWay: () => lingering > 0 && lingering-- > 0 }
      assert.isFalse(limit.isReached(20, connections))
      assert.strictEqual(lingering, 3)
      assert.isFalse(limit.isReached(56, connections))
      // It gets the number that was given away, and yet there is one more than there may be.
      assert.isFalse(limit.isReached(20, connections))
      assert.strictEqual(lingering, 1)
      assert.isFalse(limit.isReached(20, { ...connections, size: 9 }))
      assert.isFalse(limit.isReached(56, connections))
      assert.deepStrictEqual(messages, [])
      assert.isFalse(limit.isReached(20, connections))
      assert.isTrue(limit.isReached(56, connections))
      assert.strictEqual(messages.length, 1)
    })
  )

  it.effect("is told once for each burst", () =>
    Effect.gen(function* () {
      const { limit, messages } = yield* makeLimit(64)
      for (let time = 0; time < 10; time++) {
        limit.isReached(60, noLingering)
        yield* TestClock.adjust("90 millis")
      }
      assert.strictEqual(messages.length, 1)
      yield* TestClock.adjust(pause)
      limit.isReached(60, noLingering)
      assert.strictEqual(messages.length, 2)
    })
  )

  it.effect("is also reached when the system accepts no more; other errors concern one connection", () =>
    Effect.gen(function* () {
      for (const code of ["EMFILE", "ENFILE"]) {
        const { limit, messages } = yield* makeLimit(64)
        limit.onAcceptError(Object.assign(new Error("accept"), { code }))
        assert.isTrue(limit.isReached(20, noLingering))
        assert.isTrue(messages[0]?.startsWith(`too many open files (${code}); new connections are answered with 503`))
      }
      const { limit, messages } = yield* makeLimit(64)
      limit.onAcceptError(Object.assign(new Error("accept ECONNABORTED"), { code: "ECONNABORTED" }))
      assert.isFalse(limit.isReached(20, noLingering))
      assert.deepStrictEqual(messages, ["a connection could not be accepted: accept ECONNABORTED"])
    })
  )

  it("is read from the system, or is none", () => {
    const limit = readLimit()
    assert.isTrue(process.platform === "linux" ? limit >= 64 && Number.isFinite(limit) : limit > 0)
  })
})
