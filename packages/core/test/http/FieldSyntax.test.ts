import { assert, describe, it } from "@effect/vitest"
import { isToken, isValue, nameProblem, parseContentLength, valueProblem } from "../../src/http/FieldSyntax.ts"

describe("FieldSyntax", () => {
  it("tokens are of certain characters", () => {
    for (let code = 0; code < 0x180; code++) {
      const name = `X${String.fromCharCode(code)}`
      assert.strictEqual(isToken(name), /^[!#$%&'*+.^_`|~0-9A-Za-z-]$/.test(String.fromCharCode(code)), name)
    }
    assert.isFalse(isToken(""))
  })

  it("values are bytes without control bytes except HTAB", () => {
    for (let code = 0; code < 0x180; code++) {
      const isAllowed = code === 9 || (code >= 0x20 && code !== 0x7f && code <= 0xff)
      assert.strictEqual(isValue(`a${String.fromCharCode(code)}`), isAllowed, String(code))
    }
    assert.isTrue(isValue(""))
  })

  it("says which character of a name or value is wrong, and where", () => {
    assert.strictEqual(nameProblem(""), 'header name "" is not a token: it is empty')
    assert.strictEqual(nameProblem("x:y"), 'header name "x:y" is not a token: ":" (U+003A) at position 2 of 3')
    const value = (text: string) => valueProblem("X-A", text).replace('the value of header "X-A" has a forbidden ', "")
    assert.strictEqual(value("ab\r\nc: d"), "character: a carriage return (U+000D) at position 3 of 8")
    assert.strictEqual(value("\n"), "character: a line feed (U+000A) at position 1 of 1")
    assert.strictEqual(value("a\x1b[1m"), "character: a control character (U+001B) at position 2 of 5")
    assert.strictEqual(
      value("5 €"),
      'character: "€" (U+20AC) at position 3 of 3; values are byte strings, so text has to be encoded'
    )
    assert.include(value("\u{1f600}"), "(U+1F600) at position 1 of 2")
  })

  it("finds a problem in exactly what is not allowed", () => {
    for (let code = 0; code < 0x180; code++) {
      const text = `a${String.fromCharCode(code)}`
      const place = "at position 2 of 2"
      assert.strictEqual(valueProblem("x", text).includes(place), !isValue(text), String(code))
      assert.strictEqual(nameProblem(text).includes(place), !isToken(text), String(code))
    }
  })

  it("a length is digits alone, and exact", () => {
    for (const value of ["", "-1", "+1", "1.0", "0x1", "1, 1", " 1", "9".repeat(20)]) {
      assert.isUndefined(parseContentLength(value), value)
    }
    assert.strictEqual(parseContentLength("007"), 7)
    assert.strictEqual(parseContentLength(String(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER)
    assert.isUndefined(parseContentLength(String(Number.MAX_SAFE_INTEGER + 1)))
  })
})
