import { assert, describe, it } from "@effect/vitest"
import { fromBytes, toBytes } from "../../src/bytes/ByteString.ts"
import { ReceiveBuffer } from "../../src/bytes/ReceiveBuffer.ts"

/** What is left. */
const contentOf = ({ bytes, start, end }: ReceiveBuffer): string => fromBytes(bytes, start, end)

describe("ReceiveBuffer", () => {
  it("uses a piece as it is while nothing is left over, lent or not", () => {
    for (const isLent of [true, false]) {
      const buffer = new ReceiveBuffer()
      const piece = toBytes("abc")
      buffer.append(piece, isLent)
      assert.strictEqual(buffer.bytes, piece)
      assert.strictEqual(buffer.isLent, isLent)
      assert.strictEqual(contentOf(buffer), "abc")
    }
  })

  it("copies what is left of lent memory, by keep or when more comes", () => {
    for (const more of ["", "fg"]) {
      const buffer = new ReceiveBuffer()
      const memory = toBytes("abcde")
      buffer.append(memory, true)
      buffer.consumeTo(2)
      if (more === "") buffer.keep()
      else buffer.append(toBytes(more), true)
      memory.fill(0)
      assert.isFalse(buffer.isLent)
      assert.strictEqual(contentOf(buffer), `cde${more}`)
    }
  })

  it("leaves owned memory alone when it is kept", () => {
    const buffer = new ReceiveBuffer()
    const piece = toBytes("abc")
    buffer.append(piece, false)
    buffer.keep()
    assert.strictEqual(buffer.bytes, piece)
  })

  it("lets go of memory when all of it has been read", () => {
    const buffer = new ReceiveBuffer()
    buffer.append(new Uint8Array(1000), false)
    buffer.consumeTo(1000)
    assert.strictEqual(buffer.length, 0)
    assert.strictEqual(buffer.bytes.length, 0)
    buffer.append(new Uint8Array(10), true)
    buffer.clear()
    assert.deepStrictEqual([buffer.length, buffer.bytes.length, buffer.isLent], [0, 0, false])
  })

  it("ignores an empty piece", () => {
    const buffer = new ReceiveBuffer()
    buffer.append(toBytes("a"), false)
    buffer.append(new Uint8Array(0), true)
    assert.isFalse(buffer.isLent)
    assert.strictEqual(contentOf(buffer), "a")
  })

  it("grows by doubling, and does not move what it has into new memory for each piece", () => {
    const buffer = new ReceiveBuffer()
    const arrays = new Set<Uint8Array>()
    let expected = ""
    for (let index = 0; index < 10_000; index++) {
      const piece = String.fromCharCode(index & 0xff)
      buffer.append(toBytes(piece), index % 2 === 0)
      expected += piece
      arrays.add(buffer.bytes)
    }
    assert.strictEqual(contentOf(buffer), expected)
    assert.isBelow(arrays.size, 12)
  })

  it("takes out what is owned as a view, and what is lent as a copy", () => {
    for (const isLent of [true, false]) {
      const buffer = new ReceiveBuffer()
      const memory = toBytes("abcde")
      buffer.append(memory, isLent)
      const taken = buffer.take(2)
      assert.strictEqual(taken.buffer === memory.buffer, !isLent)
      buffer.append(toBytes("fg"), isLent)
      assert.strictEqual(contentOf(buffer), "cdefg")
      const rest = buffer.take(100)
      assert.strictEqual(buffer.length, 0)
      buffer.append(toBytes("xyz"), isLent)
      assert.deepStrictEqual([fromBytes(taken, 0, 2), fromBytes(rest, 0, rest.length)], ["ab", "cdefg"])
    }
  })

  it("takes out what nobody keeps as a view, also of lent memory", () => {
    const buffer = new ReceiveBuffer()
    const memory = toBytes("abcde")
    buffer.append(memory, true)
    const taken = buffer.take(3, false)
    assert.strictEqual(taken.buffer, memory.buffer)
    assert.strictEqual(fromBytes(taken, 0, taken.length), "abc")
    // What is left may be wanted.
    buffer.keep()
    memory.fill(0)
    assert.strictEqual(contentOf(buffer), "de")
  })

  it("takes out a whole piece as it is", () => {
    const buffer = new ReceiveBuffer()
    const piece = toBytes("abc")
    buffer.append(piece, false)
    assert.strictEqual(buffer.take(3), piece)
  })
})
