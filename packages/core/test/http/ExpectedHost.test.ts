import { assert, describe, it } from "@effect/vitest"
import { isMisdirected } from "../../src/http/ExpectedHost.ts"

describe("isMisdirected", () => {
  for (const host of ["a.test", "A.Test", "a.test:", "a.test:8443", "a.test.", "a.test.:443"]) {
    it(`is no request for ${host} when a.test is expected`, () => {
      assert.isFalse(isMisdirected("a.test", [["host", host]]))
    })
  }

  for (const host of ["", "b.test", "a.test.b", "xa.test", "a.test:x", "a.test..", "[::1]", "[::1]:443"]) {
    it(`is a request for ${JSON.stringify(host)} when a.test is expected`, () => {
      assert.isTrue(isMisdirected("a.test", [["host", host]]))
    })
  }

  it("is no request that names no host", () => {
    assert.isFalse(isMisdirected("a.test", [["accept", "*/*"]]))
  })
})
