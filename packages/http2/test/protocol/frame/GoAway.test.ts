import { fromBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { readGoAway, writeGoAway } from "../../../src/protocol/frame/GoAway.ts"
import {
  anyFrame,
  byteStrings,
  frameOf,
  frameOfHex,
  outcome,
  type ReadFrame,
  uint31s,
  uint32s,
  written,
  writtenHex
} from "../../support/FrameBytes.ts"

const readFrame = ({ bytes, header, start }: ReadFrame): unknown => {
  const result = readGoAway(bytes, start, header)
  return "type" in result ? outcome(result) : result
}

const read = (digits: string): unknown => readFrame(frameOfHex(digits))

describe("RFC 9113 §6.8: GOAWAY", () => {
  it("has a last stream and a code", () => {
    assert.deepStrictEqual(read("00 00 08 07 00 00 00 00 00 00 00 00 05 00 00 00 02"), { lastStreamId: 5, code: 2 })
  })

  it("debug data means nothing", () => {
    assert.deepStrictEqual(read("00 00 0a 07 ff 00 00 00 00 00 00 00 00 00 00 00 00 68 69"), {
      lastStreamId: 0,
      code: 0
    })
  })

  it("the reserved bit is ignored, and a code may be unknown", () => {
    assert.deepStrictEqual(read("00 00 08 07 00 00 00 00 00 ff ff ff ff ff ff ff ff"), {
      lastStreamId: 2 ** 31 - 1,
      code: 2 ** 32 - 1
    })
  })

  it("on a stream → PROTOCOL_ERROR of the connection", () => {
    const expected = "connection-error PROTOCOL_ERROR unexpected-stream-id"
    assert.strictEqual(read("00 00 08 07 00 00 00 00 01 00 00 00 00 00 00 00 00"), expected)
    assert.strictEqual(read("00 00 00 07 00 00 00 00 01"), expected)
  })

  it("§4.2: too short for what it always has → FRAME_SIZE_ERROR of the connection", () => {
    const expected = "connection-error FRAME_SIZE_ERROR wrong-frame-size"
    assert.strictEqual(read("00 00 00 07 00 00 00 00 00"), expected)
    assert.strictEqual(read("00 00 07 07 00 00 00 00 00 00 00 00 05 00 00 00"), expected)
  })

  it("is written, with or without debug data", () => {
    assert.strictEqual(
      writtenHex((out) => writeGoAway(out, 5, 2, "hi")),
      "00 00 0a 07 00 00 00 00 00 00 00 00 05 00 00 00 02 68 69"
    )
    assert.strictEqual(
      writtenHex((out) => writeGoAway(out, 2 ** 31 - 1, 0, "")),
      "00 00 08 07 00 00 00 00 00 7f ff ff ff 00 00 00 00"
    )
  })

  it.prop("read(write(x)) = x", [uint31s, uint32s, byteStrings(30)], ([lastStreamId, code, message]) => {
    const frame = frameOf(written((out) => writeGoAway(out, lastStreamId, code, message)))
    assert.deepStrictEqual(readFrame(frame), { lastStreamId, code })
    const { bytes, header, start } = frame
    assert.strictEqual(fromBytes(bytes, start + 8, start + header.length), message)
  })

  it.prop("any payload is read or an error", [anyFrame(16)], ([frame]) => {
    const isWhole = frame.header.streamId === 0 && frame.header.length >= 8
    assert.strictEqual(typeof readFrame(frame) === "object", isWhole)
  })
})
