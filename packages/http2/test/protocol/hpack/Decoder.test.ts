import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { DecodedFields } from "../../../src/protocol/hpack/DecodedFields.ts"
import { Decoder } from "../../../src/protocol/hpack/Decoder.ts"
import { staticField } from "../../../src/protocol/hpack/StaticTable.ts"
import { decodeBlock, digits, type Pair, tableOf } from "./Blocks.ts"

const decode = (block: string, decoder = new Decoder(4096)): ReadonlyArray<Pair> | undefined =>
  decodeBlock(decoder, digits(block))

/** "a: b" with indexing. */
const added = "4001 6101 62"

describe("Decoder: indices", () => {
  it("an empty block has no fields", () => {
    assert.deepStrictEqual(decode(""), [])
  })

  it("RFC 7541 §6.1: index 0", () => {
    assert.isUndefined(decode("80"))
    assert.isUndefined(decode("82 80"))
  })

  it("RFC 7541 §2.3.3: an index beyond the tables", () => {
    assert.isUndefined(decode("be"))
    assert.isUndefined(decode(`${added} bf`))
    assert.isUndefined(decode("ff ff ff ff ff 07"))
    assert.deepStrictEqual(decode(`${added} be`), [
      ["a", "b"],
      ["a", "b"]
    ])
  })

  it("RFC 7541 §2.3.3: an index of a name beyond the tables", () => {
    for (const representation of ["7e", "0f 2f", "1f 2f"]) {
      assert.isUndefined(decode(`${representation} 01 62`), representation)
      assert.deepStrictEqual(decode(`${added} ${representation} 01 63`)?.[1], ["a", "c"], representation)
    }
  })

  it("fields that are in a table are the same object each time", () => {
    const decoder = new Decoder(4096)
    const list = new DecodedFields(1000, 10)
    const block = digits(`82 ${added} be`)
    assert.isTrue(decoder.decode(block, 0, block.length, list))
    assert.strictEqual(list.fields[0], staticField(2))
    assert.strictEqual(list.fields[1], list.fields[2])
  })
})

describe("Decoder: blocks that end too early", () => {
  it.each([
    ["an index", "ff"],
    ["an index that goes on", "ff 80"],
    ["no name", "40"],
    ["no name, never indexed", "10"],
    ["the length of a name", "00 7f"],
    ["a name", "00 02 61"],
    ["no value", "00 01 61"],
    ["no value of an indexed name", "44"],
    ["a value", "04 03 61 62"],
    ["a value in the Huffman code", "04 83 1c 64"],
    ["a length that no memory has", "04 7f 80 ff ff ff 07"],
    ["a change of size", "3f"]
  ])("%s", (_, block) => {
    assert.isUndefined(decode(block))
    assert.isUndefined(decode(`82 ${block}`))
  })

  it("every beginning of a literal", () => {
    const block = digits("40 88 25a849e95ba97d7f 89 25a849e95bb8e8b4bf")
    assert.deepStrictEqual(decodeBlock(new Decoder(4096), block), [["custom-key", "custom-value"]])
    for (let length = 1; length < block.length; length++) {
      assert.isUndefined(decodeBlock(new Decoder(4096), block.subarray(0, length)), `${length}`)
    }
  })
})

describe("Decoder: strings", () => {
  it("are byte strings", () => {
    assert.deepStrictEqual(decode("00 03 00 ff 3a 02 c3 a9"), [["\0\xff:", "\xc3\xa9"]])
    assert.deepStrictEqual(decode("00 00 00"), [["", ""]])
    assert.deepStrictEqual(decode("00 80 80"), [["", ""]])
  })

  it("do not change when the memory does", () => {
    const list = new DecodedFields(1000, 10)
    const block = digits(`${added} 00 81 1f 81 1f`)
    assert.isTrue(new Decoder(4096).decode(block, 0, block.length, list))
    block.fill(0)
    assert.deepStrictEqual(
      list.fields.map((field) => field.pair),
      [
        ["a", "b"],
        ["a", "a"]
      ]
    )
  })

  it("RFC 7541 §5.2: padding that is wrong", () => {
    assert.isUndefined(decode("00 01 61 81 18"))
    assert.isUndefined(decode("00 01 61 82 1f ff"))
    assert.isUndefined(decode("00 82 1f ff 01 61"))
    assert.isUndefined(decode("00 01 61 84 ff ff ff fc"))
  })
})

describe("Decoder: changes of the table's size", () => {
  it("RFC 7541 §4.2: at the beginning of a block, also several", () => {
    const decoder = new Decoder(4096)
    decode(`${added} ${added}`, decoder)
    assert.deepStrictEqual(decode("3f 03 82", decoder), [[":method", "GET"]])
    assert.lengthOf(tableOf(decoder), 1)
    assert.deepStrictEqual(decode("20 3f e1 1f", decoder), [])
    assert.lengthOf(tableOf(decoder), 0)
    decode(added, decoder)
    assert.lengthOf(tableOf(decoder), 1)
  })

  it("RFC 7541 §4.2: nowhere else", () => {
    assert.isUndefined(decode("82 20"))
    assert.isUndefined(decode(`${added} 3f e1 1f`))
  })

  it("RFC 7541 §6.3: not above what was announced", () => {
    assert.deepStrictEqual(decode("3f e1 1f"), [])
    assert.isUndefined(decode("3f e2 1f"))
    assert.isUndefined(decode("3f ff ff ff ff 0f"))
    assert.isUndefined(decode("21", new Decoder(0)))
    assert.deepStrictEqual(decode("20", new Decoder(0)), [])
    assert.deepStrictEqual(decode("3f e1 3f", new Decoder(8192)), [])
  })
})

describe("Decoder: limits of the list", () => {
  it("what is beyond them is dropped, but the table stays true", () => {
    const decoder = new Decoder(4096)
    const list = new DecodedFields(2 * 34, 10)
    const block = digits(`${added} 4001 6101 63 4001 6101 64 82`)
    assert.isTrue(decoder.decode(block, 0, block.length, list))
    assert.isTrue(list.isTooLarge)
    assert.deepStrictEqual(
      list.fields.map((field) => field.value),
      ["b", "c"]
    )
    assert.deepStrictEqual(
      tableOf(decoder).map(([, value]) => value),
      ["d", "c", "b"]
    )
  })

  it("a large field, referred to again and again, takes no memory", () => {
    const decoder = new Decoder(4096)
    const list = new DecodedFields(65_536, 100)
    const first = toBytes(`\x40\x01a\x7f\xa1\x1e${"b".repeat(4000)}`)
    assert.isTrue(decoder.decode(first, 0, first.length, list))
    assert.lengthOf(list.fields, 1)
    list.clear()
    const bomb = new Uint8Array(16_384).fill(0xbe)
    assert.isTrue(decoder.decode(bomb, 0, bomb.length, list))
    assert.isTrue(list.isTooLarge)
    assert.lengthOf(list.fields, 16)
  })
})
