import { assert, describe, it } from "@effect/vitest"
import * as RequestPath from "@pagi/core/http/RequestPath"
import * as Schema from "effect/Schema"
import { parse, toUrlPath } from "../../src/static/TargetPath.ts"

describe("TargetPath", () => {
  it("splits a path into names", () => {
    assert.deepStrictEqual(parse("/", "/"), { names: [], endsWithSlash: true })
    assert.deepStrictEqual(parse("/a", "/a"), { names: ["a"], endsWithSlash: false })
    assert.deepStrictEqual(parse("/a b/ü/", "/a%20b/%C3%BC/"), { names: ["a b", "ü"], endsWithSlash: true })
    assert.deepStrictEqual(parse("/%2e%2e/", "/%252e%252e/"), { names: ["%2e%2e"], endsWithSlash: true })
  })

  it("refuses names that are never shown", () => {
    for (const path of [
      "",
      "a",
      "*",
      "//",
      "//a",
      "/a//",
      "/a//b",
      "/.",
      "/..",
      "/../a",
      "/a/..",
      "/a/./b",
      "/.git/x"
    ]) {
      assert.isUndefined(parse(path, path), path)
    }
    for (const path of ["/a\\b", "/..\\a", "/a\0", "/a\0.txt", "/...", "/a/.b/"])
      assert.isUndefined(parse(path, path), path)
  })

  it("refuses a slash that was encoded", () => {
    assert.isUndefined(parse("/a/b", "/a%2Fb"))
    assert.isUndefined(parse("/a/b", "/a%2fb"))
  })

  const names = Schema.Array(Schema.String.check(Schema.isPattern(/^[^./\\\0][^/\\\0]*$/))).check(Schema.isMaxLength(3))

  it.prop("the path of names leads back to them", [names], ([names]) => {
    const wellFormed = names.map((name) => name.toWellFormed())
    const rawPath = toUrlPath(wellFormed)
    assert.deepStrictEqual(parse(RequestPath.decode(rawPath) ?? "", rawPath), {
      names: wellFormed,
      endsWithSlash: true
    })
  })
})
