import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { assertNotQuadratic } from "../../../../test/support/Growth.ts"
import { accepted, codings, isCompressible } from "../../src/static/ContentCoding.ts"

const of = (...values: ReadonlyArray<string>) => accepted(values.map((value) => ["accept-encoding", value] as const))

describe("ContentCoding", () => {
  it("reads what a client accepts", () => {
    assert.deepStrictEqual(accepted([]), [])
    assert.deepStrictEqual(of(""), [])
    assert.deepStrictEqual(of("gzip"), ["gzip"])
    assert.deepStrictEqual(of("X-GZip"), ["gzip"])
    assert.deepStrictEqual(of("gzip, deflate, br, zstd"), ["br", "zstd", "gzip"])
    assert.deepStrictEqual(of("gzip", "br"), ["br", "gzip"])
    assert.deepStrictEqual(of("br;q=0.5, gzip;q=0.8"), ["gzip", "br"])
    assert.deepStrictEqual(of("*"), ["br", "zstd", "gzip"])
    assert.deepStrictEqual(of("*;q=0.1, br;q=0"), ["zstd", "gzip"])
    assert.deepStrictEqual(of("gzip;q=0"), [])
    assert.deepStrictEqual(of("gzip;q=0.000, br;q=1.000"), ["br"])
    assert.deepStrictEqual(of("identity;q=1, gzip;q=0.5"), [])
    assert.deepStrictEqual(of("identity;q=0.5, gzip;q=0.5"), ["gzip"])
    assert.deepStrictEqual(of("identity"), [])
    for (const malformed of ["gzip;q=2", "gzip;q=", "gzip;q=1;x", "gzip;level=9", "gzip q=1", "gzip;q=-1", ";q=1"]) {
      assert.deepStrictEqual(of(malformed), [], malformed)
    }
  })

  const weight = Schema.Literals(["", ";q=0", ";q=0.0", ";q=0.3", ";q=0.7", ";q=1"])
  const name = Schema.Literals(["br", "gzip", "zstd", "identity", "*", "deflate"])

  it.prop(
    "gives nothing that a client refuses, and never something less wanted first",
    [Schema.Array(Schema.Struct({ name, weight }))],
    ([elements]) => {
      const weights = new Map<string, number>()
      for (const { name, weight } of elements) {
        if (!weights.has(name)) weights.set(name, weight === "" ? 1 : Number(weight.slice(3)))
      }
      const weightOf = (coding: string) => weights.get(coding) ?? weights.get("*") ?? 0
      const found = of(elements.map(({ name, weight }) => `${name}${weight}`).join(" ,"))
      for (const coding of codings) {
        const isWanted = weightOf(coding) > 0 && weightOf(coding) >= (weights.get("identity") ?? 0)
        assert.strictEqual(found.includes(coding), isWanted)
      }
      found.forEach((coding, index) => {
        const before = found[index - 1]
        if (before !== undefined) assert.isAtLeast(weightOf(before), weightOf(coding))
      })
    }
  )

  it("takes no time that grows with the square of the field", () => {
    const field = Array.from({ length: 150_000 }, (_, index) => `x${index};q=0.5`).join(",")
    assertNotQuadratic(() => void of(field))
  })

  it("knows what codings make smaller", () => {
    for (const type of [
      "text/html; charset=utf-8",
      "TEXT/CSS",
      "text/event-stream",
      "application/json",
      "application/problem+json;x=y",
      "image/svg+xml",
      "application/wasm",
      "application/javascript"
    ]) {
      assert.isTrue(isCompressible(type), type)
    }
    for (const type of ["image/png", "application/gzip", "application/octet-stream", "video/mp4", "font/woff2", ""]) {
      assert.isFalse(isCompressible(type), type)
    }
  })
})
