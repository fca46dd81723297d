import { assert, describe, it } from "@effect/vitest"
import { initialWindow } from "../../src/protocol/wire/FlowWindow.ts"
import { highWaterMark, makeOutput, stream, wide } from "./support/Outputs.ts"

describe("Output", () => {
  describe("says what keeps content that waits", () => {
    it("nothing, when there is none", () => {
      const { output, sent } = makeOutput()
      output.data(stream(1, wide), "content", false)
      assert.strictEqual(output.pump(), "none")
      assert.strictEqual(sent.bytes, 7)
    })

    it("nothing of the connection, when it is the window of its stream", () => {
      const { output, sent } = makeOutput()
      const shut = stream(1, 3)
      output.data(shut, "content", false)
      assert.strictEqual(output.pump(), "none")
      assert.deepStrictEqual([sent.bytes, output.queue.isShut(shut)], [3, true])
      assert.isTrue(output.queue.widenStream(shut, 100))
      assert.strictEqual(output.pump(), "none")
      assert.strictEqual(sent.bytes, 7)
    })

    it("the window of the connection, which all streams share", () => {
      const { output, sent } = makeOutput()
      output.queue.window = 10
      for (const id of [1, 3]) output.data(stream(id, wide), "content", false)
      assert.strictEqual(output.pump(), "window")
      assert.strictEqual(sent.bytes, 10)
      assert.isTrue(output.queue.widen(initialWindow))
      assert.strictEqual(output.pump(), "none")
      assert.strictEqual(sent.bytes, 14)
    })

    it("the transport, until it has sent so much that there is room", () => {
      const { output, sent, sink } = makeOutput()
      sink.bufferedAmount = highWaterMark + 1
      output.data(stream(1, wide), "content", false)
      assert.strictEqual(output.pump(), "transport")
      assert.strictEqual(sent.bytes, 0)
      sink.bufferedAmount = highWaterMark
      assert.strictEqual(output.pump(), "none")
      assert.strictEqual(sent.bytes, 7)
    })

    it("the window rather than the transport, since it would keep content without the transport too", () => {
      const { output, sink } = makeOutput()
      sink.bufferedAmount = highWaterMark + 1
      output.queue.window = 0
      output.data(stream(1, wide), "content", false)
      assert.strictEqual(output.pump(), "window")
    })
  })

  it("refuses windows that are too large, on a stream and on the connection", () => {
    const { output } = makeOutput()
    assert.isFalse(output.queue.widenStream(stream(1, wide), 1))
    assert.isFalse(output.queue.widen(1))
  })
})
