import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { parse } from "../../src/static/ByteRange.ts"

describe("ByteRange", () => {
  it("reads one range", () => {
    assert.deepStrictEqual(parse("bytes=0-0", 10), { start: 0, end: 1 })
    assert.deepStrictEqual(parse("bytes=2-5", 10), { start: 2, end: 6 })
    assert.deepStrictEqual(parse("bytes=2-", 10), { start: 2, end: 10 })
    assert.deepStrictEqual(parse("bytes=-3", 10), { start: 7, end: 10 })
    assert.deepStrictEqual(parse("Bytes= 2-5 ", 10), { start: 2, end: 6 })
  })

  it("ends at the end of the file", () => {
    assert.deepStrictEqual(parse("bytes=2-99999999999999999999999999", 10), { start: 2, end: 10 })
    assert.deepStrictEqual(parse("bytes=-11", 10), { start: 0, end: 10 })
  })

  it("knows what cannot be satisfied", () => {
    for (const field of ["bytes=10-", "bytes=10-11", "bytes=-0", "bytes=99999999999999999999999999-"]) {
      assert.strictEqual(parse(field, 10), "unsatisfiable", field)
    }
    assert.strictEqual(parse("bytes=0-", 0), "unsatisfiable")
    assert.strictEqual(parse("bytes=-1", 0), "unsatisfiable")
  })

  it("ignores what is malformed, in another unit or a list", () => {
    const fields = [
      "",
      "bytes",
      "bytes=",
      "bytes=-",
      "bytes=5-2",
      "bytes=a-b",
      "bytes=1-2-3",
      "bytes=+1-2",
      "bytes=0x1-2"
    ]
    const lists = ["bytes=0-1,3-4", "bytes=0-1,", `bytes=${"0-,".repeat(2000)}0-`]
    for (const field of [...fields, ...lists, "lines=1-2", "bytes 1-2", "bytes=1 - 2", "bytes=\u0661-2"]) {
      assert.isUndefined(parse(field, 10), field)
    }
  })

  const size = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))

  it.prop("a range is a part of the file that is not empty", [size, size, size], ([first, last, size]) => {
    for (const field of [`bytes=${first}-${last}`, `bytes=${first}-`, `bytes=-${last}`]) {
      const range = parse(field, size)
      if (range === undefined || range === "unsatisfiable") continue
      assert.isTrue(range.start >= 0 && range.start < range.end && range.end <= size, field)
    }
  })
})
