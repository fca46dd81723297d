/** A part of the chat that does not come up is told as such, after however many looks. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { launch, type PartFailed } from "../../examples/cluster-chat/launcher/Part.ts"

describe("a part of the chat", () => {
  it.effect("that is not ready in time fails, and is ended", () =>
    Effect.gen(function* () {
      let looks = 0
      const ended: Array<number> = []
      const part = {
        name: "server 1",
        command: "sleep",
        args: ["100"],
        isReady: Effect.promise(() => {
          looks++
          return Promise.resolve(false)
        })
      }
      const guard = { begun: () => {}, ended: (pid: number) => void ended.push(pid) }
      const failure = yield* Deferred.make<never, PartFailed>()
      const starting = yield* Effect.forkChild(Effect.flip(Effect.scoped(launch([part], guard, failure))), {
        startImmediately: true
      })
      for (let look = 0; look <= 1200; look++) {
        yield* TestClock.adjust("50 millis")
        yield* Effect.promise(() => Promise.resolve())
      }
      const { message } = yield* Fiber.join(starting)
      assert.strictEqual(message, "server 1 is not ready after 60 seconds")
      assert.isAbove(looks, 1000)
      assert.strictEqual(ended.length, 1)
    })
  )
})
