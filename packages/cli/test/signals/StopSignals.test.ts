import { assert, describe, it } from "@effect/vitest"
import { StopRequests } from "../../src/signals/StopSignals.ts"

describe("StopSignals", () => {
  it("a request is repeated when it comes again after a while", () => {
    const requests = new StopRequests()
    assert.deepStrictEqual(
      [1000, 1000, 1003, 1499, 1500, 9000].map((now) => requests.isRepeated(now)),
      [false, false, false, false, true, true]
    )
  })
})
