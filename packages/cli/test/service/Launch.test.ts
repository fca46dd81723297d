import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Launch from "../../src/service/Launch.ts"

describe("Launch", () => {
  it("waits a little longer than workers may, never longer than a timer holds", () => {
    const patience = (seconds: number) => Launch.patienceOf(Duration.seconds(seconds))
    assert.strictEqual(patience(5), 15_000)
    assert.strictEqual(patience(0), Number.POSITIVE_INFINITY)
    // With more, the timer of the launcher would fire at once.
    assert.strictEqual(patience(2_147_483), 2 ** 31 - 1)
  })
})
