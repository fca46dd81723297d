import { assert, describe, it } from "@effect/vitest"
import { choice, integer, list, optional, permissions } from "../../src/options/OptionKind.ts"

describe("permissions", () => {
  it("are written in octal, with or without a leading zero", () => {
    for (const [text, mode] of [
      ["0660", 0o660],
      ["660", 0o660],
      ["0", 0],
      ["7", 7],
      ["0777", 0o777]
    ] as const) {
      assert.strictEqual(permissions.fromText(text), mode)
    }
    for (const text of ["", "8", "0o660", "1777", "00660", "rw", "-1"]) assert.isUndefined(permissions.fromText(text))
  })

  it("are numbers in programs; 660 instead of 0o660 is refused", () => {
    assert.strictEqual(permissions.accept(0o660), 0o660)
    for (const mode of [660, -1, 0.5, 0o1000, Number.NaN]) assert.isUndefined(permissions.accept(mode))
  })

  it("are written as they are read", () => {
    assert.strictEqual(permissions.toText(0o60), "060")
  })
})

describe("a list", () => {
  const ports = list(integer(0, 9, "N"))

  it("is an array of which every element is allowed", () => {
    assert.deepStrictEqual(ports.accept([]), [])
    assert.deepStrictEqual(ports.accept([1, 9]), [1, 9])
    assert.isUndefined(ports.accept([1, 10]))
    assert.isUndefined(ports.accept("12" as never)) // As untyped programs may.
  })

  it("may need a number of elements", () => {
    const some = list(integer(0, 9, "N"), 2)
    assert.isUndefined(some.accept([1]))
    assert.deepStrictEqual(some.accept([1, 2]), [1, 2])
  })

  it("is written with commas, or several times", () => {
    assert.deepStrictEqual(ports.fromText("1, 2,3"), [1, 2, 3])
    assert.isUndefined(ports.fromText("1,,2"))
    assert.deepStrictEqual(ports.fromTexts?.(["1", "2"]), [1, 2])
    assert.isUndefined(ports.fromTexts?.(["1,2"]))
    assert.strictEqual(ports.toText([1, 2]), "1,2")
  })

  it("says what its elements are", () => {
    assert.strictEqual(ports.expected, "a list of a whole number from 0 to 9")
  })
})

describe("a list of what can be explained", () => {
  it("explains the first element that is not allowed", () => {
    const even = list({ ...integer(0, 9, "N"), explain: (input: number) => (input === 11 ? "too odd" : undefined) })
    assert.strictEqual(even.explain?.([1, 11, 12]), "too odd")
    assert.isUndefined(even.explain?.([1]))
    assert.isUndefined(even.explain?.(11 as never)) // As untyped programs may.
  })
})

describe("something optional", () => {
  it("is not written when there is none", () => {
    const kind = optional(choice("a", "b"))
    assert.strictEqual(kind.toText(undefined), "")
    assert.strictEqual(kind.toText("a"), "a")
    assert.isUndefined(kind.accept("c" as never)) // As untyped programs may.
  })
})
