import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { symlinkSync, utimesSync } from "node:fs"
import { join } from "node:path"
import * as Directory from "../../src/directory/Directory.ts"
import * as DirectoryClient from "../support/DirectoryClient.ts"

describe("Directory", () => {
  it.effect("serves a file with what a client needs to know about it", () =>
    Effect.gen(function* () {
      const { client, root } = yield* DirectoryClient.make({ "docs/read me.txt": "some text" })
      utimesSync(join(root, "docs/read me.txt"), 1_700_000_000, 1_700_000_000.9)
      const response = yield* client.request({ path: "/docs/read%20me.txt?any=thing" })
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.text, "some text")
      assert.strictEqual(response.header("content-type"), "text/plain; charset=utf-8")
      assert.strictEqual(response.header("content-length"), "9")
      assert.strictEqual(response.header("last-modified"), "Tue, 14 Nov 2023 22:13:20 GMT")
      assert.match(response.header("etag") ?? "", /^"[^"]+"$/)
      assert.strictEqual(response.header("accept-ranges"), "bytes")
      assert.strictEqual(response.header("x-content-type-options"), "nosniff")
    })
  )

  it.effect("answers HEAD like GET, without the body", () =>
    Effect.gen(function* () {
      const { client } = yield* DirectoryClient.make({ "a.txt": "some text", empty: "" })
      for (const path of ["/a.txt", "/empty", "/", "/nothing"]) {
        const get = yield* client.request({ path })
        const head = yield* client.request({ method: "HEAD", path })
        assert.strictEqual(head.status, get.status)
        assert.deepStrictEqual(head.headers, get.headers)
        assert.strictEqual(head.text, "")
      }
    })
  )

  it.effect("serves an empty file", () =>
    Effect.gen(function* () {
      const { client } = yield* DirectoryClient.make({ empty: "" })
      const response = yield* client.request({ path: "/empty" })
      assert.deepStrictEqual([response.status, response.text, response.header("content-length")], [200, "", "0"])
    })
  )

  it.effect("refuses other methods and says which there are", () =>
    Effect.gen(function* () {
      const { client } = yield* DirectoryClient.make({ "a.txt": "some text" })
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "get", "PROPFIND"]) {
        const response = yield* client.request({ method, path: "/a.txt" })
        assert.deepStrictEqual([response.status, response.header("allow")], [405, "GET, HEAD"])
      }
    })
  )

  it.effect("answers a directory with its index", () =>
    Effect.gen(function* () {
      const { client } = yield* DirectoryClient.make({ "a/index.html": "<h1>A</h1>", "b/index.html/c": "" })
      const index = yield* client.request({ path: "/a/" })
      assert.deepStrictEqual([index.status, index.text], [200, "<h1>A</h1>"])
      assert.strictEqual(index.header("content-type"), "text/html; charset=utf-8")
      assert.isDefined(index.header("etag"))
      const listing = yield* client.request({ path: "/b/" })
      assert.include(listing.text, "index.html/")
    })
  )

  it.effect("sends a client that left out a directory's slash to the right address", () =>
    Effect.gen(function* () {
      const { client } = yield* DirectoryClient.make({ "ä/b c?/file": "" })
      const response = yield* client.request({ path: "/%C3%A4/b%20c%3F?q=%2F&r" })
      assert.strictEqual(response.status, 301)
      assert.strictEqual(response.header("location"), "/%C3%A4/b%20c%3F/?q=%2F&r")
      assert.strictEqual(response.header("cache-control"), "no-cache")
      const elsewhere = yield* client.request({ path: "//example.org/.." })
      assert.strictEqual(elsewhere.status, 404)
    })
  )

  it.effect("lists a directory without what it does not show", () =>
    Effect.gen(function* () {
      const { base, client, root } = yield* DirectoryClient.make({
        "site/10.txt": "",
        "site/9.txt": "nine",
        "site/sub/x": "",
        "site/.hidden": "",
        "other/file": ""
      })
      symlinkSync("../other", join(root, "site/link"))
      symlinkSync(base, join(root, "site/outside"))
      symlinkSync("nowhere", join(root, "site/dangling"))
      symlinkSync(".hidden", join(root, "site/unhidden"))
      const response = yield* client.request({ path: "/site/" })
      const links = [...response.text.matchAll(/href="(\.[^"]*)"/g)].map((match) => match[1])
      assert.deepStrictEqual(links, ["../", "./link/", "./sub/", "./9.txt", "./10.txt"])
      assert.strictEqual(response.header("content-type"), "text/html; charset=utf-8")
      assert.strictEqual(response.header("content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'")
      for (const link of links) {
        assert.strictEqual(
          (yield* client.request({ path: new URL(link ?? "", "http://h/site/").pathname })).status,
          200
        )
      }
    })
  )

  it.effect("needs a directory that is there", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Directory.make("/no/such/directory"))
      assert.strictEqual(error.message, "cannot serve the directory /no/such/directory: there is no such directory")
      const file = yield* Effect.flip(Directory.make(import.meta.filename))
      assert.match(file.message, /: it is not a directory$/)
      const below = yield* Effect.flip(Directory.make(`${import.meta.filename}/below`))
      assert.match(below.message, /: it is not a directory$/)
    })
  )
})
