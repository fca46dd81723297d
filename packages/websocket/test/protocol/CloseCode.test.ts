import { assert, describe, it } from "@effect/vitest"
import { closeFrameProblem, closePayload, isValidReceived, isValidSent } from "../../src/protocol/CloseCode.ts"
import { unicode } from "../support/Generators.ts"
import { decodeStrictly } from "../support/Utf8Reference.ts"
import { hex, utf8 } from "../support/Frames.ts"

const isExpected = (code: number): boolean =>
  [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014].includes(code) ||
  (code >= 3000 && code < 5000)

describe("RFC 6455 §7.4: close codes", () => {
  it("valid are those defined for close frames, 3000 to 3999 and 4000 to 4999", () => {
    for (let code = 0; code <= 65_535; code++) {
      assert.strictEqual(isValidReceived(code), isExpected(code), String(code))
      assert.strictEqual(isValidSent(code), isExpected(code), String(code))
    }
  })

  it("what is not such a number cannot be sent", () => {
    for (const code of [-1, 1000.5, 65_536, 1e9, Number.NaN, Infinity]) assert.isFalse(isValidSent(code), String(code))
  })
})

describe("what an application may say in a close frame", () => {
  it("a valid code with up to 123 bytes of reason", () => {
    assert.isUndefined(closeFrameProblem(1000, ""))
    assert.isUndefined(closeFrameProblem(4999, "a".repeat(123)))
    assert.isUndefined(closeFrameProblem(3000, "\u{20ac}".repeat(41)))
  })

  it("anything else is explained", () => {
    const codes = "1000 to 1003, 1007 to 1014 and 3000 to 4999 are"
    assert.strictEqual(closeFrameProblem(1005, ""), `1005 is not a code that can be sent; ${codes}`)
    assert.strictEqual(closeFrameProblem(Number.NaN, ""), `NaN is not a code that can be sent; ${codes}`)
    assert.strictEqual(closeFrameProblem(1000, "a".repeat(124)), "the reason is longer than 123 bytes")
    assert.strictEqual(closeFrameProblem(1000, "\u{20ac}".repeat(42)), "the reason is longer than 123 bytes")
  })
})

describe("RFC 6455 §5.5.1: the payload of a close frame", () => {
  it("is the code in network order, and the reason in UTF-8", () => {
    assert.strictEqual(closePayload(1000, ""), hex("03 e8"))
    assert.strictEqual(closePayload(4999, "bye"), hex("13 87 62 79 65"))
    assert.strictEqual(closePayload(1001, "\u{20ac}"), hex("03 e9 e2 82 ac"))
  })

  it("is empty without a code that may be sent", () => {
    for (const code of [undefined, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 66_536, 1000.5]) {
      assert.strictEqual(closePayload(code, "reason"), "", String(code))
    }
  })

  it("loses the end of a reason that is too long, at the end of a character", () => {
    assert.strictEqual(closePayload(1000, "a".repeat(500)).length, 125)
    assert.strictEqual(closePayload(1000, "\u{20ac}".repeat(50)), hex("03 e8") + utf8("\u{20ac}".repeat(41)))
    assert.strictEqual(closePayload(1000, `${"a".repeat(122)}\u{20ac}`), hex("03 e8") + "a".repeat(122))
    assert.strictEqual(closePayload(1000, `${"a".repeat(122)}\u{1f600}`), hex("03 e8") + "a".repeat(122))
    assert.strictEqual(
      closePayload(1000, `${"a".repeat(119)}\u{1f600}b`),
      `${hex("03 e8")}${"a".repeat(119)}${utf8("\u{1f600}")}`
    )
  })

  it.prop("is a control frame's, and its reason valid UTF-8, whatever the reason is", [unicode(80)], ([reason]) => {
    const payload = closePayload(1000, reason)
    assert.isAtMost(payload.length, 125)
    const sent = decodeStrictly(payload.slice(2))
    assert.isTrue(sent !== undefined && reason.startsWith(sent))
    if (utf8(reason).length <= 123) assert.strictEqual(sent, reason)
  })
})
