import { toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import * as Flag from "../../../src/protocol/frame/Flag.ts"
import {
  FrameHeader,
  frameHeaderSize,
  putFrameHeader,
  writeFrameHeader
} from "../../../src/protocol/frame/FrameHeader.ts"
import * as FrameType from "../../../src/protocol/frame/FrameType.ts"
import { byteStrings, hex, smallIntegers, toHex, uint31s, written, writtenHex } from "../../support/FrameBytes.ts"

const read = (bytes: Uint8Array, offset = 0): FrameHeader => {
  const header = new FrameHeader()
  header.read(bytes, offset)
  return header
}

const plain = ({ length, type, flags, streamId }: FrameHeader): ReadonlyArray<number> => [length, type, flags, streamId]

describe("RFC 9113 §4.1: frame format", () => {
  it("is nine bytes in network order", () => {
    assert.strictEqual(frameHeaderSize, 9)
    assert.deepStrictEqual(plain(read(hex("01 02 03 04 05 06 07 08 09"))), [0x01_02_03, 4, 5, 0x06_07_08_09])
    assert.deepStrictEqual(
      plain(read(hex("aa aa ff fe fd fc fb 7a f9 f8 f7"), 2)),
      [0xff_fe_fd, 0xfc, 0xfb, 0x7a_f9_f8_f7]
    )
  })

  it("the reserved bit is ignored", () => {
    assert.strictEqual(read(hex("00 00 00 00 00 ff ff ff ff")).streamId, 2 ** 31 - 1)
    assert.strictEqual(read(hex("00 00 00 00 00 80 00 00 01")).streamId, 1)
    assert.strictEqual(read(hex("00 00 00 00 00 80 00 00 00")).streamId, 0)
  })

  it("the same object takes the next one", () => {
    const header = read(hex("ff ff ff ff ff 7f ff ff ff"))
    header.read(hex("00 00 00 00 00 00 00 00 00"), 0)
    assert.deepStrictEqual(plain(header), [0, 0, 0, 0])
  })

  it("is written as it is read", () => {
    assert.strictEqual(
      writtenHex((out) => writeFrameHeader(out, 0x01_02_03, 4, 5, 0x06_07_08_09)),
      "01 02 03 04 05 06 07 08 09"
    )
    assert.strictEqual(
      writtenHex((out) => writeFrameHeader(out, 2 ** 24 - 1, 255, 255, 2 ** 31 - 1)),
      "ff ff ff ff ff 7f ff ff ff"
    )
  })

  it("goes behind what was written", () => {
    const bytes = writtenHex((out) => {
      writeFrameHeader(out, 1, 0, 1, 3)
      out.reserve(1)
      out.byte(0xaa)
      writeFrameHeader(out, 0, 4, 1, 0)
    })
    assert.strictEqual(bytes, "00 00 01 00 01 00 00 00 03 aa 00 00 00 04 01 00 00 00 00")
  })

  it("can be put where there is room", () => {
    const bytes = new Uint8Array(11).fill(0xaa)
    putFrameHeader(bytes, 1, 1, 2, 3, 4)
    assert.strictEqual(toHex(bytes), "aa 00 00 01 02 03 00 00 00 04 aa")
  })

  it("says which flags are set", () => {
    const header = read(hex("00 00 00 00 0c 00 00 00 00"))
    assert.deepStrictEqual(
      [Flag.END_STREAM, Flag.END_HEADERS, Flag.PADDED, Flag.PRIORITY].map((flag) => header.has(flag)),
      [false, true, true, false]
    )
  })

  it.prop(
    "read(write(x)) = x",
    [smallIntegers(2 ** 24 - 1), smallIntegers(255), smallIntegers(255), uint31s],
    ([length, type, flags, streamId]) => {
      const bytes = written((out) => writeFrameHeader(out, length, type, flags, streamId))
      assert.deepStrictEqual(plain(read(bytes)), [length, type, flags, streamId])
    }
  )

  it.prop("any bytes are a header", [byteStrings(20), smallIntegers(20)], ([text, offset]) => {
    const { length, streamId } = read(toBytes(text), offset)
    assert.isTrue(length >= 0 && length < 2 ** 24 && streamId >= 0 && streamId < 2 ** 31)
  })
})

describe("RFC 9113 §6: types and flags", () => {
  it("have the numbers of the RFC", () => {
    assert.deepStrictEqual(
      { ...FrameType },
      {
        DATA: 0,
        HEADERS: 1,
        PRIORITY: 2,
        RST_STREAM: 3,
        SETTINGS: 4,
        PUSH_PROMISE: 5,
        PING: 6,
        GOAWAY: 7,
        WINDOW_UPDATE: 8,
        CONTINUATION: 9
      }
    )
    assert.deepStrictEqual({ ...Flag }, { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 })
  })
})
