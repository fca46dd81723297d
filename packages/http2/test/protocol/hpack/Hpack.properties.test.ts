import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { DecodedFields } from "../../../src/protocol/hpack/DecodedFields.ts"
import { Decoder } from "../../../src/protocol/hpack/Decoder.ts"
import { Encoder } from "../../../src/protocol/hpack/Encoder.ts"
import { staticField, staticLength } from "../../../src/protocol/hpack/StaticTable.ts"
import { byteStrings, smallIntegers } from "../../support/FrameBytes.ts"
import { decodeBlock, encodeBlock, oneOf, type Pair, sizeOf, tableOf } from "./Blocks.ts"

const staticFields = Array.from({ length: staticLength }, (_, index): Pair => staticField(index + 1)?.pair ?? ["", ""])

/** Names and values that come again, so that the tables are used. */
const name = oneOf(...staticFields.map(([name]) => name), "x-a", "x-b", "x-c", "x-d", "", "set-cookie", "\xff")

const commonValue = oneOf(
  "",
  "GET",
  "200",
  "gzip, deflate",
  "a",
  "b",
  "~".repeat(50),
  "v".repeat(300),
  "w".repeat(2100)
)

const field: Arbitrary.Arbitrary<Pair> = Arbitrary.all({
  name,
  common: commonValue,
  rare: byteStrings(40),
  kind: smallIntegers(9)
}).pipe(
  Arbitrary.map(({ name, common, rare, kind }): Pair => (kind === 0 ? [rare, rare] : [name, kind < 3 ? rare : common]))
)

/** Sizes that the peer announces before a block. */
const sizes = Arbitrary.array(oneOf(0, 31, 64, 100, 256, 1000, 4096, 65_536), { maxLength: 3 })

const block = Arbitrary.all({
  sizes,
  changes: smallIntegers(5),
  repetitions: smallIntegers(3),
  fields: Arbitrary.array(field, { maxLength: 12 })
})

describe("HPACK properties", () => {
  it.prop(
    "decode(encode(x)) = x, through any blocks and changes of size",
    [Arbitrary.array(block, { maxLength: 20 }), oneOf(4096, 4096, 300, 0)],
    ([blocks, ownSize]) => {
      const encoder = new Encoder(ownSize)
      const decoder = new Decoder(65_536)
      for (const { sizes, changes, repetitions, fields } of blocks) {
        if (changes === 0) for (const size of sizes) encoder.setMaxTableSize(size)
        for (let count = 0; count <= repetitions; count++) {
          assert.deepStrictEqual(decodeBlock(decoder, encodeBlock(encoder, fields)), fields)
        }
        assert.isAtMost(sizeOf(tableOf(decoder)), ownSize)
      }
    },
    { arbitrary: { runs: 300, size: 40 }, timeout: 60_000 }
  )

  it.prop(
    "random bytes: an answer, and a table within its limit",
    [Arbitrary.array(byteStrings(60), { maxLength: 8 })],
    ([blocks]) => {
      const decoder = new Decoder(4096)
      const list = new DecodedFields(1000, 10)
      for (const bytes of blocks.map(toBytes)) {
        list.clear()
        const isValid = decoder.decode(bytes, 0, bytes.length, list)
        assert.isBoolean(isValid)
        assert.isAtMost(list.fields.length, 10)
        assert.isAtMost(sizeOf(list.fields.map((field) => field.pair)), 1000)
        if (!isValid) break
        assert.isAtMost(sizeOf(tableOf(decoder)), 4096)
      }
    },
    { arbitrary: { runs: 3000, size: 60 }, timeout: 60_000 }
  )

  it.prop(
    "a changed octet: an answer",
    [Arbitrary.array(field, { maxLength: 12 }), smallIntegers(1000), smallIntegers(255)],
    ([fields, place, octet]) => {
      const bytes = encodeBlock(new Encoder(), [...fields, ["x", "y"]])
      bytes[place % bytes.length] = octet
      const decoded = decodeBlock(new Decoder(4096), bytes)
      // What is understood can be said again.
      if (decoded !== undefined) {
        assert.deepStrictEqual(decodeBlock(new Decoder(4096), encodeBlock(new Encoder(), decoded)), decoded)
      }
    },
    { arbitrary: { runs: 1500, size: 60 }, timeout: 60_000 }
  )
})
