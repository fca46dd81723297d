import { fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import { readContinuation } from "../../../src/protocol/frame/Continuation.ts"
import { frameHeaderSize } from "../../../src/protocol/frame/FrameHeader.ts"
import { CONTINUATION, HEADERS } from "../../../src/protocol/frame/FrameType.ts"
import { beginHeaders, finishHeaders, readHeaders } from "../../../src/protocol/frame/Headers.ts"
import { PayloadRange } from "../../../src/protocol/frame/PayloadRange.ts"
import type { OutputBuffer } from "../../../src/protocol/wire/OutputBuffer.ts"
import {
  anyFrame,
  boolean,
  byteStrings,
  contentOf,
  frameOfHex,
  outcome,
  readHeader,
  smallIntegers,
  streamIds,
  written,
  writtenHex
} from "../../support/FrameBytes.ts"

const read = (digits: string): string => contentOf(readHeaders, frameOfHex(digits))

describe("RFC 9113 §6.2: HEADERS", () => {
  it("without padding and priority, all of the payload is field block fragment", () => {
    assert.strictEqual(read("00 00 03 01 05 00 00 00 01 61 62 63"), "abc")
    assert.strictEqual(read("00 00 00 01 04 00 00 00 01"), "")
  })

  it("padding is taken off", () => {
    assert.strictEqual(read("00 00 06 01 0c 00 00 00 01 02 61 62 63 00 00"), "abc")
    assert.strictEqual(read("00 00 03 01 08 00 00 00 01 02 00 00"), "")
  })

  it("priority is taken off", () => {
    assert.strictEqual(read("00 00 07 01 24 00 00 00 01 00 00 00 00 ff 61 62"), "ab")
    assert.strictEqual(read("00 00 05 01 20 00 00 00 01 80 00 00 03 00"), "")
  })

  it("both are taken off", () => {
    assert.strictEqual(read("00 00 0a 01 2d 00 00 00 01 02 00 00 00 03 0f 61 62 00 00"), "ab")
    assert.strictEqual(read("00 00 06 01 28 00 00 00 01 00 00 00 00 03 0f"), "")
  })

  it("on stream 0 → PROTOCOL_ERROR of the connection", () => {
    const expected = "connection-error PROTOCOL_ERROR missing-stream-id"
    assert.strictEqual(read("00 00 01 01 04 00 00 00 00 61"), expected)
    assert.strictEqual(read("00 00 05 01 20 00 00 00 00 00 00 00 00 00"), expected)
  })

  it("padding longer than what is left for the fragment → PROTOCOL_ERROR of the connection", () => {
    const expected = "connection-error PROTOCOL_ERROR padding-too-long"
    assert.strictEqual(read("00 00 01 01 08 00 00 00 01 01"), expected)
    assert.strictEqual(read("00 00 03 01 08 00 00 00 01 03 61 62"), expected)
    assert.strictEqual(read("00 00 06 01 28 00 00 00 01 01 00 00 00 00 00"), expected)
    assert.strictEqual(read("00 00 08 01 28 00 00 00 01 03 00 00 00 00 00 61 62"), expected)
  })

  it("§4.2: too short for what the flags say → FRAME_SIZE_ERROR of the connection", () => {
    const expected = "connection-error FRAME_SIZE_ERROR frame-too-short"
    assert.strictEqual(read("00 00 00 01 08 00 00 00 01"), expected)
    assert.strictEqual(read("00 00 00 01 20 00 00 00 01"), expected)
    assert.strictEqual(read("00 00 04 01 20 00 00 00 01 00 00 00 00"), expected)
    assert.strictEqual(read("00 00 05 01 28 00 00 00 01 00 00 00 00 00"), expected)
  })

  it("RFC 7540 §5.3.1: a stream that depends on itself → PROTOCOL_ERROR of the stream, and the fragment", () => {
    for (const dependency of ["00 00 00 05", "80 00 00 05"]) {
      const { bytes, header, start } = frameOfHex(`00 00 07 01 24 00 00 00 05 ${dependency} 0f 61 62`)
      const range = new PayloadRange()
      const problem = readHeaders(bytes, start, header, range)
      assert.strictEqual(outcome(problem), "stream-error PROTOCOL_ERROR self-dependency")
      assert.strictEqual(fromBytes(bytes, range.start, range.end), "ab")
    }
  })

  it.prop("any payload has its fragment inside of it, or an error", [anyFrame(30)], ([{ bytes, header }]) => {
    const range = new PayloadRange()
    if (readHeaders(bytes, 0, header, range)?.type === "connection-error") return
    assert.isTrue(range.start >= 0 && range.start <= range.end && range.end <= header.length)
  })
})

describe("RFC 9113 §6.10: CONTINUATION", () => {
  it("all of the payload is field block fragment", () => {
    for (const digits of [
      "00 00 01 09 04 00 00 00 01 61",
      "00 00 00 09 00 7f ff ff ff",
      "00 00 00 09 fb 00 00 00 02"
    ]) {
      assert.isUndefined(readContinuation(frameOfHex(digits).header))
    }
  })

  it("on stream 0 → PROTOCOL_ERROR of the connection", () => {
    const { header } = frameOfHex("00 00 01 09 04 00 00 00 00 61")
    assert.strictEqual(outcome(readContinuation(header)), "connection-error PROTOCOL_ERROR missing-stream-id")
  })
})

/** Writes a block as an encoder would. */
const writeBlock = (out: OutputBuffer, block: string, streamId: number, isEnd: boolean, maxFrameSize: number): void => {
  const offset = beginHeaders(out)
  out.reserve(block.length)
  out.text(block)
  finishHeaders(out, offset, streamId, isEnd, maxFrameSize)
}

describe("RFC 9113 §4.3: field blocks that are written", () => {
  it("are one frame when they fit", () => {
    assert.strictEqual(
      writtenHex((out) => writeBlock(out, "abc", 5, false, 3)),
      "00 00 03 01 04 00 00 00 05 61 62 63"
    )
    assert.strictEqual(
      writtenHex((out) => writeBlock(out, "abc", 5, true, 3)),
      "00 00 03 01 05 00 00 00 05 61 62 63"
    )
    assert.strictEqual(
      writtenHex((out) => writeBlock(out, "", 5, true, 3)),
      "00 00 00 01 05 00 00 00 05"
    )
  })

  it("go on in CONTINUATIONs, of which the last has END_HEADERS", () => {
    assert.strictEqual(
      writtenHex((out) => writeBlock(out, "abcd", 5, true, 3)),
      "00 00 03 01 01 00 00 00 05 61 62 63 00 00 01 09 04 00 00 00 05 64"
    )
    assert.strictEqual(
      writtenHex((out) => writeBlock(out, "abcdef", 5, false, 2)),
      "00 00 02 01 00 00 00 00 05 61 62 00 00 02 09 00 00 00 00 05 63 64 00 00 02 09 04 00 00 00 05 65 66"
    )
  })

  it("leave alone what is before them", () => {
    const bytes = writtenHex((out) => {
      writeBlock(out, "x", 1, true, 1)
      writeBlock(out, "ab", 3, true, 1)
      writeBlock(out, "y", 5, true, 1)
    })
    const expected = [
      "00 00 01 01 05 00 00 00 01 78",
      "00 00 01 01 01 00 00 00 03 61",
      "00 00 01 09 04 00 00 00 03 62",
      "00 00 01 01 05 00 00 00 05 79"
    ]
    assert.strictEqual(bytes, expected.join(" "))
  })

  it("may be larger than the memory that there was", () => {
    const block = "0123456789".repeat(10_000)
    const bytes = written((out) => writeBlock(out, block, 1, true, 16_384))
    assert.strictEqual(bytes.length, block.length + Math.ceil(block.length / 16_384) * frameHeaderSize)
    assert.strictEqual(readBlock(bytes, 1, true), block)
  })

  it.prop(
    "read(write(x)) = x",
    [byteStrings(100), smallIntegers(40), streamIds, boolean],
    ([block, size, streamId, isEnd]) => {
      const bytes = written((out) => writeBlock(out, block, streamId, isEnd, size + 1))
      assert.strictEqual(readBlock(bytes, streamId, isEnd, size + 1), block)
    }
  )
})

/** Puts a block together, whose frames have to be as they should; all but the last are full. */
const readBlock = (bytes: Uint8Array, streamId: number, isEnd: boolean, maxFrameSize = 16_384): string => {
  let block = ""
  for (let offset = 0; offset < bytes.length;) {
    const { header, start } = readHeader(bytes, offset)
    const isFirst = offset === 0
    offset = start + header.length
    assert.strictEqual(header.streamId, streamId)
    assert.strictEqual(header.type, isFirst ? HEADERS : CONTINUATION)
    assert.strictEqual(header.flags, (isFirst && isEnd ? 1 : 0) + (offset === bytes.length ? 4 : 0))
    if (offset < bytes.length) assert.strictEqual(header.length, maxFrameSize)
    else assert.isAtMost(header.length, maxFrameSize)
    if (!isFirst) assert.isAbove(header.length, 0)
    block += fromBytes(bytes, start, offset)
    assert.strictEqual(toBytes(block).length, block.length)
  }
  return block
}
