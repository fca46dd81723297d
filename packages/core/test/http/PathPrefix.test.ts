import { assert, describe, it } from "@effect/vitest"
import { encode, read } from "../../src/http/PathPrefix.ts"

describe("PathPrefix", () => {
  it.each([
    ["", ""],
    ["/", ""],
    ["/shop", "/shop"],
    ["/shop/", "/shop"],
    ["/shop/de-AT/v1.2", "/shop/de-AT/v1.2"],
    ["/...", "/..."]
  ])("reads %j", (text, prefix) => {
    assert.strictEqual(read(text), prefix)
  })

  it.each([
    "shop",
    "//",
    "//evil.example",
    "/a//b",
    "/a//",
    "/./a",
    "/a/..",
    "/a\\b",
    "/a%2Fb",
    "/a?",
    "/a#",
    "/a b",
    "/\n",
    "http://a"
  ])("does not take %j", (text) => {
    assert.isUndefined(read(text))
  })

  it("can be a part of a URL, decoded as it may be", () => {
    assert.strictEqual(encode(""), "")
    assert.strictEqual(encode("/shop"), "/shop")
    assert.strictEqual(encode("/a b/ü?#"), "/a%20b/%C3%BC%3F%23")
  })
})
