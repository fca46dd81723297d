import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { fromBytes } from "../../src/bytes/ByteString.ts"
import { decode } from "../../src/http/RequestPath.ts"

describe("RequestPath.decode", () => {
  it("decodes once", () => {
    assert.strictEqual(decode("/a/b.c"), "/a/b.c")
    assert.strictEqual(decode("/%61%2Fb%2520"), "/a/b%20")
    assert.strictEqual(decode("/a+b"), "/a+b")
    assert.strictEqual(decode(""), "")
  })

  it("reads bytes as UTF-8, or leaves them when they are not", () => {
    assert.strictEqual(decode("/%C3%A9"), "/é")
    assert.strictEqual(decode("/\xc3\xa9"), "/é")
    assert.strictEqual(decode("/\xc3%A9"), "/é")
    assert.strictEqual(decode("/%F0%9F%98%80"), "/😀")
    assert.strictEqual(decode("/%FF\xc3\xa9"), "/\xff\xc3\xa9")
    assert.strictEqual(decode("/%C0%AE"), "/\xc0\xae")
    assert.strictEqual(decode("/%EF%BB%BFa"), "/\ufeffa")
  })

  it("refuses malformed percent-encoding and NUL", () => {
    for (const path of ["%", "/%", "/%4", "/%g0", "/%0g", "/%%30", "/a\0", "/%00", "/\xff%00", "/%20\0"]) {
      assert.isUndefined(decode(path), path)
    }
  })

  it.prop("undoes encodeURIComponent", [Schema.String], ([text]) => {
    if (!text.isWellFormed() || text.includes("\0")) return
    const encoded = encodeURIComponent(text)
    assert.strictEqual(decode(encoded), text)
    assert.strictEqual(decode(fromBytes(Buffer.from(encoded), 0, encoded.length)), text)
  })
})
