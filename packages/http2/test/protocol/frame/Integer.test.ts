import { assert, describe, it } from "@effect/vitest"
import { readUint16, readUint24, readUint31, readUint32 } from "../../../src/protocol/frame/Integer.ts"
import { hex } from "../../support/FrameBytes.ts"

describe("RFC 9113 §2.2: integers", () => {
  it("are in network order and not negative", () => {
    const bytes = hex("aa fe dc ba 98")
    assert.strictEqual(readUint16(bytes, 1), 0xfedc)
    assert.strictEqual(readUint24(bytes, 1), 0xfe_dcba)
    assert.strictEqual(readUint31(bytes, 1), 0x7edc_ba98)
    assert.strictEqual(readUint32(bytes, 1), 0xfedc_ba98)
  })

  it("bytes that are not there are 0", () => {
    const bytes = hex("ff")
    assert.deepStrictEqual(
      [readUint16, readUint24, readUint31, readUint32].map((read) => read(bytes, 0)),
      [0xff00, 0xff_0000, 0x7f00_0000, 0xff00_0000]
    )
    assert.strictEqual(readUint32(bytes, 1), 0)
  })
})
