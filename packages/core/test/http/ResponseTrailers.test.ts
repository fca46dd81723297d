import { assert, describe, it } from "@effect/vitest"
import { nameProblem, valueProblem } from "../../src/http/FieldSyntax.ts"
import { readTrailers } from "../../src/http/ResponseTrailers.ts"

describe("readTrailers", () => {
  it("has names in lower case, values as they are, and the order of the application", () => {
    assert.deepStrictEqual(
      readTrailers([
        ["X-Sum", " 1 "],
        ["etag", ""],
        ["x-sum", "2"]
      ]),
      [
        ["x-sum", " 1 "],
        ["etag", ""],
        ["x-sum", "2"]
      ]
    )
  })

  it("leaves out what frames, routes, authenticates, or describes the content", () => {
    const forbidden = ["Content-Length", "Transfer-Encoding", "connection", "upgrade", "Host", "Set-Cookie", "If-Match"]
    assert.deepStrictEqual(readTrailers([...forbidden.map((name) => [name, "1"] as const), ["x", "y"]]), [["x", "y"]])
  })

  it("validates also what it leaves out", () => {
    assert.strictEqual(readTrailers([["a b", ""]]), nameProblem("a b"))
    for (const name of ["x", "content-length"]) {
      assert.strictEqual(readTrailers([[name, "a\nb"]]), valueProblem(name, "a\nb"))
    }
  })
})
