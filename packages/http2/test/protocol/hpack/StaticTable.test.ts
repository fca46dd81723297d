import { assert, describe, it } from "@effect/vitest"
import {
  staticField,
  staticFieldIndex,
  staticLength,
  staticNameIndex
} from "../../../src/protocol/hpack/StaticTable.ts"

describe("RFC 7541 appendix A", () => {
  it("has 61 fields, from 1 on", () => {
    assert.strictEqual(staticLength, 61)
    assert.isUndefined(staticField(0))
    assert.isUndefined(staticField(-1))
    assert.isUndefined(staticField(62))
  })

  it.each([
    [1, ":authority", ""],
    [2, ":method", "GET"],
    [5, ":path", "/index.html"],
    [8, ":status", "200"],
    [14, ":status", "500"],
    [16, "accept-encoding", "gzip, deflate"],
    [19, "accept", ""],
    [28, "content-length", ""],
    [33, "date", ""],
    [40, "if-modified-since", ""],
    [50, "range", ""],
    [55, "set-cookie", ""],
    [61, "www-authenticate", ""]
  ])("%i is %s: %s", (index, name, value) => {
    assert.deepStrictEqual(staticField(index)?.pair, [name, value])
  })

  it("finds every field, and its name", () => {
    for (let index = 1; index <= staticLength; index++) {
      const { name, value } = staticField(index) ?? { name: "", value: "" }
      const first = staticNameIndex(name)
      assert.isAtMost(first, index)
      assert.isAbove(first, 0)
      assert.notStrictEqual(staticField(first - 1)?.name, name)
      assert.strictEqual(staticFieldIndex(first, value), index)
      assert.strictEqual(staticFieldIndex(first, "something else"), 0)
    }
  })

  it("does not find what is not there", () => {
    assert.strictEqual(staticNameIndex("x-pagi"), 0)
    assert.strictEqual(staticNameIndex("toString"), 0)
    assert.strictEqual(staticFieldIndex(0, ""), 0)
  })
})
