import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { ByteQueue } from "../../src/bytes/ByteQueue.ts"
import { fromBytes, toBytes } from "../../src/bytes/ByteString.ts"
import { assertNotQuadratic } from "../../../../test/support/Growth.ts"

const textOf = (data: string | Uint8Array): string =>
  typeof data === "string" ? data : fromBytes(data, 0, data.length)

/** Everything that waits, taken so many bytes at a time. */
const drain = (queue: ByteQueue, maxLength: number): string => {
  let text = ""
  while (queue.length > 0) {
    const piece = queue.take(maxLength)
    if (piece === undefined) return `${text}, and the rest has gone`
    if (piece.length < 1 || piece.length > maxLength) return `${text}, and a piece of ${piece.length}`
    text += textOf(piece)
  }
  return text
}

const pattern = Array.from({ length: 10_000 }, (_, index) => String.fromCharCode((index * 7) & 0xff)).join("")

/** Bytes that say where they are from. */
const content = (length: number, seed: number): string => pattern.slice((seed * 31) % 256).slice(0, length)

const smallOrLarge = Schema.Literals([0, 1, 2, 50, 1023, 1024, 1025, 4000, 9000])

describe("ByteQueue", () => {
  it.prop(
    "gives all bytes in order, whatever they come and are taken in",
    { pieces: Schema.Array(Schema.Tuple([smallOrLarge, Schema.Boolean])), maxLength: smallOrLarge },
    ({ maxLength, pieces }) => {
      const queue = new ByteQueue()
      let given = ""
      let taken = ""
      pieces.forEach(([length, isText], seed) => {
        const text = content(length, seed)
        given += text
        queue.push(isText ? text : toBytes(text))
        if (seed % 3 === 2 && queue.length > 0) taken += textOf(queue.take(1 + maxLength) ?? "")
        assert.strictEqual(queue.length, given.length - taken.length)
      })
      assert.strictEqual(taken + drain(queue, 1 + maxLength), given)
    }
  )

  it("copies no large array, and gives one that is taken whole as it is", () => {
    const queue = new ByteQueue()
    const array = new Uint8Array(5000)
    queue.push(array)
    queue.push(array)
    assert.strictEqual(queue.take(5000), array)
    const part = queue.take(4999)
    assert.isTrue(part instanceof Uint8Array && part.buffer === array.buffer)
  })

  it("gathers small pieces that follow each other", () => {
    const queue = new ByteQueue()
    for (let count = 0; count < 10_000; count++) queue.push(count % 2 === 0 ? "a" : new Uint8Array(1))
    let pieces = 0
    for (; queue.length > 0; pieces++) queue.take(100_000)
    assert.isAtMost(pieces, 4)
  })

  it("leaves small pieces between large ones as they are", () => {
    const queue = new ByteQueue()
    for (let count = 0; count < 5; count++) {
      queue.push("a small piece")
      queue.push(new Uint8Array(2000))
    }
    for (let count = 0; count < 5; count++) {
      assert.strictEqual(queue.take(100_000), "a small piece")
      assert.strictEqual(queue.take(100_000)?.length, 2000)
    }
  })

  it("puts nothing behind a piece that was gathered before a large one", () => {
    const queue = new ByteQueue()
    const pieces = ["first", "second", content(3000, 1), "third", "fourth", "fifth"]
    for (const piece of pieces) queue.push(piece)
    assert.strictEqual(drain(queue, 100_000), pieces.join(""))
  })

  it("is empty when it was cleared in the middle of a piece", () => {
    const queue = new ByteQueue()
    for (const piece of ["first", "second"]) queue.push(piece)
    queue.take(2)
    queue.clear()
    assert.strictEqual(queue.length, 0)
    for (const piece of ["third", "fourth"]) queue.push(piece)
    assert.strictEqual(drain(queue, 3), "thirdfourth")
  })

  const room = { maxByteLength: 5000 }
  for (const [what, takeAway] of [
    ["was transferred", (buffer: ArrayBuffer) => void structuredClone(buffer, { transfer: [buffer] })],
    ["became shorter", (buffer: ArrayBuffer) => buffer.resize(4999)],
    ["became empty", (buffer: ArrayBuffer) => buffer.resize(0)]
  ] as const) {
    for (const [kind, viewOf] of [
      ["an array", (buffer: ArrayBuffer) => new Uint8Array(buffer, 0, 5000)],
      ["one that follows its buffer's length", (buffer: ArrayBuffer) => new Uint8Array(buffer)]
    ] as const) {
      it(`notices that ${kind} ${what}, also when part of it was taken`, () => {
        for (const taken of [0, 10]) {
          const queue = new ByteQueue()
          const buffer = new ArrayBuffer(5000, room)
          queue.push(viewOf(buffer))
          queue.push("what follows")
          if (taken > 0) queue.take(taken)
          takeAway(buffer)
          assert.strictEqual(queue.take(100_000), undefined)
        }
      })
    }
  }

  it("gives what an array had that has become longer", () => {
    const queue = new ByteQueue()
    const buffer = new ArrayBuffer(2000, room)
    queue.push(new Uint8Array(buffer))
    queue.push("a")
    queue.push("b")
    buffer.resize(5000)
    assert.strictEqual(drain(queue, 1500), `${"\0".repeat(2000)}ab`)
  })

  it("takes time by the number of bytes, whatever pieces they come in", () => {
    const piece = new Uint8Array(1024)
    assertNotQuadratic(() => {
      const size = 400_000
      const queue = new ByteQueue()
      for (let count = 0; count < size; count++) queue.push(piece)
      while (queue.length > 0) queue.take(1000)
    })
    assertNotQuadratic(() => {
      const size = 400_000
      const queue = new ByteQueue()
      for (let count = 0; count < size; count++) queue.push("x")
      while (queue.length > 0) queue.take(1)
    })
  })
})
