import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { decodeText, Utf8Validator } from "../../src/protocol/Utf8.ts"
import { hex, utf8 } from "../support/Frames.ts"
import { bytes, cuts, integer, mutate, mutation, oneOf, split, unicode } from "../support/Generators.ts"
import { decodeStrictly, firstImpossible } from "../support/Utf8Reference.ts"

/** Where the validator stops, and whether the text may end at its end. */
const check = (pieces: ReadonlyArray<string>): readonly [index: number, isComplete: boolean] => {
  const validator = new Utf8Validator()
  let offset = 0
  for (const piece of pieces) {
    const array = toBytes(piece)
    const index = validator.findInvalid(array, 0, array.length)
    if (index < array.length) return [offset + index, false]
    offset += array.length
  }
  return [offset, validator.isComplete]
}

const invalidAt = (digits: string): number => {
  const text = hex(digits)
  const [index] = check([text])
  assert.strictEqual(index, firstImpossible(text), digits)
  assert.isUndefined(decodeText(toBytes(text)), digits)
  return index
}

describe("RFC 3629 §4: UTF-8", () => {
  it("fails at the first byte that no continuation could make good", () => {
    assert.strictEqual(invalidAt("80"), 0)
    assert.strictEqual(invalidAt("bf"), 0)
    assert.strictEqual(invalidAt("c0 80"), 0)
    assert.strictEqual(invalidAt("c1 bf"), 0)
    assert.strictEqual(invalidAt("f5 80 80 80"), 0)
    assert.strictEqual(invalidAt("ff"), 0)
    assert.strictEqual(invalidAt("61 fe"), 1)
    assert.strictEqual(invalidAt("c2 41"), 1)
    assert.strictEqual(invalidAt("c2 c2"), 1)
    assert.strictEqual(invalidAt("e0 9f bf"), 1)
    assert.strictEqual(invalidAt("e0 a0 41"), 2)
    assert.strictEqual(invalidAt("ed a0 80"), 1)
    assert.strictEqual(invalidAt("ed bf bf"), 1)
    assert.strictEqual(invalidAt("e2 82 e2"), 2)
    assert.strictEqual(invalidAt("f0 8f bf bf"), 1)
    assert.strictEqual(invalidAt("f4 90 80 80"), 1)
    assert.strictEqual(invalidAt("f4 8f bf c0"), 3)
    assert.strictEqual(invalidAt("ef bf bd 80"), 3)
  })

  it("accepts the first and last character of each length", () => {
    for (const text of [
      "\0",
      "\x7f",
      "\x80",
      "\u{7ff}",
      "\u{800}",
      "\u{d7ff}",
      "\u{e000}",
      "\u{ffff}",
      "\u{10000}",
      "\u{10ffff}"
    ]) {
      const encoded = utf8(text)
      assert.deepStrictEqual(check([encoded]), [encoded.length, true])
      assert.strictEqual(decodeText(toBytes(encoded)), text)
    }
  })

  it("U+FFFD and a byte order mark are characters like others", () => {
    assert.strictEqual(decodeText(toBytes(hex("ef bf bd"))), "\u{fffd}")
    assert.strictEqual(decodeText(toBytes(hex("ef bb bf 61"))), "\u{feff}a")
  })

  it("a text that ends inside of a character is not complete", () => {
    for (const digits of ["c2", "e2", "e2 82", "f0", "f0 9f", "f0 9f 98", "e0", "ed", "f4"]) {
      const text = hex(digits)
      assert.deepStrictEqual(check([text]), [text.length, false], digits)
      assert.isUndefined(decodeText(toBytes(text)), digits)
    }
  })

  it("the bytes around a range do not matter", () => {
    assert.strictEqual(decodeText(toBytes(hex("ff c3 a9 82")), 1, 3), "\u{e9}")
    assert.strictEqual(decodeText(toBytes(hex("ff c3 a9 82")), 1, 1), "")
    assert.isUndefined(decodeText(toBytes(hex("c3 a9 a9")), 0, 1))
  })
})

/** Bytes that begin and continue characters, in any order. */
const nearlyUtf8 = Arbitrary.array(
  oneOf(0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5),
  { maxLength: 8 }
).pipe(Arbitrary.map((codes) => String.fromCharCode(...codes)))

const agreesWithReference = (text: string, places: ReadonlyArray<number>): void => {
  const expected = decodeStrictly(text)
  assert.strictEqual(decodeText(toBytes(text)), expected)
  const [index, isComplete] = check(split(text, places))
  assert.strictEqual(index, firstImpossible(text))
  assert.strictEqual(isComplete, expected !== undefined)
}

describe("UTF-8 properties, against TextDecoder", () => {
  it.prop("random bytes", [bytes(6), cuts], ([text, places]) => agreesWithReference(text, places), {
    arbitrary: { runs: 5000, size: 6 },
    timeout: 60_000
  })

  it.prop("bytes that nearly are UTF-8", [nearlyUtf8, cuts], ([text, places]) => agreesWithReference(text, places), {
    arbitrary: { runs: 10_000, size: 8 },
    timeout: 60_000
  })

  it.prop(
    "mutated text",
    [unicode(10), Arbitrary.array(mutation, { maxLength: 2 }), cuts],
    ([text, mutations, places]) => agreesWithReference(mutations.reduce(mutate, utf8(text)), places),
    { arbitrary: { runs: 5000, size: 40 }, timeout: 60_000 }
  )

  it.prop(
    "every sequence of three bytes behind a lead byte",
    [integer(0xc0, 0xf7), integer(0x70, 0xff), integer(0x70, 0xff), integer(0x70, 0xff)],
    (codes) => agreesWithReference(String.fromCharCode(...codes), [1, 2, 3]),
    { arbitrary: { runs: 5000, size: 10 }, timeout: 60_000 }
  )
})
