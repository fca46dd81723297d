import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { runProperties } from "./support/Properties.ts"

/** Inputs of each of the nine properties: more than 100,000 in all. */
const runs = 12_000

describe("HTTP/2 under random frames and mutated sessions", () => {
  it.live(
    "does not crash, hang, or keep anything, however they are split",
    () =>
      Effect.gen(function* () {
        const { code, output } = yield* runProperties("http2", "Http2Driver.properties", runs)
        assert.strictEqual(code, 0, output)
        assert.match(output, /9 passed/)
      }),
    { timeout: 600_000 }
  )
})
