import { assert, describe, it } from "@effect/vitest"
import { listElements, readExpect, skipBlanks, trimBlanks, valuesOf } from "../../src/http/CommaList.ts"

describe("listElements", () => {
  it("is one element without a comma", () => {
    assert.deepStrictEqual(listElements("close"), ["close"])
    assert.deepStrictEqual(listElements("a b;c=d"), ["a b;c=d"])
  })

  it("keeps order, case and empty elements", () => {
    assert.deepStrictEqual(listElements("Keep-Alive,upgrade"), ["Keep-Alive", "upgrade"])
    assert.deepStrictEqual(listElements(""), [""])
    assert.deepStrictEqual(listElements(", ,a,"), ["", "", "a", ""])
  })

  it("takes SP and HTAB from both ends of an element, and nothing else", () => {
    assert.deepStrictEqual(listElements(" \ta\t "), ["a"])
    assert.deepStrictEqual(listElements(" \t "), [""])
    assert.deepStrictEqual(listElements("a \t, b c ,\td"), ["a", "b c", "d"])
    assert.deepStrictEqual(listElements("\xa0a\xa0, \v, \xa0"), ["\xa0a\xa0", "\v", "\xa0"])
  })
})

describe("skipBlanks", () => {
  it("gives the index of what is not a blank, or the end", () => {
    assert.deepStrictEqual(
      [0, 1, 3, 4].map((index) => skipBlanks("a \tb", index)),
      [0, 3, 3, 4]
    )
    assert.strictEqual(skipBlanks(" \t", 0), 2)
  })
})

describe("trimBlanks", () => {
  it("leaves nothing of blanks alone, and a text without them as it is", () => {
    assert.deepStrictEqual(["", " ", "\t \t", "a", " a", "a\t", "a b"].map(trimBlanks), [
      "",
      "",
      "",
      "a",
      "a",
      "a",
      "a b"
    ])
  })
})

describe("readExpect", () => {
  it("is true when only 100-continue is asked for, however often and in whatever case", () => {
    for (const value of ["100-continue", "100-Continue", " 100-continue\t", "100-continue,100-CONTINUE"]) {
      assert.strictEqual(readExpect(value), true, value)
    }
  })

  it("passes over empty elements, and is false when there are no others", () => {
    assert.strictEqual(readExpect(",100-continue, ,"), true)
    for (const value of ["", " ", ",", " ,\t,"]) assert.strictEqual(readExpect(value), false, JSON.stringify(value))
  })

  it("is undefined when anything else is asked for", () => {
    for (const value of ["200-ok", "100-continue, x", "x, 100-continue", "100-continue=1", "100-continuee"]) {
      assert.strictEqual(readExpect(value), undefined, value)
    }
  })
})

describe("valuesOf", () => {
  it("gives the values of all fields with the name, in order", () => {
    const headers = [
      ["a", "1"],
      ["ab", "2"],
      ["a", ""]
    ] as const
    assert.deepStrictEqual(valuesOf(headers, "a"), ["1", ""])
    assert.deepStrictEqual(valuesOf(headers, "b"), [])
  })
})
