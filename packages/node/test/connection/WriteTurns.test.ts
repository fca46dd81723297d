import { assert, describe, it } from "@effect/vitest"
import { WriteTurns } from "../../src/connection/WriteTurns.ts"

const share = 65_536
const limit = 8_388_608
const fewLimit = 33_554_432
const few = 4

const nextTurn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))

/** A connection that writes pieces of 64 KiB until it may not. */
class Writer {
  turn = 0
  written = 0
  readonly turns: WriteTurns
  readonly log: Array<Writer>
  /** Bytes that it has still to write. */
  left: number

  constructor(turns: WriteTurns, left: number, log: Array<Writer> = []) {
    this.turns = turns
    this.left = left
    this.log = log
  }

  nextTurn(): void {
    this.log.push(this)
    while (this.left > 0) {
      if (!this.turns.allows(this)) return this.turns.wait(this)
      this.turns.note(this, Math.min(share, this.left))
      this.left = Math.max(0, this.left - share)
    }
  }
}

describe("WriteTurns", () => {
  it("lets one connection write much in a turn, and the rest in later ones", async () => {
    const writer = new Writer(new WriteTurns(), 3 * fewLimit)
    writer.nextTurn()
    assert.strictEqual(writer.left, 2 * fewLimit)
    await nextTurn()
    assert.isBelow(writer.left, 2 * fewLimit)
    for (let turns = 0; turns < 10 && writer.left > 0; turns++) await nextTurn()
    assert.strictEqual(writer.left, 0)
  })

  it("lets everybody else write a little when a turn is used up, and no more", () => {
    const turns = new WriteTurns()
    new Writer(turns, 2 * fewLimit).nextTurn()
    const small = new Writer(turns, 200)
    small.nextTurn()
    assert.strictEqual(small.left, 0)
    const large = new Writer(turns, limit)
    large.nextTurn()
    assert.strictEqual(large.left, limit - share)
  })

  it("goes on with those that wait in their order, and bounds what all of them write in a turn", async () => {
    const turns = new WriteTurns()
    const log: Array<Writer> = []
    const writers = Array.from({ length: 100 }, () => new Writer(turns, limit, log))
    for (const writer of writers) writer.nextTurn()
    const left = () => writers.reduce((sum, writer) => sum + writer.left, 0)
    log.length = 0
    for (let before = left(); before > 0; before = left()) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      assert.isAtMost(before - left(), limit + share)
      assert.isBelow(left(), before)
    }
    const firstRound = log.slice(0, 100 - few)
    assert.deepStrictEqual(
      firstRound.map((writer) => writers.indexOf(writer)),
      firstRound.map((_, index) => index + few)
    )
  })

  it("lets few connections write much more in a turn than many", async () => {
    const turns = new WriteTurns()
    const writers = Array.from({ length: few }, () => new Writer(turns, fewLimit / few))
    for (const writer of writers) writer.nextTurn()
    assert.deepStrictEqual(
      writers.map(({ left }) => left),
      [0, 0, 0, 0]
    )
    const another = new Writer(turns, limit)
    another.nextTurn()
    assert.strictEqual(another.left, limit - share)
  })

  it("remembers for a while that there were many", async () => {
    const turns = new WriteTurns()
    for (let count = 0; count <= few; count++) new Writer(turns, share).nextTurn()
    await nextTurn()
    const alone = new Writer(turns, 1000 * limit)
    alone.nextTurn()
    assert.strictEqual(alone.left, 999 * limit)
    for (let before = 0; alone.left > 0 && before - alone.left < fewLimit / 2;) {
      before = alone.left
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    assert.isAbove(alone.left, 0)
  })

  it("gives a new turn to connections that have written in an earlier one", async () => {
    const turns = new WriteTurns()
    const writer = new Writer(turns, fewLimit)
    writer.nextTurn()
    assert.strictEqual(writer.left, 0)
    assert.isFalse(turns.allows(writer))
    await nextTurn()
    assert.isTrue(turns.allows(writer))
  })
})
