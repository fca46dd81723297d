import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { escapeLogText } from "../../../src/observe/accessLog/Escape.ts"
import { formatThousandths, LogTime } from "../../../src/observe/accessLog/Time.ts"

describe("escapeLogText", () => {
  it("leaves printable ASCII as it is", () => {
    const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index))
    for (const character of printable) {
      const isQuoted = character === `"` || character === "\\"
      assert.strictEqual(escapeLogText(character), isQuoted ? `\\${character}` : character)
    }
  })

  it("escapes every other byte as two hexadecimal digits", () => {
    for (let code = 0; code < 256; code++) {
      if (code >= 0x20 && code <= 0x7e) continue
      assert.strictEqual(escapeLogText(String.fromCharCode(code)), `\\x${code.toString(16).padStart(2, "0")}`)
    }
  })

  it.prop(
    "can be undone, so that different bytes never look the same",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))],
    ([codes]) => {
      const text = String.fromCharCode(...codes)
      const undone = escapeLogText(text).replaceAll(
        /\\(?:x([0-9a-f]{2})|(["\\]))/g,
        (_, digits: string | undefined, quoted: string) =>
          digits === undefined ? quoted : String.fromCharCode(Number.parseInt(digits, 16))
      )
      assert.strictEqual(undone, text)
    }
  )
})

describe("LogTime", () => {
  it("writes single digits with a zero, and all months", () => {
    const time = new LogTime()
    assert.strictEqual(time.common(0), "01/Jan/1970:00:00:00 +0000")
    assert.strictEqual(time.common(Date.UTC(2024, 1, 29, 23, 59, 59, 999)), "29/Feb/2024:23:59:59 +0000")
    const months = Array.from({ length: 12 }, (_, month) => time.common(Date.UTC(2026, month, 9)).slice(3, 6))
    assert.strictEqual(months.join(" "), "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
  })

  it("follows the second, in both directions", () => {
    const time = new LogTime()
    const texts = [1999, 1000, 2000, 1999].map((millis) => time.common(millis).slice(-8, -6))
    assert.deepStrictEqual(texts, ["01", "01", "02", "01"])
  })

  it.prop(
    "writes what Date writes",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_102_444_800_000 }))],
    ([millis]) => {
      const time = new LogTime()
      const text = `${time.isoSecond(millis + 0.75)}.${time.isoFraction(millis + 0.75)}Z`
      assert.strictEqual(text, new Date(millis).toISOString())
    }
  )
})

describe("formatThousandths", () => {
  it("rounds, and writes three decimals", () => {
    const texts = [0, 0.4, 0.6, 9, 10, 99, 100, 999, 999.5, 1000, 61_234.4].map(formatThousandths)
    assert.deepStrictEqual(texts, [
      "0.000",
      "0.000",
      "0.001",
      "0.009",
      "0.010",
      "0.099",
      "0.100",
      "0.999",
      "1.000",
      "1.000",
      "61.234"
    ])
  })
})
