import { assert, describe, it } from "@effect/vitest"
import { concatBytes, joinBytes } from "../../src/bytes/JoinBytes.ts"

const pieces = [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]

describe("concatBytes", () => {
  it("has the bytes of all pieces in their order", () => {
    assert.deepStrictEqual([...concatBytes(pieces)], [1, 2, 3])
    assert.strictEqual(concatBytes([]).length, 0)
  })

  it("has memory of its own", () => {
    const piece = Uint8Array.of(1)
    const copy = concatBytes([piece])
    piece[0] = 2
    assert.deepStrictEqual([...copy], [1])
  })
})

describe("joinBytes", () => {
  it("has the same bytes, and a single piece as it is", () => {
    const piece = Uint8Array.of(1)
    assert.deepStrictEqual([...joinBytes(pieces)], [1, 2, 3])
    assert.strictEqual(joinBytes([piece]), piece)
    assert.strictEqual(joinBytes([]).length, 0)
  })
})
