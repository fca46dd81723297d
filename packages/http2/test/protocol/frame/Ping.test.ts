import { fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { readPing, writePing } from "../../../src/protocol/frame/Ping.ts"
import {
  anyFrame,
  boolean,
  byteStrings,
  frameOf,
  frameOfHex,
  hex,
  outcome,
  written,
  writtenHex
} from "../../support/FrameBytes.ts"

const read = (digits: string): string => outcome(readPing(frameOfHex(digits).header))

describe("RFC 9113 §6.7: PING", () => {
  it("has eight bytes", () => {
    assert.strictEqual(read("00 00 08 06 00 00 00 00 00 01 02 03 04 05 06 07 08"), "valid")
    assert.strictEqual(read("00 00 08 06 01 00 00 00 00 01 02 03 04 05 06 07 08"), "valid")
  })

  it("flags that it does not have and the reserved bit are ignored", () => {
    assert.strictEqual(read("00 00 08 06 16 80 00 00 00 01 02 03 04 05 06 07 08"), "valid")
  })

  it("on a stream → PROTOCOL_ERROR of the connection", () => {
    const expected = "connection-error PROTOCOL_ERROR unexpected-stream-id"
    assert.strictEqual(read("00 00 08 06 00 00 00 00 01 01 02 03 04 05 06 07 08"), expected)
    assert.strictEqual(read("00 00 08 06 01 7f ff ff ff 01 02 03 04 05 06 07 08"), expected)
    assert.strictEqual(read("00 00 00 06 00 00 00 00 01"), expected)
  })

  it("a length other than 8 → FRAME_SIZE_ERROR of the connection", () => {
    const expected = "connection-error FRAME_SIZE_ERROR wrong-frame-size"
    assert.strictEqual(read("00 00 00 06 00 00 00 00 00"), expected)
    assert.strictEqual(read("00 00 07 06 00 00 00 00 00 01 02 03 04 05 06 07"), expected)
    assert.strictEqual(read("00 00 09 06 01 00 00 00 00 01 02 03 04 05 06 07 08 09"), expected)
  })

  it("is written with the bytes from an offset", () => {
    const bytes = hex("aa bb 01 02 03 04 05 06 07 08 cc")
    assert.strictEqual(
      writtenHex((out) => writePing(out, false, bytes, 2)),
      "00 00 08 06 00 00 00 00 00 01 02 03 04 05 06 07 08"
    )
    assert.strictEqual(
      writtenHex((out) => writePing(out, true, bytes, 2)),
      "00 00 08 06 01 00 00 00 00 01 02 03 04 05 06 07 08"
    )
  })

  it.prop("read(write(x)) = x", [byteStrings(8), boolean], ([text, isAck]) => {
    const payload = text.padEnd(8, "\0")
    const { bytes, header, start } = frameOf(written((out) => writePing(out, isAck, toBytes(payload), 0)))
    assert.isUndefined(readPing(header))
    assert.strictEqual(header.has(1), isAck)
    assert.strictEqual(fromBytes(bytes, start, start + 8), payload)
  })

  it.prop("any header is valid or an error", [anyFrame(16)], ([{ header }]) => {
    assert.strictEqual(readPing(header) === undefined, header.streamId === 0 && header.length === 8)
  })
})
