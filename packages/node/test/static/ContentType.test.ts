import { assert, it } from "@effect/vitest"
import { ofName } from "../../src/static/ContentType.ts"

it("ContentType.ofName", () => {
  assert.strictEqual(ofName("index.html"), "text/html; charset=utf-8")
  assert.strictEqual(ofName("PHOTO.JPG"), "image/jpeg")
  assert.strictEqual(ofName("app.js"), "text/javascript; charset=utf-8")
  assert.strictEqual(ofName("app.ts"), "text/plain; charset=utf-8")
  assert.strictEqual(ofName("data.json"), "application/json")
  assert.strictEqual(ofName("archive.tar.gz"), "application/gzip")
  assert.strictEqual(ofName("README.md"), "text/plain; charset=utf-8")
  assert.strictEqual(ofName("favicon.ico"), "image/vnd.microsoft.icon")
  assert.strictEqual(ofName("Live.M3U8"), "application/vnd.apple.mpegurl")
  for (const name of [".ico", "ico", "README", "html", "a.", "a.unknown", "a.__proto__", "constructor"]) {
    assert.strictEqual(ofName(name), "application/octet-stream", name)
  }
})
