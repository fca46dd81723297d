import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { advanceKey, applyMask } from "../../src/protocol/Masking.ts"
import { bytes, integer } from "../support/Generators.ts"

const littleEndian = (key: ReadonlyArray<number>): number => new DataView(Uint8Array.from(key).buffer).getInt32(0, true)

const keyByte = integer(0, 255)

describe("Masking", () => {
  it.prop(
    "RFC 6455 §5.3: byte i is XORed with byte i modulo 4 of the key, and nothing else is changed",
    [bytes(100), keyByte, keyByte, keyByte, keyByte, integer(0, 20), integer(0, 20)],
    ([text, first, second, third, fourth, before, behind]) => {
      const key = [first, second, third, fourth]
      const original = toBytes(text)
      const masked = Uint8Array.from(original)
      const start = Math.min(before, original.length)
      const end = Math.max(start, original.length - behind)
      const isAscii = applyMask(new DataView(masked.buffer), start, end, littleEndian(key))
      const expected = original.map((byte, index) =>
        index < start || index >= end ? byte : byte ^ (key[(index - start) % 4] ?? 0)
      )
      assert.deepStrictEqual(masked, expected)
      assert.strictEqual(
        isAscii,
        expected.subarray(start, end).every((byte) => byte < 0x80)
      )
    },
    { arbitrary: { runs: 2000, size: 100 }, timeout: 20_000 }
  )

  it("tells a single byte that is not ASCII, wherever it is", () => {
    for (let length = 1; length < 40; length++) {
      for (let place = 0; place < length; place++) {
        const array = new Uint8Array(length).fill(0x7f)
        array[place] = 0x80
        assert.isFalse(applyMask(new DataView(array.buffer), 0, length, 0), `${place} of ${length}`)
      }
      assert.isTrue(applyMask(new DataView(new Uint8Array(length).buffer), 0, length, 0x7f7f7f7f))
    }
  })

  it("a key goes on where the payload does", () => {
    const key = littleEndian([1, 2, 3, 0xff])
    assert.strictEqual(advanceKey(key, 0), key)
    assert.strictEqual(advanceKey(key, 1), littleEndian([2, 3, 0xff, 1]))
    assert.strictEqual(advanceKey(key, 2), littleEndian([3, 0xff, 1, 2]))
    assert.strictEqual(advanceKey(key, 3), littleEndian([0xff, 1, 2, 3]))
    assert.strictEqual(advanceKey(key, 65_536), key)
    assert.strictEqual(advanceKey(littleEndian([0, 0, 0, 0x80]), 7), littleEndian([0x80, 0, 0, 0]))
  })
})
