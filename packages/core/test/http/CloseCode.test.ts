import { assert, describe, it } from "@effect/vitest"
import { closeFrameProblem, isCloseCode } from "../../src/http/CloseCode.ts"

const isExpected = (code: number): boolean =>
  [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014].includes(code) ||
  (code >= 3000 && code < 5000)

describe("RFC 6455 §7.4: close codes", () => {
  it("valid are those defined for close frames, 3000 to 3999 and 4000 to 4999", () => {
    for (let code = 0; code <= 65_535; code++) {
      assert.strictEqual(isCloseCode(code), isExpected(code), String(code))
    }
  })

  it("what is not such a number cannot be sent", () => {
    for (const code of [-1, 1000.5, 65_536, 1e9, Number.NaN, Infinity]) assert.isFalse(isCloseCode(code), String(code))
  })
})

describe("what an application may say in a close frame", () => {
  it("a valid code with up to 123 bytes of reason", () => {
    assert.isUndefined(closeFrameProblem(1000, ""))
    assert.isUndefined(closeFrameProblem(4999, "a".repeat(123)))
    assert.isUndefined(closeFrameProblem(3000, "\u{20ac}".repeat(41)))
  })

  it("anything else is explained", () => {
    const codes = "1000 to 1003, 1007 to 1014 and 3000 to 4999 can"
    assert.strictEqual(closeFrameProblem(1005, ""), `1005 is not a code that can be sent: ${codes}`)
    assert.strictEqual(closeFrameProblem(Number.NaN, ""), `NaN is not a code that can be sent: ${codes}`)
    assert.strictEqual(closeFrameProblem(1000, "a".repeat(124)), "the reason is longer than 123 bytes")
    assert.strictEqual(closeFrameProblem(1000, "\u{20ac}".repeat(42)), "the reason is longer than 123 bytes")
  })
})
