import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { DynamicTable } from "../../../src/protocol/hpack/DynamicTable.ts"
import { HeaderField } from "../../../src/protocol/hpack/HeaderField.ts"
import { boolean, smallIntegers } from "../../support/FrameBytes.ts"

/** RFC 7541 §4, as plainly as possible. */
class Model {
  fields: Array<HeaderField> = []
  maxSize: number

  constructor(maxSize: number) {
    this.maxSize = maxSize
  }

  get size(): number {
    return this.fields.reduce((size, field) => size + field.size, 0)
  }

  add(field: HeaderField): void {
    while (this.fields.length > 0 && this.size + field.size > this.maxSize) this.fields.pop()
    if (field.size <= this.maxSize) this.fields.unshift(field)
  }

  resize(maxSize: number): void {
    this.maxSize = maxSize
    while (this.size > maxSize) this.fields.pop()
  }
}

const step = Arbitrary.all({ isResize: boolean, isLarge: boolean, amount: smallIntegers(400) })

describe("DynamicTable", () => {
  it.prop(
    "does what RFC 7541 §4 says",
    [Arbitrary.array(step, { maxLength: 300 })],
    ([steps]) => {
      const table = new DynamicTable(4096)
      const model = new Model(4096)
      for (const [index, { isResize, isLarge, amount }] of steps.entries()) {
        if (isResize && amount < 40) {
          const maxSize = isLarge ? 4096 : amount * 10
          table.resize(maxSize)
          model.resize(maxSize)
        } else {
          const field = new HeaderField(`x${index}`, "v".repeat(isLarge ? amount : amount % 10))
          table.add(field)
          model.add(field)
        }
        assert.strictEqual(table.size, model.size)
        assert.strictEqual(table.length, model.fields.length)
        for (const [age, field] of model.fields.entries()) assert.strictEqual(table.get(age), field)
        assert.isUndefined(table.get(model.fields.length))
      }
    },
    { arbitrary: { runs: 200, size: 100 }, timeout: 30_000 }
  )

  it("RFC 7541 §4.4: a field that is too large empties it", () => {
    const table = new DynamicTable(100)
    table.add(new HeaderField("a", "b"))
    table.add(new HeaderField("a", "b".repeat(67)))
    assert.strictEqual(table.length, 1)
    table.add(new HeaderField("a", "b".repeat(68)))
    assert.strictEqual(table.length, 0)
    assert.strictEqual(table.size, 0)
    assert.isUndefined(table.get(0))
  })

  it("takes no more places than 4096 bytes need", () => {
    const table = new DynamicTable(4096)
    for (let count = 0; count < 1000; count++) table.add(new HeaderField("", ""))
    assert.strictEqual(table.length, 128)
    assert.strictEqual(table.added, 1000)
  })
})
