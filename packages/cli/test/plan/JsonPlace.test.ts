import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { find } from "../../src/plan/JsonPlace.ts"

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const pieces = [
  "",
  ",",
  "]",
  "}",
  "{",
  '"',
  "\\",
  ":",
  "1",
  "0",
  "-",
  ".",
  "e",
  "null",
  "\n",
  "\t",
  "//",
  "\0"
] as const

/** Where a piece is put, as a part of the text's length, and how much is taken out there. */
const Edit = Schema.Struct({
  at: Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
  piece: Schema.Literals(pieces)
})

describe("JsonPlace", () => {
  it("says line, column and what was expected", () => {
    const cases: ReadonlyArray<readonly [text: string, line: number, column: number, expected: string]> = [
      ["", 1, 1, "a value"],
      ['{"a": x}', 1, 7, "a value"],
      ['{\n  "a": 1\n  "b": 2\n}', 3, 3, ", or }"],
      ['{\r\n  "a": 1,\r\n}', 3, 1, "a name in double quotes"],
      ["{a: 1}", 1, 2, "a name in double quotes, or }"],
      ['{"a" 1}', 1, 6, ":"],
      ["[1 2]", 1, 4, ", or ]"],
      ["[1,]", 1, 4, "a value"],
      ["[", 1, 2, "a value or ]"],
      ["[1]\n1", 2, 1, "nothing more"],
      ["[1}", 1, 3, ", or ]"],
      ["{} // all", 1, 4, "nothing more (JSON has no comments)"],
      ['["a\nb"]', 1, 2, "a text that ends on its line and has no other escapes than those of JSON"],
      ['{"a": "C:\\x"}', 1, 7, "a text that ends on its line and has no other escapes than those of JSON"],
      ["[01]", 1, 3, ", or ]"]
    ]
    for (const [text, line, column, expected] of cases) assert.deepStrictEqual(find(text), { line, column, expected })
  })

  it.prop(
    "finds a place in what is no JSON, and none in what is",
    [Schema.Json, Edit],
    ([value, { at, length, piece }]) => {
      const json = JSON.stringify(value)
      const start = Math.floor(at * json.length)
      const text = json.slice(0, start) + piece + json.slice(start + length)
      const place = find(text)
      assert.strictEqual(place === undefined, isJson(text))
      if (place === undefined) return
      const lines = text.split("\n")
      assert.isAtMost(place.line, lines.length)
      assert.isAtMost(place.column, (lines[place.line - 1] ?? "").length + 1)
    }
  )

  it("takes no long time for a long text", () => {
    const long = "x".repeat(1_000_000)
    assert.deepStrictEqual(find(`["${long}", ${long}]`)?.column, 1_000_006)
    assert.strictEqual(find(`["${long}`)?.column, 2)
    assert.strictEqual(find("[".repeat(1_000_000))?.column, 1_000_001)
  })
})
