import { assert, describe, it } from "@effect/vitest"
import { get } from "../../src/http/HeaderBlock.ts"

describe("HeaderBlock", () => {
  it("get finds the first field", () => {
    assert.strictEqual(
      get(
        [
          ["a", "1"],
          ["b", "2"],
          ["b", "3"]
        ],
        "b"
      ),
      "2"
    )
    assert.isUndefined(get([["a", "1"]], "__proto__"))
  })
})
