import { assert, describe, it } from "@effect/vitest"
import { DynamicTable } from "../../../src/protocol/hpack/DynamicTable.ts"
import { HeaderField } from "../../../src/protocol/hpack/HeaderField.ts"
import { KnownName } from "../../../src/protocol/hpack/KnownName.ts"

describe("a name with ever new values", () => {
  it("is found with its last few, however many others are still in the table", () => {
    const known = new KnownName("x-request-id")
    const table = new DynamicTable(4096)
    for (let value = 0; value < 20; value++) {
      table.add(new HeaderField(known.name, String(value)))
      known.note(String(value), table)
    }
    assert.strictEqual(table.length, 20)
    const ages = Array.from({ length: 20 }, (_, value) => known.ageOf(String(value), table))
    assert.deepStrictEqual(ages, [...Array.from({ length: 16 }, () => -1), 3, 2, 1, 0])
  })
})
