import { assert, describe, it } from "@effect/vitest"
import { BlockInput } from "../../../src/protocol/hpack/BlockInput.ts"
import { readInteger, writeInteger } from "../../../src/protocol/hpack/Integer.ts"
import { hex, smallIntegers, toHex, uint31s, written, writtenHex } from "../../support/FrameBytes.ts"

const inputOf = (bytes: Uint8Array): BlockInput => {
  const input = new BlockInput()
  input.begin(bytes, 0, bytes.length)
  return input
}

const read = (digits: string, prefix: number): number => readInteger(inputOf(hex(digits)), prefix)

const write = (flags: number, prefix: number, value: number) =>
  writtenHex((out) => {
    out.reserve(6)
    writeInteger(out, flags, prefix, value)
  })

describe("RFC 7541 appendix C.1", () => {
  it("C.1.1: 10 with a prefix of 5 bits", () => {
    assert.strictEqual(read("ea", 0x1f), 10)
    assert.strictEqual(write(0, 0x1f, 10), "0a")
  })

  it("C.1.2: 1337 with a prefix of 5 bits", () => {
    assert.strictEqual(read("1f 9a 0a", 0x1f), 1337)
    assert.strictEqual(write(0, 0x1f, 1337), "1f 9a 0a")
  })

  it("C.1.3: 42 at an octet boundary", () => {
    assert.strictEqual(read("2a", 0xff), 42)
    assert.strictEqual(write(0, 0xff, 42), "2a")
  })
})

describe("Integer", () => {
  it.prop("read(write(x)) = x", [uint31s, smallIntegers(7)], ([value, unused]) => {
    const prefix = 0xff >>> unused
    const bytes = written((out) => {
      out.reserve(6)
      writeInteger(out, 0xff ^ prefix, prefix, value)
    })
    const input = inputOf(bytes)
    assert.strictEqual(readInteger(input, prefix), value, toHex(bytes))
    assert.isTrue(input.isAtEnd)
    assert.strictEqual((bytes[0] ?? 0) | prefix, 0xff)
  })

  it("writes and reads what is next to a border", () => {
    assert.strictEqual(write(0x80, 0x7f, 126), "fe")
    assert.strictEqual(write(0x80, 0x7f, 127), "ff 00")
    assert.strictEqual(write(0x80, 0x7f, 254), "ff 7f")
    assert.strictEqual(write(0x80, 0x7f, 255), "ff 80 01")
    assert.strictEqual(write(0, 0x0f, 2 ** 31 - 1), "0f f0 ff ff ff 07")
    assert.strictEqual(read("0f f0 ff ff ff 07", 0x0f), 2 ** 31 - 1)
  })

  it("stops at the end of the block", () => {
    for (const digits of ["1f", "1f 80", "1f 9a", "1f ff ff ff"]) assert.strictEqual(read(digits, 0x1f), -1, digits)
  })

  it("does not read beyond the block what comes behind it", () => {
    const input = new BlockInput()
    input.begin(hex("1f 9a 0a"), 0, 2)
    assert.strictEqual(readInteger(input, 0x1f), -1)
  })

  it("refuses more than 2^31 - 1", () => {
    assert.strictEqual(read("0f f1 ff ff ff 07", 0x0f), -1)
    assert.strictEqual(read("0f ff ff ff ff 0f", 0x0f), -1)
    assert.strictEqual(read("0f ff ff ff ff 7f", 0x0f), -1)
  })

  it("accepts zeros at the end, but not without end", () => {
    assert.strictEqual(read("0f 80 80 80 80 00", 0x0f), 15)
    assert.strictEqual(read("0f 80 80 80 80 80 00", 0x0f), -1)
    assert.strictEqual(read(`0f ${"80 ".repeat(1000)} 00`, 0x0f), -1)
  })
})
