import { assert, describe, it } from "@effect/vitest"
import { readData, writeDataHeader } from "../../../src/protocol/frame/Data.ts"
import {
  anyFrame,
  boolean,
  byteStrings,
  contentOf,
  frameOf,
  frameOfHex,
  smallIntegers,
  streamIds,
  written,
  writtenHex
} from "../../support/FrameBytes.ts"

const read = (digits: string): string => contentOf(readData, frameOfHex(digits))

describe("RFC 9113 §6.1: DATA", () => {
  it("without padding, all of the payload is content", () => {
    assert.strictEqual(read("00 00 03 00 00 00 00 00 01 61 62 63"), "abc")
    assert.strictEqual(read("00 00 00 00 01 00 00 00 01"), "")
  })

  it("padding and its length are taken off", () => {
    assert.strictEqual(read("00 00 06 00 08 00 00 00 01 02 61 62 63 00 00"), "abc")
    assert.strictEqual(read("00 00 04 00 09 00 00 00 01 00 61 62 63"), "abc")
  })

  it("nothing but padding is a frame without content", () => {
    assert.strictEqual(read("00 00 01 00 08 00 00 00 01 00"), "")
    assert.strictEqual(read("00 00 03 00 08 00 00 00 01 02 00 00"), "")
    assert.strictEqual(contentOf(readData, frameOfHex(`00 01 00 00 08 00 00 00 01 ff${" 00".repeat(255)}`)), "")
  })

  it("padding need not be 0", () => {
    assert.strictEqual(read("00 00 04 00 08 00 00 00 01 02 61 ff 5a"), "a")
  })

  it("flags that it does not have are ignored", () => {
    assert.strictEqual(read("00 00 01 00 f7 00 00 00 01 61"), "a")
  })

  it("on stream 0 → PROTOCOL_ERROR of the connection", () => {
    const expected = "connection-error PROTOCOL_ERROR missing-stream-id"
    assert.strictEqual(read("00 00 01 00 00 00 00 00 00 61"), expected)
    assert.strictEqual(read("00 00 01 00 00 80 00 00 00 61"), expected)
    assert.strictEqual(read("00 00 00 00 08 00 00 00 00"), expected)
  })

  it("padding as long as the payload or longer → PROTOCOL_ERROR of the connection", () => {
    const expected = "connection-error PROTOCOL_ERROR padding-too-long"
    assert.strictEqual(read("00 00 01 00 08 00 00 00 01 01"), expected)
    assert.strictEqual(read("00 00 03 00 08 00 00 00 01 03 61 62"), expected)
    assert.strictEqual(read("00 00 03 00 08 00 00 00 01 04 61 62"), expected)
    assert.strictEqual(read("00 00 03 00 08 00 00 00 01 ff 61 62"), expected)
  })

  it("§4.2: too short for the length of the padding → FRAME_SIZE_ERROR", () => {
    assert.strictEqual(read("00 00 00 00 08 00 00 00 01"), "connection-error FRAME_SIZE_ERROR frame-too-short")
  })

  it("is written without padding", () => {
    assert.strictEqual(
      writtenHex((out) => writeDataHeader(out, 3, 5, false)),
      "00 00 03 00 00 00 00 00 05"
    )
    assert.strictEqual(
      writtenHex((out) => writeDataHeader(out, 0, 5, true)),
      "00 00 00 00 01 00 00 00 05"
    )
  })

  it.prop("read(write(x)) = x", [byteStrings(40), streamIds, boolean], ([content, streamId, isEnd]) => {
    const frame = frameOf(
      written((out) => {
        writeDataHeader(out, content.length, streamId, isEnd)
        out.reserve(content.length)
        out.text(content)
      })
    )
    assert.strictEqual(contentOf(readData, frame), content)
    assert.deepStrictEqual([frame.header.streamId, frame.header.flags], [streamId, isEnd ? 1 : 0])
  })

  it.prop("any padding can be taken off", [byteStrings(20), smallIntegers(255)], ([content, padding]) => {
    const length = 1 + content.length + padding
    const header = `00 ${length >= 256 ? "01" : "00"} ${(length % 256).toString(16)} 00 08 00 00 00 01`
    const payload = [padding, ...Array.from(content, (byte) => byte.charCodeAt(0)), ...Array(padding).fill(0)]
    const digits = payload.map((byte) => byte.toString(16)).join(" ")
    assert.strictEqual(read(`${header} ${digits}`), content)
  })

  it.prop("any payload has its content inside of it, or an error", [anyFrame(30)], ([frame]) => {
    assert.isAtMost(contentOf(readData, frame).length, Math.max(frame.header.length, 60))
  })
})
