import { assert, describe, it } from "@effect/vitest"
import { get, isToken, isValue, normalizeName } from "../src/HeaderBlock.ts"

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

  it("names are tokens, and come back in lower case", () => {
    for (let code = 0; code < 0x180; code++) {
      const name = `X${String.fromCharCode(code)}`
      const isAllowed = /^[!#$%&'*+.^_`|~0-9A-Za-z-]$/.test(String.fromCharCode(code))
      assert.strictEqual(isToken(name), isAllowed, name)
      assert.strictEqual(normalizeName(name), isAllowed ? name.toLowerCase() : undefined)
      assert.strictEqual(normalizeName(name), isAllowed ? name.toLowerCase() : undefined)
    }
    assert.isUndefined(normalizeName(""))
    assert.strictEqual(normalizeName("__proto__"), "__proto__")
    assert.strictEqual(normalizeName("Constructor"), "constructor")
  })

  it("remembered names stay right when there are more than are remembered", () => {
    for (let index = 0; index < 2000; index++) assert.strictEqual(normalizeName(`Name-${index}`), `name-${index}`)
    assert.strictEqual(normalizeName("Name-0"), "name-0")
  })

  it("values are bytes without control bytes except HTAB", () => {
    for (let code = 0; code < 0x180; code++) {
      const isAllowed = code === 9 || (code >= 0x20 && code !== 0x7f && code <= 0xff)
      assert.strictEqual(isValue(`a${String.fromCharCode(code)}`), isAllowed, String(code))
    }
    assert.isTrue(isValue(""))
  })
})
