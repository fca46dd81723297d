import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as LoadTime from "../../src/application/LoadTime.ts"

const limit = Duration.seconds(10)

/** Starts to load what never comes, and has what is logged meanwhile. */
const start = <A>(load: (progress: LoadTime.Progress) => Effect.Effect<A>, limit: Duration.Duration) =>
  Effect.gen(function* () {
    const messages: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      messages.push(`${logLevel}: ${String(message)}`)
    })
    const fiber = yield* Effect.forkChild(
      Effect.provide(Effect.flip(LoadTime.watch("./app.ts", limit, load)), Logger.layer([logger])),
      { startImmediately: true }
    )
    return { fiber, messages }
  })

describe("LoadTime", () => {
  it.effect("says after a second what is being loaded, once", () =>
    Effect.gen(function* () {
      const { messages } = yield* start(() => Effect.never, limit)
      yield* TestClock.adjust(999)
      assert.deepStrictEqual(messages, [])
      yield* TestClock.adjust(8000)
      assert.deepStrictEqual(messages, ["Info: loading ./app.ts"])
    })
  )

  it.effect("says nothing of what is loaded by then, and yields it", () =>
    Effect.gen(function* () {
      const messages: Array<unknown> = []
      const logger = Logger.make(({ message }) => {
        messages.push(message)
      })
      const load = () => Effect.as(Effect.sleep(900), 42)
      const fiber = yield* Effect.forkChild(
        Effect.provide(LoadTime.watch("./app.ts", limit, load), Logger.layer([logger])),
        { startImmediately: true }
      )
      yield* TestClock.adjust(60_000)
      assert.strictEqual(yield* Fiber.join(fiber), 42)
      assert.deepStrictEqual(messages, [])
    })
  )

  it.effect("gives up what takes too long, and says what that was, also when it cannot be interrupted", () =>
    Effect.gen(function* () {
      const loads = [() => Effect.never, () => Effect.uninterruptible(Effect.never)]
      for (const load of loads) {
        const { fiber } = yield* start(load, limit)
        yield* TestClock.adjust(limit)
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error.message, "cannot load ./app.ts: its import has not completed within 10s (bootTimeout)")
      }
      const { fiber } = yield* start((progress) => {
        progress.subject = "the default export"
        return Effect.never
      }, limit)
      yield* TestClock.adjust(limit)
      assert.include((yield* Fiber.join(fiber)).message, "the default export has not completed")
    })
  )

  it.effect("gives nothing up without a limit, and stops loading when nobody wants it any more", () =>
    Effect.gen(function* () {
      let isStopped = false
      const load = () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => (isStopped = true)))
      const { fiber } = yield* start(load, Duration.zero)
      yield* TestClock.adjust("30 days")
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)
      assert.isTrue(isStopped)
    })
  )
})
