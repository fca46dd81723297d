import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { watch } from "../../src/process/LoopDelay.ts"

const block = (milliseconds: number): void => {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

/** Long enough for the loop to be looked at. */
const looks = Effect.sleep("150 millis")

describe("the delay of the event loop", () => {
  it.live("is how long it was blocked, and forgotten when it has been told", () =>
    Effect.gen(function* () {
      const { stop, take } = watch()
      assert.strictEqual(take(), 0)
      yield* looks
      block(400)
      yield* looks
      const longest = take()
      assert.isAbove(longest, 300)
      // At once: a machine that stops in the meantime would be told of.
      assert.strictEqual(take(), 0)
      stop()
    })
  )
})
