import { assert, describe, it } from "@effect/vitest"
import { fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import { FrameBuffer } from "../../src/protocol/FrameBuffer.ts"

/** What is left, as the array and as the view show it, which must be the same. */
const contentOf = ({ bytes, view, start, end }: FrameBuffer): string => {
  for (let index = start; index < end; index++) assert.strictEqual(view.getUint8(index), bytes[index])
  return fromBytes(bytes, start, end)
}

describe("FrameBuffer", () => {
  it("shows a piece where it is in its memory, lent or not", () => {
    for (const isLent of [true, false]) {
      const memory = toBytes("0123456789")
      for (const start of [0, 4, 2]) {
        const buffer = new FrameBuffer()
        buffer.append(memory.subarray(start, start + 3), isLent)
        assert.strictEqual(contentOf(buffer), "0123456789".slice(start, start + 3))
      }
    }
  })

  it("makes one view for lent memory that comes again", () => {
    const memory = toBytes("abc")
    const [first, second] = [new FrameBuffer(), new FrameBuffer()]
    for (const buffer of [first, second]) buffer.append(memory, true)
    assert.strictEqual(first.view, second.view)
  })

  it("shows the memory into which bytes were copied, by keep or when more comes", () => {
    for (const more of ["", "fg"]) {
      const buffer = new FrameBuffer()
      const memory = toBytes("abcde")
      buffer.append(memory, true)
      buffer.consumeTo(2)
      if (more === "") buffer.keep()
      else buffer.append(toBytes(more), true)
      memory.fill(0)
      assert.strictEqual(contentOf(buffer), `cde${more}`)
    }
  })

  it("shows what has grown piece by piece", () => {
    const buffer = new FrameBuffer()
    let expected = ""
    for (let index = 0; index < 2000; index++) {
      const piece = String.fromCharCode(index & 0xff)
      buffer.append(toBytes(piece), index % 2 === 0)
      expected += piece
    }
    assert.strictEqual(contentOf(buffer), expected)
  })

  it("lets go of memory when all of it has been read", () => {
    const buffer = new FrameBuffer()
    buffer.append(new Uint8Array(1000), false)
    buffer.consumeTo(1000)
    assert.deepStrictEqual([buffer.bytes.length, buffer.view.byteLength], [0, 0])
    buffer.append(new Uint8Array(10), true)
    buffer.clear()
    assert.deepStrictEqual([buffer.bytes.length, buffer.view.byteLength], [0, 0])
  })
})
