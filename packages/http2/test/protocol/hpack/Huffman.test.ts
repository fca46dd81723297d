import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { decode, encode, encodedLength } from "../../../src/protocol/hpack/Huffman.ts"
import { codeLengths, codes, EOS } from "../../../src/protocol/hpack/HuffmanCode.ts"
import { byteStrings, toHex } from "../../support/FrameBytes.ts"
import { digits } from "./Blocks.ts"

const encoded = (text: string): Uint8Array => {
  const bytes = new Uint8Array(encodedLength(text) + 2).fill(0x55)
  encode(bytes, text, 1)
  assert.strictEqual(bytes[0], 0x55)
  assert.strictEqual(bytes.at(-1), 0x55)
  return bytes.subarray(1, -1)
}

const decoded = (bytes: Uint8Array): string | undefined => decode(bytes, 0, bytes.length)

/** Bytes of ones and zeros; blanks are only there to be read. */
const bits = (text: string): Uint8Array =>
  Uint8Array.from(text.replaceAll(" ", "").match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))

describe("RFC 7541 appendix B", () => {
  it("the code is complete, and no code begins another", () => {
    assert.strictEqual(
      codeLengths.reduce((sum, length) => sum + 2 ** -length, 0),
      1
    )
    const texts = Array.from(codes, (code, symbol) =>
      code.toString(2).padStart(codeLengths[symbol] ?? 0, "0")
    ).toSorted()
    for (const [index, text] of texts.entries()) {
      assert.isFalse(texts[index + 1]?.startsWith(text) ?? false, text)
    }
  })

  it.each([
    [0, 0x1ff8, 13],
    [1, 0x7fffd8, 23],
    [2, 0xfffffe2, 28],
    [9, 0xffffea, 24],
    [10, 0x3ffffffc, 30],
    [13, 0x3ffffffd, 30],
    [22, 0x3ffffffe, 30],
    [31, 0xffffffb, 28],
    [32, 0x14, 6],
    [48, 0x0, 5],
    [57, 0x1f, 6],
    [92, 0x7fff0, 19],
    [97, 0x3, 5],
    [127, 0xffffffc, 28],
    [199, 0x1ffffec, 25],
    [249, 0xffffffe, 28],
    [255, 0x3ffffee, 26],
    [EOS, 0x3fffffff, 30]
  ])("symbol %i", (symbol, code, length) => {
    assert.strictEqual(codes[symbol], code)
    assert.strictEqual(codeLengths[symbol], length)
  })
})

describe("Huffman", () => {
  it("encodes the strings of RFC 7541 appendix C", () => {
    assert.strictEqual(toHex(encoded("www.example.com")), "f1 e3 c2 e5 f2 3a 6b a0 ab 90 f4 ff")
    assert.strictEqual(toHex(encoded("no-cache")), "a8 eb 10 64 9c bf")
    assert.strictEqual(toHex(encoded("302")), "64 02")
    assert.strictEqual(toHex(encoded("")), "")
  })

  it("gives back every pair of bytes", () => {
    for (let first = 0; first < 256; first++) {
      let all = ""
      for (let second = 0; second < 256; second++) {
        const text = String.fromCharCode(first, second)
        if (decoded(encoded(text)) !== text) assert.fail(`${first}, ${second}`)
        all += text
      }
      assert.strictEqual(decoded(encoded(all)), all)
    }
  })

  it.prop("decode(encode(x)) = x", [byteStrings(300)], ([text]) => {
    assert.strictEqual(decoded(encoded(text)), text)
  })

  it("texts of any length", () => {
    for (const length of [4095, 4096, 4097, 70_000, 200_000]) {
      const text = "0aZ\xff".repeat(length / 4)
      assert.strictEqual(decoded(encoded(text)), text)
    }
  })

  it.prop(
    "RFC 7541 §5.2: what is decoded has no other encoding",
    [byteStrings(20)],
    ([text]) => {
      const bytes = toBytes(text)
      const result = decoded(bytes)
      if (result !== undefined) assert.strictEqual(toHex(encoded(result)), toHex(bytes))
    },
    { arbitrary: { runs: 3000 } }
  )

  it("RFC 7541 §5.2: padding with up to 7 ones", () => {
    assert.strictEqual(decoded(bits("00011 111")), "a")
    assert.strictEqual(decoded(bits("00011 00011 00011 1")), "aaa")
    assert.strictEqual(decoded(bits("11111000")), "&")
  })

  it("RFC 7541 §5.2: padding of 8 bits or more", () => {
    for (const padding of ["11111111", "11111111 11111111", "11111111 11111111 11111111"]) {
      assert.isUndefined(decoded(bits(padding)), padding)
      assert.isUndefined(decoded(bits(`11111000 ${padding}`)), padding)
      assert.isUndefined(decoded(bits(`00011 111 ${padding}`)), padding)
    }
  })

  it("RFC 7541 §5.2: padding that is not all ones", () => {
    for (const padding of ["000", "100", "010", "001", "110", "101", "011"]) {
      assert.isUndefined(decoded(bits(`00011 ${padding}`)), padding)
    }
    assert.isUndefined(decoded(bits("00011 00011 00011 0")))
  })

  it("RFC 7541 §5.2: EOS, wherever it is", () => {
    const eos = "1".repeat(30)
    assert.isUndefined(decoded(bits(`${eos} 11`)))
    assert.isUndefined(decoded(bits(`${eos} 00011 11111`)))
    assert.isUndefined(decoded(bits(`00011 ${eos} 00011`)))
    assert.isUndefined(decoded(bits(`00011 00 ${eos} 000`)))
    assert.isUndefined(decoded(digits("ff ff ff ff ff ff ff ff")))
  })
})
