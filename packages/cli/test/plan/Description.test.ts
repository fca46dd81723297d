import { assert, describe, it } from "@effect/vitest"
import * as Description from "../../src/plan/Description.ts"

/** An error of which nobody knows the place. */
const placeless = <Thrown extends Error>(error: Thrown): Thrown => Object.assign(error, { stack: "" })

describe("what an error is called", () => {
  it("is its message, or that of what has caused it", () => {
    const refused = new Error("connect ECONNREFUSED 127.0.0.1:1")
    for (const [error, text] of [
      [new TypeError("no\n  way"), "TypeError: no way"],
      [new Error("", { cause: refused }), refused.message],
      [new Error("mine", { cause: refused }), "mine"],
      [new TypeError("", { cause: new AggregateError([refused, new Error("other")]) }), `TypeError: ${refused.message}`]
    ] as const) {
      assert.strictEqual(Description.ofError(placeless(error)), text)
    }
  })

  it("is that it has no message, if no cause has one", () => {
    const circular = new Error("")
    circular.cause = circular
    for (const error of [new Error(""), new Error(" "), new Error("", { cause: "text" }), circular]) {
      assert.strictEqual(Description.ofError(placeless(error)), "an error without a message")
    }
  })
})
