import { assert, describe, it } from "@effect/vitest"
import * as Format from "../../../src/admin/page/Format.js"

const texts = (format: (value: number) => string, values: ReadonlyArray<number>) => values.map((value) => format(value))

describe("how the page writes numbers", () => {
  it("has as many places as say something", () => {
    assert.deepStrictEqual(texts(Format.decimal, [0, 0.126, 9.994, 12.34, 99.95, 123.4, 12_345.6]), [
      "0",
      "0.13",
      "9.99",
      "12.3",
      "100",
      "123",
      "12,346"
    ])
    assert.deepStrictEqual(texts(Format.count, [0, 1234.5]), ["0", "1,235"])
    assert.deepStrictEqual(texts(Format.percent, [0, 0.0021, 1]), ["0 %", "0.21 %", "100 %"])
  })

  it("has units that fit", () => {
    assert.deepStrictEqual(texts(Format.milliseconds, [0.05, 12, 1500]), ["0.05 ms", "12 ms", "1.5 s"])
    assert.deepStrictEqual(texts(Format.bytes, [0, 1023, 1024, 1536, 5 * 1024 ** 3, 1024 ** 5]), [
      "0 B",
      "1,023 B",
      "1 KiB",
      "1.5 KiB",
      "5 GiB",
      "1,024 TiB"
    ])
    assert.strictEqual(Format.bytesPerSecond(2048), "2 KiB/s")
    assert.deepStrictEqual(texts(Format.age, [0, 59_999, 60_000, 61_000, 3_600_000, 93_784_000]), [
      "0 s",
      "59 s",
      "1 m",
      "1 m 1 s",
      "1 h",
      "1 d 2 h"
    ])
  })
})
