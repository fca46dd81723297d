import { assert, describe, it } from "@effect/vitest"
import type * as Effect from "effect/Effect"
import { runCallbacks } from "../../src/contract/Callbacks.ts"

describe("runCallbacks", () => {
  it("runs none for none", () => {
    runCallbacks(undefined, "value", () => assert.fail("nothing to log"))
  })

  it("runs them in order with the value", () => {
    const seen: Array<string> = []
    runCallbacks([(value: string) => seen.push(`a ${value}`), (value) => seen.push(`b ${value}`)], "1", () =>
      assert.fail("nothing to log")
    )
    assert.deepStrictEqual(seen, ["a 1", "b 1"])
  })

  it("logs one that throws and goes on", () => {
    const seen: Array<number> = []
    const logged: Array<Effect.Effect<void>> = []
    const fails = () => {
      throw new Error("the application's fault")
    }
    runCallbacks([fails, (value: number) => seen.push(value), fails], 7, (effect) => logged.push(effect))
    assert.deepStrictEqual(seen, [7])
    assert.strictEqual(logged.length, 2)
  })

  it("does not run those that are registered meanwhile", () => {
    const seen: Array<string> = []
    const callbacks: Array<() => void> = [
      () => {
        seen.push("first")
        callbacks.push(() => seen.push("late"))
      }
    ]
    runCallbacks(callbacks, undefined, () => assert.fail("nothing to log"))
    assert.deepStrictEqual(seen, ["first"])
  })
})
