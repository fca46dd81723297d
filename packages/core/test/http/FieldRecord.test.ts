import { assert, describe, it } from "@effect/vitest"
import { joinFields } from "../../src/http/FieldRecord.ts"

const block = [
  ["accept", "a"],
  ["cookie", "x=1"],
  ["host", "one"],
  ["accept", "b"],
  ["cookie", "y=2"],
  ["host", "other"],
  ["__proto__", "p"]
] as const

describe("joinFields", () => {
  it("joins the values of a name, those of cookies by semicolons", () => {
    assert.deepStrictEqual(Object.entries(joinFields(block)), [
      ["accept", "a, b"],
      ["cookie", "x=1; y=2"],
      ["host", "one, other"],
      ["__proto__", "p"]
    ])
  })

  it("keeps the first of a singular name, and leaves out what is not wanted", () => {
    const rules = { isSingular: (name: string) => name === "host", isWanted: (name: string) => name !== "accept" }
    assert.deepStrictEqual(Object.entries(joinFields(block, rules)), [
      ["cookie", "x=1; y=2"],
      ["host", "one"],
      ["__proto__", "p"]
    ])
  })
})
