import { assert, describe, it } from "@effect/vitest"
import { closePayload } from "../../src/protocol/ClosePayload.ts"
import { unicode } from "../support/Generators.ts"
import { decodeStrictly } from "../support/Utf8Reference.ts"
import { hex, utf8 } from "../support/Frames.ts"

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
