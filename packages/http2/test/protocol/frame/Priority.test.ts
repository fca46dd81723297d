import { assert, describe, it } from "@effect/vitest"
import { readPriority } from "../../../src/protocol/frame/Priority.ts"
import { anyFrame, frameOfHex, outcome } from "../../support/FrameBytes.ts"

const read = (digits: string): string => {
  const { bytes, header, start } = frameOfHex(digits)
  return outcome(readPriority(bytes, start, header))
}

describe("RFC 9113 §6.3: PRIORITY", () => {
  it("says nothing that matters", () => {
    assert.strictEqual(read("00 00 05 02 00 00 00 00 01 00 00 00 00 ff"), "valid")
    assert.strictEqual(read("00 00 05 02 ff 00 00 00 01 80 00 00 03 00"), "valid")
    assert.strictEqual(read("00 00 05 02 00 7f ff ff ff 7f ff ff fe 00"), "valid")
  })

  it("on stream 0 → PROTOCOL_ERROR of the connection", () => {
    const expected = "connection-error PROTOCOL_ERROR missing-stream-id"
    assert.strictEqual(read("00 00 05 02 00 00 00 00 00 00 00 00 01 00"), expected)
    assert.strictEqual(read("00 00 00 02 00 00 00 00 00"), expected)
  })

  it("a length other than 5 → FRAME_SIZE_ERROR of the stream", () => {
    const expected = "stream-error FRAME_SIZE_ERROR wrong-frame-size"
    assert.strictEqual(read("00 00 00 02 00 00 00 00 01"), expected)
    assert.strictEqual(read("00 00 04 02 00 00 00 00 01 00 00 00 01"), expected)
    assert.strictEqual(read("00 00 06 02 00 00 00 00 01 00 00 00 03 00 00"), expected)
  })

  it("RFC 7540 §5.3.1: a stream that depends on itself → PROTOCOL_ERROR of the stream", () => {
    const expected = "stream-error PROTOCOL_ERROR self-dependency"
    assert.strictEqual(read("00 00 05 02 00 00 00 00 01 00 00 00 01 00"), expected)
    assert.strictEqual(read("00 00 05 02 00 00 00 00 01 80 00 00 01 00"), expected)
  })

  it.prop("any payload is valid or an error", [anyFrame(8)], ([{ bytes, header, start }]) => {
    const isWhole = header.streamId !== 0 && header.length === 5
    const problem = readPriority(bytes, start, header)
    assert.isTrue(isWhole ? problem === undefined || problem.reason === "self-dependency" : problem !== undefined)
  })
})
