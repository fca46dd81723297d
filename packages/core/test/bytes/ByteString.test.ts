import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as ByteString from "../../src/bytes/ByteString.ts"

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)

describe("ByteString", () => {
  it("has one code unit for each byte", () => {
    const text = ByteString.fromBytes(everyByte, 0, 256)
    assert.strictEqual(text.length, 256)
    for (let byte = 0; byte < 256; byte++) assert.strictEqual(text.charCodeAt(byte), byte)
  })

  it("reads a part, also of a view into a larger buffer and of a Buffer", () => {
    const view = everyByte.subarray(0x61, 0x67)
    assert.strictEqual(ByteString.fromBytes(view, 1, 3), "bc")
    assert.strictEqual(ByteString.fromBytes(view, 2, 2), "")
    assert.strictEqual(ByteString.fromBytes(Buffer.from("buffer"), 0, 3), "buf")
  })

  it.prop("gives back the same bytes", [Schema.Uint8Array], ([bytes]) => {
    const copy = ByteString.toBytes(ByteString.fromBytes(bytes, 0, bytes.length))
    assert.deepStrictEqual(Array.from(copy), Array.from(bytes))
  })

  it("makes an array of its own", () => {
    const bytes = ByteString.toBytes("ab")
    assert.strictEqual(bytes.buffer.byteLength, 2)
    assert.notStrictEqual(ByteString.toBytes("ab").buffer, bytes.buffer)
  })

  it("writes into an array that is there", () => {
    const bytes = new Uint8Array(4).fill(0x2e)
    ByteString.writeBytes(bytes, "\xe9a", 1)
    ByteString.writeBytes(bytes, "", 4)
    assert.deepStrictEqual(bytes, Uint8Array.of(0x2e, 0xe9, 0x61, 0x2e))
  })

  describe("decodeUtf8", () => {
    const utf8 = (text: string) =>
      ByteString.fromBytes(new TextEncoder().encode(text), 0, new TextEncoder().encode(text).length)

    it.prop("reads back every text", [Schema.String], ([text]) => {
      assert.strictEqual(ByteString.decodeUtf8(utf8(text.toWellFormed())), text.toWellFormed())
    })

    it("keeps a byte order mark", () => {
      assert.strictEqual(ByteString.decodeUtf8("\xef\xbb\xbfa"), "\ufeffa")
    })

    it("answers undefined for what is not UTF-8", () => {
      const invalid = ["\xff", "\xc3", "a\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"]
      for (const text of invalid) assert.isUndefined(ByteString.decodeUtf8(text), JSON.stringify(text))
    })
  })

  describe("encodeText", () => {
    it("passes ASCII through and encodes the rest as UTF-8", () => {
      assert.strictEqual(ByteString.encodeText("plain\0\x7f"), "plain\0\x7f")
      assert.deepStrictEqual(ByteString.encodeText("é€"), Buffer.from("é€"))
      assert.strictEqual(ByteString.encodeText(""), "")
    })

    it.prop("gives the same bytes as a TextEncoder", [Schema.String], ([text]) => {
      const encoded = ByteString.encodeText(text)
      const bytes = typeof encoded === "string" ? ByteString.toBytes(encoded) : encoded
      assert.deepStrictEqual(Array.from(bytes), Array.from(new TextEncoder().encode(text)))
    })
  })
})
