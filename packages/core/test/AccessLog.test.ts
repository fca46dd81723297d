import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { AccessEntry, type AccessRecord, escapeLogText, formatCommon, LogTime } from "../src/AccessLog.ts"

const record: AccessRecord = {
  client: ["192.0.2.7", 50_000],
  method: "GET",
  target: "/a?b=c",
  httpVersion: "1.1",
  status: 200,
  startedAt: Date.UTC(2026, 10, 22, 8, 0, 5, 999),
  duration: 12.3456
}

const format = (changes: Partial<AccessRecord> = {}) => formatCommon(new LogTime(), { ...record, ...changes })

describe("AccessLog", () => {
  describe("formatCommon", () => {
    it("writes host, time, request, status and duration", () => {
      assert.strictEqual(format(), `192.0.2.7 - - [22/Nov/2026:08:00:05 +0000] "GET /a?b=c" 200 0.012s\n`)
    })

    it("names a peer without an address", () => {
      assert.isTrue(format({ client: undefined }).startsWith("unix - - ["))
    })

    it("rounds the duration to milliseconds", () => {
      assert.isTrue(format({ duration: 0 }).endsWith(" 0.000s\n"))
      assert.isTrue(
        format({ duration: 61_234.5 }).endsWith(" 61.234s\n") || format({ duration: 61_234.5 }).endsWith(" 61.235s\n")
      )
    })

    it("escapes the request", () => {
      assert.include(format({ target: `/"\r\n\x7f\xff\\` }), `"GET /\\"\\x0d\\x0a\\x7f\\xff\\\\" 200`)
      assert.include(format({ method: `G"T` }), `"G\\"T /a?b=c" 200`)
    })

    const anyCodeUnits = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x17f })))
    const toText = (codes: ReadonlyArray<number>) => String.fromCharCode(...codes)

    it.prop(
      "writes one line of printable ASCII in which no request can end its quotes",
      [anyCodeUnits, anyCodeUnits],
      ([method, target]) => {
        const line = format({ method: toText(method), target: toText(target) })
        assert.match(line, /^[\x20-\x7e]*\n$/)
        assert.match(line, /^192\.0\.2\.7 - - \[[^\]]*\] "(?:[^"\\]|\\.)*" 200 0\.012s\n$/)
      },
      { arbitrary: { runs: 500 } }
    )
  })

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
      assert.strictEqual(time.format(0), "01/Jan/1970:00:00:00 +0000")
      assert.strictEqual(time.format(Date.UTC(2024, 1, 29, 23, 59, 59, 999)), "29/Feb/2024:23:59:59 +0000")
      const months = Array.from({ length: 12 }, (_, month) => time.format(Date.UTC(2026, month, 9)).slice(3, 6))
      assert.strictEqual(months.join(" "), "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
    })

    it("follows the second, in both directions", () => {
      const time = new LogTime()
      const texts = [1999, 1000, 2000, 1999].map((millis) => time.format(millis).slice(-8, -6))
      assert.deepStrictEqual(texts, ["01", "01", "02", "01"])
    })
  })

  describe("AccessEntry", () => {
    it.effect("reports the exchange with its duration and final status", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(record.startedAt)
        const records: Array<AccessRecord> = []
        const entry = new AccessEntry(yield* Clock.Clock, record.client, record)
        yield* TestClock.adjust("1500 millis")
        entry.status = 204
        entry.end({ record: (ended) => records.push(ended) })
        assert.deepStrictEqual(records, [{ ...record, status: 204, duration: 1500 }])
      })
    )

    it.effect("reports 499 when the peer left before a status was sent", () =>
      Effect.gen(function* () {
        const records: Array<AccessRecord> = []
        new AccessEntry(yield* Clock.Clock, undefined, record).end({ record: (ended) => records.push(ended) })
        assert.strictEqual(records[0]?.status, 499)
      })
    )
  })
})
