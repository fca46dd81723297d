import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Fifo } from "../../src/bytes/Fifo.ts"
import { assertNotQuadratic } from "../../../../test/support/Growth.ts"

describe("Fifo", () => {
  it.prop("gives what came first, as an array does", [Schema.Array(Schema.Boolean)], ([steps]) => {
    const queue = new Fifo<number>()
    const model: Array<number> = []
    steps.forEach((isPush, item) => {
      if (isPush) {
        queue.push(item)
        model.push(item)
      } else assert.strictEqual(queue.shift(), model.shift())
      assert.deepStrictEqual([queue.length, queue.head, queue.last], [model.length, model[0], model.at(-1)])
    })
  })

  it("keeps the order while many are added and taken", () => {
    const queue = new Fifo<number>()
    let added = 0
    let taken = 0
    for (let round = 0; round < 300; round++) {
      for (let count = 0; count < round % 7; count++) queue.push(added++)
      for (let count = 0; count < round % 6 && queue.length > 0; count++) assert.strictEqual(queue.shift(), taken++)
      assert.strictEqual(queue.length, added - taken)
      assert.strictEqual(queue.head, queue.length === 0 ? undefined : taken)
    }
    assert.isAbove(taken, 500)
  })

  it("is empty when it was cleared, and can be filled again", () => {
    const queue = new Fifo<string>()
    for (const item of ["a", "b", "c"]) queue.push(item)
    queue.shift()
    queue.clear()
    assert.deepStrictEqual([queue.length, queue.head, queue.last, queue.shift()], [0, undefined, undefined, undefined])
    queue.push("d")
    assert.deepStrictEqual([queue.length, queue.shift()], [1, "d"])
  })

  it("takes as long for each item whatever the number of them", () => {
    assertNotQuadratic(() => {
      const size = 400_000
      const queue = new Fifo<number>()
      for (let item = 0; item < size; item++) queue.push(item)
      while (queue.shift() !== undefined);
    })
  })
})
