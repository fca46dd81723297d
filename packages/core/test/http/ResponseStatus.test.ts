import { assert, describe, it } from "@effect/vitest"
import {
  finalStatusProblem,
  informationalStatusProblem,
  isContentless,
  isWithoutContent
} from "../../src/http/ResponseStatus.ts"

const noStatus = [Number.NaN, Number.POSITIVE_INFINITY, -200, 0, 99, 100.5, 200.5, 600, 1000]

describe("the status of a response", () => {
  it("is final from 200 to 599", () => {
    for (const status of [200, 204, 299, 304, 599]) assert.isUndefined(finalStatusProblem(status))
    for (const status of [...noStatus, 100, 101, 199]) {
      assert.strictEqual(finalStatusProblem(status), `${status} is not the status of a final response`)
    }
  })

  it("is informational from 100 to 199, except 101", () => {
    for (const status of [100, 102, 103, 199]) assert.isUndefined(informationalStatusProblem(status))
    for (const status of [...noStatus, 101, 200]) {
      assert.strictEqual(informationalStatusProblem(status), `${status} is not the status of an informational response`)
    }
  })

  it("may say that there is no content, as HEAD does for all", () => {
    for (const status of [100, 101, 103, 204, 205, 304]) {
      assert.isTrue(isWithoutContent(status) && isContentless(status, false) && isContentless(status, true))
    }
    for (const status of [200, 203, 206, 300, 303, 305, 404, 500]) {
      assert.isFalse(isWithoutContent(status) || isContentless(status, false))
      assert.isTrue(isContentless(status, true))
    }
  })
})
