import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Topic from "../../src/topics/Topic.ts"
import { fits } from "../../src/topics/TopicLimits.ts"

const bytes = (text: string): number => new TextEncoder().encode(text).length

const Unit = Schema.Literals([
  "a",
  "\u00e9",
  "\u20ac",
  "\u{1f600}",
  "\ud83d",
  "\ude00",
  "\u07ff",
  "\u0800",
  "\u007f",
  "\u0080"
])

describe("the limits of topics", () => {
  it.prop("count bytes of UTF-8 as they are sent", [Schema.Array(Unit)], ([units]) => {
    const text = units.join("")
    const length = bytes(text)
    assert.isTrue(fits(text, length))
    assert.isFalse(fits(text, length - 1))
    assert.isTrue(fits(text, text.length * 3))
  })
})

describe("the name of a topic", () => {
  const problemOf = (name: unknown) => Topic.nameProblem(name)?.reason.message

  it("may be anything of 1 to 255 bytes", () => {
    for (const name of ["a", " ", "\n\0", "room/*?#+", "__proto__", "a".repeat(255), "\u20ac".repeat(85)]) {
      assert.isUndefined(problemOf(name))
    }
  })

  it("is nothing else", () => {
    assert.strictEqual(problemOf(""), "a name has at least one character")
    assert.strictEqual(problemOf("a".repeat(256)), "a name has at most 255 bytes of UTF-8")
    assert.strictEqual(problemOf("\u20ac".repeat(86)), "a name has at most 255 bytes of UTF-8")
    assert.strictEqual(problemOf("a\ud83d"), "a name has no halves of surrogate pairs")
    assert.strictEqual(problemOf(undefined), "a name is a string")
  })

  it("stands in the error, but not all of it when it is long", () => {
    assert.strictEqual(Topic.nameProblem("")?.message, 'topic "": a name has at least one character')
    assert.isBelow(Topic.nameProblem("a".repeat(100_000))?.message.length ?? Infinity, 200)
  })
})
