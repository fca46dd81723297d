import { assert, describe, it } from "@effect/vitest"
import { Decoder } from "../../../src/protocol/hpack/Decoder.ts"
import { Encoder } from "../../../src/protocol/hpack/Encoder.ts"
import { toHex, writtenHex } from "../../support/FrameBytes.ts"
import { decodeBlock, encodeBlock, type Pair, tableOf } from "./Blocks.ts"

const encode = (encoder: Encoder, ...fields: ReadonlyArray<Pair>): string => toHex(encodeBlock(encoder, fields))

const status = (encoder: Encoder, code: number): string => writtenHex((out) => encoder.status(out, code))

const date: Pair = ["date", "Thu, 01 Jan 2026 00:00:00 GMT"]

describe("Encoder: what is in a table", () => {
  it("a status in one octet", () => {
    const octets = [200, 204, 206, 304, 400, 404, 500].map((code) => status(new Encoder(), code))
    assert.deepStrictEqual(octets, ["88", "89", "8a", "8b", "8c", "8d", "8e"])
  })

  it("another status: its name has an index, and from the third time on all of it", () => {
    const encoder = new Encoder()
    const blocks = [status(encoder, 302), status(encoder, 302), status(encoder, 302)]
    assert.deepStrictEqual(blocks, ["08 82 64 02", "48 82 64 02", "be"])
  })

  it("a field of the static table", () => {
    assert.strictEqual(encode(new Encoder(), ["accept-encoding", "gzip, deflate"], ["vary", ""]), "90 bb")
  })

  it("a response that is like the one before costs an octet for each field", () => {
    const encoder = new Encoder()
    const fields: ReadonlyArray<Pair> = [
      ["content-type", "text/plain"],
      ["content-length", "13"],
      ["server", "pagi"],
      date
    ]
    for (let count = 0; count < 2; count++) encode(encoder, ...fields)
    assert.strictEqual(encode(encoder, ...fields), "c1 c0 bf be")
  })

  it("a value that came once is not added; one that came twice is found again after others", () => {
    const encoder = new Encoder()
    const decoder = new Decoder(4096)
    const lengths = ["1", "2", "3", "3", "4", "5", "4", "3", "6", "6", "3"]
    for (const length of lengths) {
      const block = encodeBlock(encoder, [["content-length", length]])
      assert.deepStrictEqual(decodeBlock(decoder, block), [["content-length", length]])
    }
    assert.deepStrictEqual(
      tableOf(decoder).map(([, value]) => value),
      ["6", "3"]
    )
  })

  it("the name of a field that was added has an index too", () => {
    const encoder = new Encoder()
    encode(encoder, ["x-a", "b"], ["x-a", "b"])
    assert.strictEqual(encode(encoder, ["x-a", "c"]), "0f 2f 01 63")
  })

  it("what has gone out of the table is not referred to", () => {
    const encoder = new Encoder()
    const decoder = new Decoder(4096)
    for (let round = 0; round < 300; round++) {
      const fields = ["x-a", "x-b", "x-c"].map((name): Pair => [name, `${"v".repeat(99)}${round >> 1}`])
      assert.deepStrictEqual(decodeBlock(decoder, encodeBlock(encoder, [...fields, date])), [...fields, date])
    }
  })
})

describe("Encoder: what is not added to the table", () => {
  it("RFC 7541 §7.1.3: credentials are marked as never to be", () => {
    for (const [name, first] of [
      ["authorization", "1f 08"],
      ["proxy-authorization", "1f 22"],
      ["cookie", "1f 11"],
      ["set-cookie", "1f 28"]
    ] as const) {
      const encoder = new Encoder()
      for (let count = 0; count < 3; count++) assert.strictEqual(encode(encoder, [name, "~"]), `${first} 01 7e`, name)
    }
  })

  it("fields larger than half of it", () => {
    const encoder = new Encoder()
    const half: Pair = ["x", "~".repeat(2048 - 33)]
    const larger: Pair = ["y", "~".repeat(2048 - 32)]
    for (let count = 0; count < 2; count++) encode(encoder, half, larger)
    assert.strictEqual(encode(encoder, half), "be")
    assert.isAbove(encode(encoder, larger).length, 2048)
  })

  it("anything, when the peer allows for no table", () => {
    const encoder = new Encoder()
    encoder.setMaxTableSize(0)
    assert.strictEqual(encode(encoder, ["x", "~"]), "20 00 01 78 01 7e")
    for (let count = 0; count < 3; count++) assert.strictEqual(encode(encoder, ["x", "~"]), "00 01 78 01 7e")
  })
})

describe("Encoder: strings", () => {
  it("in the Huffman code only when that is shorter", () => {
    assert.strictEqual(encode(new Encoder(), ["etag", "aaa"]), "0f 13 82 18 c7")
    assert.strictEqual(encode(new Encoder(), ["etag", "a"]), "0f 13 01 61")
    assert.strictEqual(encode(new Encoder(), ["etag", "\xff\xff"]), "0f 13 02 ff ff")
    assert.strictEqual(encode(new Encoder(), ["etag", ""]), "a2")
  })

  it("longer than the memory that is there", () => {
    for (const value of ["a".repeat(100_000), "\xff".repeat(100_000)]) {
      const block = encodeBlock(new Encoder(), [["x-large", value], date])
      assert.deepStrictEqual(decodeBlock(new Decoder(4096), block), [["x-large", value], date])
    }
  })
})

describe("Encoder: changes of the table's size", () => {
  it("RFC 7541 §4.2: none without need", () => {
    const encoder = new Encoder()
    encoder.setMaxTableSize(65_536)
    assert.strictEqual(encode(encoder), "")
    encoder.setMaxTableSize(4096)
    assert.strictEqual(encode(encoder), "")
  })

  it("RFC 7541 §4.2: once, at the beginning of the next block", () => {
    const encoder = new Encoder()
    encoder.setMaxTableSize(100)
    assert.strictEqual(encode(encoder, ["vary", ""]), "3f 45 bb")
    assert.strictEqual(encode(encoder, ["vary", ""]), "bb")
  })

  it("RFC 7541 §4.2: of several, the smallest and the last", () => {
    const encoder = new Encoder()
    for (const size of [200, 0, 100, 65_536]) encoder.setMaxTableSize(size)
    assert.strictEqual(encode(encoder, ["vary", ""]), "20 3f e1 1f bb")
    for (const size of [200, 100]) encoder.setMaxTableSize(size)
    assert.strictEqual(encode(encoder), "3f 45")
    for (const size of [200, 150]) encoder.setMaxTableSize(size)
    assert.strictEqual(encode(encoder), "3f 77")
  })

  it("what a smaller table lost is learnt anew", () => {
    const encoder = new Encoder()
    encode(encoder, ["x", "~"], ["x", "~"])
    assert.strictEqual(encode(encoder, ["x", "~"]), "be")
    encoder.setMaxTableSize(0)
    encoder.setMaxTableSize(4096)
    assert.strictEqual(encode(encoder, ["x", "~"]), "20 3f e1 1f 00 01 78 01 7e")
    assert.strictEqual(encode(encoder, ["x", "~"]), "40 01 78 01 7e")
    assert.strictEqual(encode(encoder, ["x", "~"]), "be")
  })

  it("a table of our own that is smaller than the protocol's is announced", () => {
    const encoder = new Encoder(64)
    encoder.setMaxTableSize(4096)
    assert.strictEqual(encode(encoder), "3f 21")
  })
})

describe("Encoder: names", () => {
  it("more than it remembers do not confuse it", () => {
    const encoder = new Encoder()
    const decoder = new Decoder(4096)
    for (let round = 0; round < 6; round++) {
      const fields = Array.from({ length: 100 }, (_, index): Pair => [`x-${index >> (round & 1)}`, "v"])
      assert.deepStrictEqual(decodeBlock(decoder, encodeBlock(encoder, fields)), fields)
    }
  })

  it("those of objects are not taken for known ones", () => {
    const fields: ReadonlyArray<Pair> = ["constructor", "__proto__", "toString"].map((name) => [name, "v"])
    assert.deepStrictEqual(decodeBlock(new Decoder(4096), encodeBlock(new Encoder(), fields)), fields)
  })
})
