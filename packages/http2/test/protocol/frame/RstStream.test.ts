import { assert, describe, it } from "@effect/vitest"
import { readRstStream, writeRstStream } from "../../../src/protocol/frame/RstStream.ts"
import {
  anyFrame,
  frameOf,
  frameOfHex,
  outcome,
  type ReadFrame,
  streamIds,
  uint32s,
  written,
  writtenHex
} from "../../support/FrameBytes.ts"

const readFrame = ({ bytes, header, start }: ReadFrame): string => outcome(readRstStream(bytes, start, header))
const read = (digits: string): string => readFrame(frameOfHex(digits))

describe("RFC 9113 §6.4: RST_STREAM", () => {
  it("has a code, also one that nobody knows", () => {
    assert.strictEqual(read("00 00 04 03 00 00 00 00 01 00 00 00 08"), "8")
    assert.strictEqual(read("00 00 04 03 ff 00 00 00 01 fe dc ba 98"), String(0xfedc_ba98))
  })

  it("on stream 0 → PROTOCOL_ERROR of the connection", () => {
    const expected = "connection-error PROTOCOL_ERROR missing-stream-id"
    assert.strictEqual(read("00 00 04 03 00 00 00 00 00 00 00 00 08"), expected)
    assert.strictEqual(read("00 00 03 03 00 00 00 00 00 00 00 00"), expected)
  })

  it("a length other than 4 → FRAME_SIZE_ERROR of the connection", () => {
    const expected = "connection-error FRAME_SIZE_ERROR wrong-frame-size"
    assert.strictEqual(read("00 00 00 03 00 00 00 00 01"), expected)
    assert.strictEqual(read("00 00 03 03 00 00 00 00 01 00 00 00"), expected)
    assert.strictEqual(read("00 00 05 03 00 00 00 00 01 00 00 00 08 00"), expected)
  })

  it("is written", () => {
    assert.strictEqual(
      writtenHex((out) => writeRstStream(out, 3, 7)),
      "00 00 04 03 00 00 00 00 03 00 00 00 07"
    )
  })

  it.prop("read(write(x)) = x", [streamIds, uint32s], ([streamId, code]) => {
    const frame = frameOf(written((out) => writeRstStream(out, streamId, code)))
    assert.deepStrictEqual([frame.header.streamId, readFrame(frame)], [streamId, String(code)])
  })

  it.prop("any payload is a code or an error", [anyFrame(8)], ([frame]) => {
    const isWhole = frame.header.streamId !== 0 && frame.header.length === 4
    assert.strictEqual(/^\d+$/.test(readFrame(frame)), isWhole)
  })
})
