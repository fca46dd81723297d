import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { runProperties } from "./support/Properties.ts"

/** Inputs of each of the four properties, ten times as many as the ordinary tests try. */
const runs = 2000

describe("the plan of a supervisor under random events", () => {
  it.live(
    "gets every pool back to its size, or stops it",
    () =>
      Effect.gen(function* () {
        const { code, output } = yield* runProperties("node", "RestartPlan.properties", runs)
        assert.strictEqual(code, 0, output)
        assert.match(output, /4 passed/)
      }),
    { timeout: 300_000 }
  )
})
