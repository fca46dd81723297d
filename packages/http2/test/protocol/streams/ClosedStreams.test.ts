import { assert, describe, it } from "@effect/vitest"
import { ClosedStreams } from "../../../src/protocol/streams/ClosedStreams.ts"

const lastId = 2 ** 31 - 1

describe("ClosedStreams", () => {
  it("knows how a stream was closed", () => {
    const closed = new ClosedStreams()
    assert.isUndefined(closed.find(1))
    closed.note(1, "ended")
    closed.note(3, "reset")
    closed.note(lastId, "ended")
    closed.note(lastId - 2, "reset")
    assert.deepStrictEqual(
      [1, 3, 5, lastId, lastId - 2].map((id) => closed.find(id)),
      ["ended", "reset", undefined, "ended", "reset"]
    )
  })

  it("a stream that had ended can be reset", () => {
    const closed = new ClosedStreams()
    closed.note(1, "ended")
    closed.note(1, "reset")
    assert.strictEqual(closed.find(1), "reset")
  })

  it("forgets the oldest", () => {
    for (const [how, capacity] of [
      ["ended", 128],
      ["reset", 256]
    ] as const) {
      const closed = new ClosedStreams()
      for (let index = 0; index < 1000; index++) {
        const id = 2 * index + 1
        closed.note(id, how)
        assert.strictEqual(closed.find(id), how)
        const oldest = id - 2 * (capacity - 1)
        if (oldest > 0) assert.strictEqual(closed.find(oldest), how)
        assert.isUndefined(closed.find(oldest - 2))
      }
    }
  })

  it("remembers a reset however many streams end after it", () => {
    const closed = new ClosedStreams()
    closed.note(1, "reset")
    for (let id = 3; id < 5000; id += 2) closed.note(id, "ended")
    assert.strictEqual(closed.find(1), "reset")
  })
})
