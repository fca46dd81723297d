import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { WriteBuffer } from "../../src/contract/TransportState.ts"

/** A buffer between 10 and 4 whose source is set by hand; `seen` has the callbacks that ran. */
const makeBuffer = (highWaterMark = 10, lowWaterMark = 4) => {
  const source = { bufferedAmount: 0 }
  const logged: Array<unknown> = []
  const buffer = new WriteBuffer(source, { highWaterMark, lowWaterMark, log: (effect) => void logged.push(effect) })
  const seen: Array<string> = []
  const set = (amount: number) => {
    source.bufferedAmount = amount
    buffer.update()
  }
  return { buffer, logged, seen, set }
}

describe("WriteBuffer", () => {
  it("shows its marks and the amount of its source", () => {
    const { buffer, set } = makeBuffer()
    set(3)
    assert.deepStrictEqual([buffer.bufferedAmount, buffer.highWaterMark, buffer.lowWaterMark], [3, 10, 4])
  })

  const paths: ReadonlyArray<readonly [name: string, amounts: ReadonlyArray<number>, seen: ReadonlyArray<string>]> = [
    ["is not above at the high mark", [10], []],
    ["is above one byte over the high mark", [11], ["high"]],
    ["does not repeat itself above the high mark", [11, 12, 50], ["high"]],
    ["does not drain one byte above the low mark", [11, 5], ["high"]],
    ["drains at the low mark", [11, 4], ["high", "drain"]],
    ["drains below the low mark, once", [11, 0, 0], ["high", "drain"]],
    ["does not drain without having been above", [10, 0], []],
    ["does not rise again between the marks", [11, 5, 11, 4, 5, 10, 4], ["high", "drain"]],
    ["rises and drains again", [11, 4, 11, 0], ["high", "drain", "high", "drain"]]
  ]

  it.each(paths)("%s", (_, amounts, expected) => {
    const { buffer, seen, set } = makeBuffer()
    buffer.onHighWater(() => seen.push("high"))
    buffer.onDrain(() => seen.push("drain"))
    for (const amount of amounts) set(amount)
    assert.deepStrictEqual(seen, expected)
  })

  it("works with equal marks and with a low mark of 0", () => {
    const equal = makeBuffer(5, 5)
    equal.buffer.onDrain(() => equal.seen.push("drain"))
    equal.set(6)
    equal.set(5)
    const zero = makeBuffer(5, 0)
    zero.buffer.onDrain(() => zero.seen.push("drain"))
    zero.set(6)
    zero.set(1)
    assert.deepStrictEqual([equal.seen, zero.seen], [["drain"], []])
    zero.set(0)
    assert.deepStrictEqual(zero.seen, ["drain"])
  })

  it("runs several callbacks in the order of their registration", () => {
    const { buffer, seen, set } = makeBuffer()
    for (const name of ["a", "b", "c"]) {
      buffer.onHighWater(() => seen.push(`high ${name}`))
      buffer.onDrain(() => seen.push(`drain ${name}`))
    }
    set(11)
    set(0)
    assert.deepStrictEqual(seen, ["high a", "high b", "high c", "drain a", "drain b", "drain c"])
  })

  it("runs a high water callback at once when it is above already, and on each later rise", () => {
    const { buffer, seen, set } = makeBuffer()
    set(11)
    buffer.onHighWater(() => seen.push("high"))
    assert.deepStrictEqual(seen, ["high"])
    set(0)
    set(11)
    assert.deepStrictEqual(seen, ["high", "high"])
  })

  it("runs a callback that is registered within another one once", () => {
    const { buffer, seen, set } = makeBuffer()
    buffer.onHighWater(() => {
      if (seen.length === 0) buffer.onHighWater(() => seen.push("inner"))
      seen.push("outer")
    })
    set(11)
    assert.deepStrictEqual(seen, ["inner", "outer"])
  })

  it("logs callbacks that throw and runs the others", () => {
    const { buffer, logged, seen, set } = makeBuffer()
    const fails = () => {
      throw new Error("the application's fault")
    }
    buffer.onHighWater(fails)
    buffer.onHighWater(() => seen.push("high"))
    buffer.onDrain(fails)
    buffer.onDrain(() => seen.push("drain"))
    set(11)
    set(0)
    assert.deepStrictEqual(seen, ["high", "drain"])
    assert.strictEqual(logged.length, 2)
    assert.isFalse(buffer.isFull)
  })

  describe("drained", () => {
    it.effect("does not suspend when the buffer is not full", () =>
      Effect.gen(function* () {
        const { buffer, set } = makeBuffer()
        set(10)
        yield* buffer.drained
      })
    )

    it.effect("suspends everyone until the low mark is reached, after the callbacks", () =>
      Effect.gen(function* () {
        const { buffer, seen, set } = makeBuffer()
        set(11)
        const waiting = Effect.map(buffer.drained, () => seen.push("resumed"))
        const fibers = [
          yield* Effect.forkChild(waiting, { startImmediately: true }),
          yield* Effect.forkChild(waiting, { startImmediately: true })
        ]
        buffer.onDrain(() => seen.push("drain"))
        set(5)
        assert.deepStrictEqual(seen, [])
        set(4)
        yield* Effect.forEach(fibers, Fiber.join)
        assert.deepStrictEqual(seen, ["drain", "resumed", "resumed"])
      })
    )

    it.effect("can be interrupted", () =>
      Effect.gen(function* () {
        const { buffer, set } = makeBuffer()
        set(11)
        const [first, second] = [
          yield* Effect.forkChild(buffer.drained, { startImmediately: true }),
          yield* Effect.forkChild(buffer.drained, { startImmediately: true })
        ]
        yield* Fiber.interrupt(first)
        set(0)
        assert.deepStrictEqual(second.pollUnsafe(), Exit.void)
      })
    )

    it.effect("never suspends again after the release", () =>
      Effect.gen(function* () {
        const { buffer, set } = makeBuffer()
        set(11)
        const fiber = yield* Effect.forkChild(buffer.drained, { startImmediately: true })
        buffer.release()
        assert.deepStrictEqual(fiber.pollUnsafe(), Exit.void)
        yield* buffer.drained
        set(50)
        yield* buffer.drained
      })
    )
  })

  it.prop(
    "agrees with a model that remembers the last mark that was crossed",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 14 })))],
    ([amounts]) => {
      const { buffer, seen, set } = makeBuffer()
      buffer.onHighWater(() => seen.push("high"))
      buffer.onDrain(() => seen.push("drain"))
      for (const [index, amount] of amounts.entries()) {
        set(amount)
        const crossed = amounts.slice(0, index + 1).filter((amount) => amount > 10 || amount <= 4)
        const last = crossed.at(-1)
        assert.strictEqual(buffer.isFull, last !== undefined && last > 10)
        const sides = crossed.map((amount) => (amount > 10 ? "high" : "drain"))
        const changes = sides.filter((side, at) => side !== (at === 0 ? "drain" : sides[at - 1]))
        assert.deepStrictEqual(seen, changes)
      }
    },
    { arbitrary: { runs: 300, size: 20 } }
  )
})
