import { assert, describe, it } from "@effect/vitest"
import { complete } from "../../src/plan/DetectedMode.ts"

const textsWith = (mode?: string) => ({
  options: mode === undefined ? {} : { mode: { source: "PAGI_ENV", text: mode } },
  noAccessLog: false
})

describe("DetectedMode", () => {
  it("takes development in a terminal alone, and where nobody has named a mode", () => {
    assert.deepStrictEqual(
      complete(textsWith(), () => false),
      textsWith()
    )
    assert.deepStrictEqual(
      complete(textsWith("production"), () => true),
      textsWith("production")
    )
    const detected = { mode: { source: "the terminal", text: "development" } }
    for (const texts of [textsWith(), textsWith("")]) {
      assert.deepStrictEqual(
        complete(texts, () => true),
        { options: detected, noAccessLog: false }
      )
    }
  })
})
