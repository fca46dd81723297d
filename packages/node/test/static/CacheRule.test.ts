import { assert, describe, it } from "@effect/vitest"
import { hasHash, make } from "../../src/static/CacheRule.ts"

describe("CacheRule", () => {
  it("sees hashes in names", () => {
    for (const name of [
      "main.8f3b2c1d.js",
      "index-B3xKz9aQ.css",
      "app_8f3b2c1d9e.chunk.js",
      "vendor-8f3b2c1d.js.map",
      "my-font-8f3b2c1d.woff2",
      "logo.0123456789abcdef0123456789abcdef.svg"
    ]) {
      assert.isTrue(hasHash(name), name)
    }
    for (const name of [
      "main.js",
      "jquery-migration.js",
      "report-20240101.html",
      "My-Document2.pdf",
      "app-Version2.js",
      "8f3b2c1d.js",
      "main.8f3b2c1d",
      "index.html",
      "x.min.js"
    ]) {
      assert.isFalse(hasHash(name), name)
    }
  })

  it("tells caches how long", () => {
    const asking = make({})
    assert.deepStrictEqual(["a.js", "main.8f3b2c1d.js"].map(asking), ["no-cache", "no-cache"])
    const keeping = make({ maxAge: "1 hour", immutable: true })
    assert.strictEqual(keeping("a.js"), "public, max-age=3600")
    assert.strictEqual(keeping("main.8f3b2c1d.js"), "public, max-age=31536000, immutable")
  })
})
