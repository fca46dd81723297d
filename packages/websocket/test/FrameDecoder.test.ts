import { assert, describe, it } from "@effect/vitest"
import { fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import { binary, frame, ping } from "./support/Frames.ts"
import { machine } from "./support/Machine.ts"

/** Bytes of the memory that comes with each read. */
const memorySize = 64_000

/** An eighth of it, the smallest part that is worth keeping all of it. */
const eighth = memorySize / 8

/** What a server makes of a frame, behind which something else fills the memory of the read. */
const receive = (bytes: string, isLent = false) => {
  const memory = new Uint8Array(memorySize)
  memory.set(toBytes(bytes))
  const connection = machine({ compression: true })
  connection.receive(memory, isLent)
  const event = connection.next()
  if (!("bytes" in event)) throw new Error(`there was no payload: ${event.type}`)
  return { memory, payload: event.bytes }
}

const content = (length: number): string => "x".repeat(length)

/** A copy may lie in the small piece of memory that Node shares among copies. */
const mostForCopy = (length: number): number => Math.max(Buffer.poolSize, length)

const frames: Readonly<Record<string, (length: number) => string>> = {
  "a message": (length) => binary(content(length)),
  "a compressed message": (length) => frame(2, content(length), { reserved: 4 })
}

describe("the memory of a payload", () => {
  for (const [name, make] of Object.entries(frames)) {
    it(`of ${name} that is a small part of what was read is its own`, () => {
      for (const length of [1, 100, 1000, eighth - 1]) {
        const { memory, payload } = receive(make(length))
        assert.isFalse(payload.buffer === memory.buffer)
        assert.isAtMost(payload.buffer.byteLength, mostForCopy(length))
        assert.strictEqual(fromBytes(payload, 0, payload.length), content(length))
        memory.fill(0)
        assert.strictEqual(payload[length - 1], 120)
      }
    })

    it(`of ${name} that is a large part of what was read is that of the read`, () => {
      for (const length of [eighth, 30_000, memorySize - 100]) {
        const { memory, payload } = receive(make(length))
        assert.isTrue(payload.buffer === memory.buffer)
        assert.strictEqual(fromBytes(payload, 0, payload.length), content(length))
      }
    })

    it(`of ${name} is always its own when the memory was lent`, () => {
      for (const length of [1, eighth - 1, eighth, memorySize - 100]) {
        const { memory, payload } = receive(make(length), true)
        assert.isFalse(payload.buffer === memory.buffer)
        assert.isAtMost(payload.buffer.byteLength, mostForCopy(length))
      }
    })
  }

  it("of a ping is its own", () => {
    const { memory, payload } = receive(ping("now"))
    assert.isFalse(payload.buffer === memory.buffer)
    assert.strictEqual(fromBytes(payload, 0, payload.length), "now")
  })
})
