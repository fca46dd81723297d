import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { initialWindow, maxWindow, ReceiveWindow } from "../../../src/protocol/wire/FlowWindow.ts"
import { boolean, smallIntegers } from "../../support/FrameBytes.ts"

describe("RFC 9113 §6.9: flow control", () => {
  it("windows begin with 65535 bytes, and have at most 2^31-1", () => {
    assert.deepStrictEqual([initialWindow, maxWindow], [65_535, 2_147_483_647])
  })

  it("takes what fits, to the last byte", () => {
    const window = new ReceiveWindow(10)
    assert.deepStrictEqual([window.receive(4), window.receive(6), window.receive(0)], [true, true, true])
    assert.isFalse(window.receive(1))
    assert.strictEqual(window.available, 0)
  })

  it("counts nothing of what does not fit", () => {
    const window = new ReceiveWindow(10)
    assert.isFalse(window.receive(11))
    assert.strictEqual(window.available, 10)
    assert.isTrue(window.receive(10))
  })

  it("gives back when half of it was consumed, all that was", () => {
    const window = new ReceiveWindow(10)
    window.receive(10)
    assert.deepStrictEqual([window.consume(4), window.available], [0, 0])
    assert.deepStrictEqual([window.consume(2), window.available], [6, 6])
    assert.deepStrictEqual([window.consume(4), window.available], [0, 6])
    assert.isFalse(window.receive(7))
    window.receive(6)
    assert.deepStrictEqual([window.consume(1), window.available], [5, 5])
  })

  it("gives back exactly at the half", () => {
    for (const [size, half] of [
      [10, 5],
      [11, 6],
      [1, 1],
      [2, 1]
    ] as const) {
      const window = new ReceiveWindow(size)
      window.receive(half)
      assert.strictEqual(window.consume(half - 1), 0)
      assert.strictEqual(window.consume(1), half)
    }
  })

  it("a window of 0 lets nothing in and asks for nothing", () => {
    const window = new ReceiveWindow(0)
    assert.deepStrictEqual([window.receive(0), window.receive(1), window.consume(0)], [true, false, 0])
  })

  it("RFC 9113 §6.9.3: more than its size may be available at first", () => {
    const window = new ReceiveWindow(10, 100)
    assert.isTrue(window.receive(100))
    assert.deepStrictEqual([window.consume(4), window.consume(1), window.available], [0, 5, 5])
  })

  it.prop(
    "whatever the rhythm, a peer that waits for what was consumed can go on",
    [smallIntegers(50), Arbitrary.array(Arbitrary.all({ length: smallIntegers(60), isReceived: boolean }))],
    ([size, steps]) => {
      const window = new ReceiveWindow(size)
      let peer = size
      let held = 0
      for (const { length, isReceived } of steps) {
        if (isReceived) {
          const fits = length <= peer
          assert.strictEqual(window.receive(length), fits)
          if (fits) [peer, held] = [peer - length, held + length]
        } else {
          const consumed = Math.min(length, held)
          held -= consumed
          peer += window.consume(consumed)
        }
        assert.strictEqual(window.available, peer)
        assert.isAtMost(peer + held, size)
        if (held === 0 && size > 0) assert.isAbove(peer, 0)
      }
    }
  )
})
