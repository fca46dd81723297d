import { fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import { ReceiveBuffer } from "@pagi/core/bytes/ReceiveBuffer"
import { assert, describe, it } from "@effect/vitest"
import { ChunkedDecoder } from "../../src/protocol/ChunkedDecoder.ts"
import type { Limits } from "../../src/protocol/Limits.ts"

const noLimits: Limits = { maxHeaderSize: 100, maxHeaderCount: 10, maxBodySize: 0 }

/** What comes of bytes that arrive at once: pieces, of small chunks joined, how the body ends, and how many bytes are certainly still to come. */
const decode = (text: string, limits: Partial<Limits> = {}) => {
  const decoder = new ChunkedDecoder({ ...noLimits, ...limits })
  const buffer = new ReceiveBuffer()
  buffer.append(toBytes(text), false)
  const events: Array<string> = []
  while (true) {
    const event = decoder.next(buffer)
    if (event.type === "body") {
      events.push(fromBytes(event.bytes, 0, event.bytes.length))
      continue
    }
    if (event.type === "error") events.push(event.reason)
    if (event.type === "end") events.push("end")
    return { events, knownRemaining: decoder.knownRemaining, left: buffer.length }
  }
}

describe("the size of a chunk", () => {
  it("may be as large as a number can be exact", () => {
    assert.strictEqual(decode("1fffffffffffff\r\n").knownRemaining, Number.MAX_SAFE_INTEGER)
    assert.deepStrictEqual(decode("1FFFFFFFFFFFFF\r\nab").events, ["ab"])
    assert.deepStrictEqual(decode("20000000000000").events, ["malformed-chunk"])
  })

  it("may have 16 digits, and 16 in each chunk", () => {
    assert.deepStrictEqual(decode(`${"2".padStart(16, "0")}\r\nab\r\n`.repeat(2)).events, ["abab"])
    assert.deepStrictEqual(decode("2".padStart(17, "0")).events, ["malformed-chunk"])
  })

  it("counts up to maxBodySize over all chunks", () => {
    assert.deepStrictEqual(decode("4\r\nabcd\r\n6\r\nefghij\r\n0\r\n\r\n", { maxBodySize: 10 }).events, [
      "abcdefghij",
      "end"
    ])
    assert.deepStrictEqual(decode("4\r\nabcd\r\n7\r\nefghijk", { maxBodySize: 10 }).events, ["abcd", "body-too-large"])
    assert.deepStrictEqual(decode("b\r\n", { maxBodySize: 10 }).events, ["body-too-large"])
  })
})

describe("chunk extensions", () => {
  it("may take as many bytes as a header section, over the whole body", () => {
    const extension = `;${"a".repeat(49)}`
    const body = `1${extension}\r\nx\r\n`.repeat(2)
    assert.deepStrictEqual(decode(`${body}0\r\n\r\n`).events, ["xx", "end"])
    assert.deepStrictEqual(decode(`${body}0;`).events, ["xx", "chunk-extensions-too-large"])
  })
})

describe("how many bytes are certainly still to come", () => {
  it("is what is missing of the chunk, and nothing outside of its data", () => {
    assert.strictEqual(decode("5").knownRemaining, 0)
    assert.strictEqual(decode("5\r").knownRemaining, 0)
    assert.strictEqual(decode("5\r\n").knownRemaining, 5)
    assert.strictEqual(decode("5\r\nhel").knownRemaining, 2)
    assert.strictEqual(decode("5\r\nhello").knownRemaining, 0)
    assert.strictEqual(decode("5\r\nhello\r\n4").knownRemaining, 0)
  })
})

describe("the end of the body", () => {
  it("leaves what follows", () => {
    assert.deepStrictEqual(decode("0\r\n\r\nGET /"), { events: ["end"], knownRemaining: 0, left: 5 })
  })
})
