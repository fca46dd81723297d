import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { answerOnce, LateModule } from "../../src/contract/LateHandler.ts"

describe("answerOnce", () => {
  it.effect("answers when it is ready, with what that has brought", () =>
    Effect.gen(function* () {
      const ready = yield* Deferred.make<string>()
      const fiber = answerOnce(Context.empty(), Deferred.await(ready), (found) => Effect.runFork(Effect.succeed(found)))
      assert.isUndefined(fiber.pollUnsafe())
      yield* Deferred.succeed(ready, "found")
      assert.strictEqual(yield* Fiber.join(fiber), "found")
    })
  )

  it.effect("interrupts the answer with its own fiber", () =>
    Effect.gen(function* () {
      const answer = Effect.runFork(Effect.never)
      const fiber = answerOnce(Context.empty(), Effect.void, () => answer)
      yield* Fiber.interrupt(fiber)
      const exit = answer.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isFailure(exit))
    })
  )
})

describe("LateModule", () => {
  it.effect("is loaded once, and then at hand", () =>
    Effect.gen(function* () {
      let loads = 0
      const late = new LateModule(async () => ++loads)
      assert.isUndefined(late.current)
      assert.strictEqual(yield* late.loaded, 1)
      assert.strictEqual(late.current, 1)
      assert.strictEqual(yield* late.loaded, 1)
    })
  )

  it.effect("that cannot be loaded is told to those who need it, and to nobody before", () =>
    Effect.gen(function* () {
      const late = new LateModule(() => Promise.reject(new Error("not there any more")))
      // The runtime looks at the end of a turn for failures that nobody waits for.
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      for (const exit of [yield* Effect.exit(late.loaded), yield* Effect.exit(late.loaded)]) {
        assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "not there any more")
      }
    })
  )
})
