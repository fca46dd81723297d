import { assert, describe, it } from "@effect/vitest"
import { readWindowUpdate, writeWindowUpdate } from "../../../src/protocol/frame/WindowUpdate.ts"
import {
  anyFrame,
  frameOf,
  frameOfHex,
  outcome,
  type ReadFrame,
  uint31s,
  written,
  writtenHex
} from "../../support/FrameBytes.ts"

const readFrame = ({ bytes, header, start }: ReadFrame): string => outcome(readWindowUpdate(bytes, start, header))
const read = (digits: string): string => readFrame(frameOfHex(digits))

describe("RFC 9113 §6.9: WINDOW_UPDATE", () => {
  it("has an increment, for a stream or for the connection", () => {
    assert.strictEqual(read("00 00 04 08 00 00 00 00 00 00 00 00 01"), "1")
    assert.strictEqual(read("00 00 04 08 ff 00 00 00 01 7f ff ff ff"), String(2 ** 31 - 1))
  })

  it("the reserved bit is ignored", () => {
    assert.strictEqual(read("00 00 04 08 00 00 00 00 01 80 00 00 02"), "2")
  })

  it("an increment of 0 → PROTOCOL_ERROR of the stream", () => {
    for (const increment of ["00 00 00 00", "80 00 00 00"]) {
      assert.strictEqual(read(`00 00 04 08 00 00 00 00 01 ${increment}`), "stream-error PROTOCOL_ERROR zero-increment")
    }
  })

  it("an increment of 0 for the connection → PROTOCOL_ERROR of the connection", () => {
    for (const increment of ["00 00 00 00", "80 00 00 00"]) {
      assert.strictEqual(
        read(`00 00 04 08 00 00 00 00 00 ${increment}`),
        "connection-error PROTOCOL_ERROR zero-increment"
      )
    }
  })

  it("a length other than 4 → FRAME_SIZE_ERROR of the connection", () => {
    const expected = "connection-error FRAME_SIZE_ERROR wrong-frame-size"
    for (const streamId of ["00 00 00 00", "00 00 00 01"]) {
      assert.strictEqual(read(`00 00 00 08 00 ${streamId}`), expected)
      assert.strictEqual(read(`00 00 03 08 00 ${streamId} 00 00 01`), expected)
      assert.strictEqual(read(`00 00 05 08 00 ${streamId} 00 00 00 01 00`), expected)
    }
  })

  it("is written", () => {
    assert.strictEqual(
      writtenHex((out) => writeWindowUpdate(out, 3, 0x0102_0304)),
      "00 00 04 08 00 00 00 00 03 01 02 03 04"
    )
  })

  it.prop("read(write(x)) = x", [uint31s, uint31s], ([streamId, value]) => {
    const increment = value || 1
    const frame = frameOf(written((out) => writeWindowUpdate(out, streamId, increment)))
    assert.deepStrictEqual([frame.header.streamId, readFrame(frame)], [streamId, String(increment)])
  })

  it.prop("any payload is an increment or an error", [anyFrame(8)], ([{ bytes, header, start }]) => {
    const result = readWindowUpdate(bytes, start, header)
    if (typeof result === "number") assert.isTrue(header.length === 4 && result > 0 && result < 2 ** 31)
    else assert.match(result.reason, /^(zero-increment|wrong-frame-size)$/)
  })
})
