import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { ChunkQueue } from "../../src/mesh/protocol/ChunkQueue.ts"
import { chunkSize } from "../../src/mesh/protocol/Limits.ts"
import { makeProperty } from "../support/Properties.ts"

const property = makeProperty(100, 60)

/** Writes so many bytes, each of which is the number. */
const write = (queue: ChunkQueue, length: number, number: number): Buffer => {
  const buffer = queue.reserve(length)
  buffer.fill(number, queue.offset, queue.offset + length)
  return buffer
}

/** A length to write, or nothing, to take a piece. */
const steps = Arbitrary.array(
  Arbitrary.schema(Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 * chunkSize })))),
  { minLength: 1, maxLength: 60 }
)

describe("bytes that wait to be written", () => {
  property("come out as they went in, and a piece stays as it is until the next one is taken", steps, (given) => {
    const queue = new ChunkQueue()
    const expected: Array<Buffer> = []
    const actual: Array<Buffer> = []
    let taken: Buffer | undefined
    const take = (): void => {
      // As the system has it by now.
      if (taken !== undefined) actual.push(Buffer.from(taken))
      taken = queue.take()
    }
    for (const [index, length] of given.entries()) {
      // Short ones are put together.
      const short = length === null ? 0 : index % 3 === 0 ? length : (length % 5000) + 1
      if (length === null) take()
      else {
        write(queue, short, index)
        expected.push(Buffer.alloc(short, index))
      }
    }
    while (queue.size > 0) take()
    take()
    assert.isUndefined(taken)
    assert.isTrue(Buffer.concat(actual).equals(Buffer.concat(expected)))
  })

  it("go out in pieces that are not larger than they need be", () => {
    const queue = new ChunkQueue()
    for (let count = 0; count < 100; count++) write(queue, 10_000, count)
    assert.strictEqual(queue.size, 1_000_000)
    const lengths: Array<number> = []
    for (let bytes = queue.take(); bytes !== undefined; bytes = queue.take()) lengths.push(bytes.length)
    assert.strictEqual(queue.size, 0)
    // Six messages fit into a piece.
    assert.deepStrictEqual(lengths, [...Array.from({ length: 16 }, () => 60_000), 40_000])
  })

  it("need no new memory as long as they are read as fast as they come", () => {
    const queue = new ChunkQueue()
    const buffers = new Set<Buffer>()
    for (let count = 0; count < 500; count++) {
      buffers.add(write(queue, 10_000, count))
      assert.strictEqual(queue.take()?.length, 10_000)
      // As for a peer for which there is something else.
      if (count % 2 === 0) assert.isUndefined(queue.take())
    }
    assert.isAtMost(buffers.size, 2)
  })

  it("keep nothing of a long message that was sent", () => {
    const queue = new ChunkQueue()
    write(queue, 20 * chunkSize, 1)
    assert.strictEqual(queue.take()?.length, 20 * chunkSize)
    for (let count = 0; count < 3; count++) {
      assert.isUndefined(queue.take())
      assert.strictEqual(write(queue, 50_000, 2).length, chunkSize)
      assert.strictEqual(queue.take()?.length, 50_000)
    }
  })
})
