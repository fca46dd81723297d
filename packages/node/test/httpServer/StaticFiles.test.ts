/** What Effect's static server answers by its options and by what is asked; sending files has its tests in Files.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpStaticServer from "effect/http/HttpStaticServer"
import { mkdirSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Program, serve, versions, withLog } from "../support/HttpPrograms.ts"
import { attempt, fetch } from "../support/HttpSuiteClient.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"

const letters = "abcdefghij"
const changed = new Date("2024-05-06T07:08:09Z")

const folder = Effect.map(temporaryFolder, (path) => {
  const root = join(path, "root")
  mkdirSync(join(root, "guide"), { recursive: true })
  writeFileSync(join(path, "outside.txt"), "outside")
  writeFileSync(join(root, "letters.txt"), letters)
  writeFileSync(join(root, "data.unknown"), letters)
  writeFileSync(join(root, "index.html"), "<h1>index</h1>")
  writeFileSync(join(root, "guide", "index.html"), "<h1>guide</h1>")
  writeFileSync(join(root, "guide", "home.html"), "<h1>home</h1>")
  utimesSync(join(root, "letters.txt"), changed, changed)
  return root
})

type Options = Omit<Parameters<typeof HttpStaticServer.make>[0], "root">

describe.each(versions)("HTTP/$version over $over", (way) => {
  const site = (options: Options = {}) =>
    Effect.gen(function* () {
      const root = yield* folder
      const program: Program = Effect.flatten(HttpStaticServer.make({ root, ...options }))
      return { ...(yield* serve(way, program)), root }
    })

  it.live("a folder has the index that the program names, behind a slash, or none", () =>
    Effect.gen(function* () {
      const { client } = yield* site()
      const redirect = yield* fetch(client, { path: "/guide?page=2" })
      assert.deepStrictEqual([redirect.status, redirect.headers["location"]], [301, "/guide/?page=2"])
      assert.strictEqual((yield* fetch(client, { path: "/guide/?page=2" })).text, "<h1>guide</h1>")
      const other = yield* site({ index: "home.html" })
      assert.strictEqual((yield* fetch(other.client, { path: "/guide/" })).text, "<h1>home</h1>")
      assert.strictEqual((yield* fetch(other.client, { path: "/" })).status, 404)
      const none = yield* site({ index: undefined })
      assert.strictEqual((yield* fetch(none.client, { path: "/guide/" })).status, 404)
    })
  )

  it.live("a type and for how long a file may be kept are as the program has them", () =>
    Effect.gen(function* () {
      const { client } = yield* site()
      const plain = yield* fetch(client, { path: "/letters.txt" })
      assert.deepInclude(plain.headers, { "content-type": "text/plain; charset=utf-8", "accept-ranges": "bytes" })
      assert.strictEqual(plain.headers["cache-control"], undefined)
      const unknown = yield* fetch(client, { path: "/data.unknown" })
      assert.strictEqual(unknown.headers["content-type"], "application/octet-stream")
      const own = yield* site({ cacheControl: "max-age=60", mimeTypes: { txt: "text/x-letters" } })
      const file = yield* fetch(own.client, { path: "/letters.txt" })
      assert.deepInclude(file.headers, { "content-type": "text/x-letters", "cache-control": "max-age=60" })
      const headers = { "if-none-match": String(file.headers["etag"]) }
      const kept = yield* fetch(own.client, { path: "/letters.txt", headers })
      assert.deepInclude(kept.headers, { etag: file.headers["etag"], "cache-control": "max-age=60" })
      assert.strictEqual(kept.headers["content-type"], undefined)
      assert.strictEqual(kept.headers["content-length"], undefined)
    })
  )

  it.live("of several conditions those count that RFC 9110 says", () =>
    Effect.gen(function* () {
      const { client } = yield* site()
      const path = "/letters.txt"
      const etag = String((yield* fetch(client, { path })).headers["etag"])
      const other = etag.startsWith("W/") ? etag.slice(2) : `W/${etag}`
      const [before, after] = [new Date(changed.getTime() - 5000).toUTCString(), changed.toUTCString()]
      for (const [headers, status, content] of [
        [{ "if-none-match": other }, 304, ""],
        [{ "if-none-match": etag, "if-modified-since": before }, 304, ""],
        [{ "if-none-match": `"other"`, "if-modified-since": after }, 200, letters],
        [{ "if-modified-since": after, range: "bytes=0-1" }, 304, ""],
        [{ "if-match": `"other"` }, 412, ""],
        [{ "if-match": "*" }, 200, letters],
        [{ "if-unmodified-since": before }, 412, ""],
        [{ "if-unmodified-since": after }, 200, letters],
        [{ "if-range": `"other"`, range: "bytes=0-1" }, 200, letters]
      ] as const) {
        const exchange = yield* fetch(client, { path, headers })
        assert.deepStrictEqual([exchange.status, exchange.text], [status, content], JSON.stringify(headers))
      }
    })
  )

  it.live("a file that has changed is sent again", () =>
    Effect.gen(function* () {
      const { client, root } = yield* site()
      const path = "/letters.txt"
      const { headers } = yield* fetch(client, { path })
      const conditions = [
        { "if-modified-since": String(headers["last-modified"]) },
        { "if-none-match": String(headers["etag"]) }
      ]
      for (const condition of conditions) {
        assert.strictEqual((yield* fetch(client, { path, headers: condition })).status, 304)
      }
      writeFileSync(join(root, "letters.txt"), "klm")
      for (const condition of conditions) {
        const { status, text } = yield* fetch(client, { path, headers: condition })
        assert.deepStrictEqual([status, text], [200, "klm"])
      }
    })
  )

  it.live("a range that is none is as if it were not asked for", () =>
    Effect.gen(function* () {
      const { client } = yield* site()
      for (const range of ["bytes=abc", "lines=1-2", "bytes"]) {
        const { status, text } = yield* fetch(client, { path: "/letters.txt", headers: { range } })
        assert.deepStrictEqual([status, text], [200, letters], range)
      }
    })
  )

  it.live("nothing outside of the folder is shown, whatever the path is", () =>
    Effect.gen(function* () {
      const { client } = yield* site()
      for (const path of ["/..%2Foutside.txt", "/guide/..%2F..%2Foutside.txt", "/letters%00.txt", "/%E0%A4%A"]) {
        const { status, text } = yield* attempt(client, { path })
        assert.isTrue(status === 404 || status === 400, `${path}: ${status}`)
        assert.notInclude(text, "outside")
      }
    })
  )

  it.live("a file that is missing is not one of the pages", () =>
    Effect.gen(function* () {
      const { client } = yield* site({ spa: true })
      const headers = { accept: "text/html" }
      assert.strictEqual((yield* fetch(client, { path: "/deep/link", headers })).text, "<h1>index</h1>")
      assert.strictEqual((yield* fetch(client, { path: "/missing.js", headers })).status, 404)
    })
  )

  it.live("what the file system fails with is a 500", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const { client } = yield* site()
        assert.strictEqual((yield* fetch(client, { path: `/${"long".repeat(100)}` })).status, 500)
        assert.match(messages.join(), /ENAMETOOLONG/)
      })
    )
  )
})
