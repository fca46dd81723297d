/** Files as responses, from Effect's static server, and compressed. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpPlatform from "effect/http/HttpPlatform"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpStaticServer from "effect/http/HttpStaticServer"
import * as Stream from "effect/Stream"
import { mkdirSync, readdirSync, readlinkSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Readable } from "node:stream"
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib"
import { ask, listen, type Program, serve, versions, withLog, withRequest } from "../support/HttpPrograms.ts"
import { attempt, fetch } from "../support/HttpSuiteClient.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { pattern } from "../support/Traffic.ts"
import { until } from "../support/Until.ts"

const { file, fileWeb } = HttpServerResponse

const letters = "abcdefghij"
const large = Buffer.from(pattern(3_000_000))
const prose = "all work and no play ".repeat(5000)
const changed = new Date("2024-05-06T07:08:09Z")

const folder = Effect.map(temporaryFolder, (path) => {
  writeFileSync(join(path, "letters.txt"), letters)
  writeFileSync(join(path, "large.bin"), large)
  writeFileSync(join(path, "prose.txt"), prose)
  writeFileSync(join(path, "empty.txt"), "")
  writeFileSync(join(path, "index.html"), "<h1>index</h1>")
  mkdirSync(join(path, "sub"))
  writeFileSync(join(path, "sub", "index.html"), "<h1>sub</h1>")
  utimesSync(join(path, "letters.txt"), changed, changed)
  return path
})

/** Files below the folder that this process has open, as far as Linux tells. */
const openFiles = (path: string): number =>
  readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(path)
    } catch {
      return false
    }
  }).length

const allClosed = (path: string) => until("all files are closed", () => openFiles(path) === 0)

describe.each(versions)("HTTP/$version over $over", (way) => {
  it.live("a file is sent, with its type, its validators, and its content unchanged", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const small = yield* ask(way, file(join(path, "letters.txt")))
      assert.deepStrictEqual([small.status, small.text], [200, letters])
      assert.deepInclude(small.headers, {
        "content-type": "text/plain",
        "content-length": "10",
        "last-modified": changed.toUTCString()
      })
      assert.match(String(small.headers["etag"]), /^(W\/)?"/)
      assert.isTrue((yield* ask(way, file(join(path, "large.bin")))).content.equals(large))
      assert.strictEqual((yield* ask(way, file(join(path, "empty.txt")))).headers["content-length"], "0")
      yield* allClosed(path)
    })
  )

  it.live("a part of a file is sent, as far as there is one", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "letters.txt")
      for (const [options, part] of [
        [{ offset: 3 }, letters.slice(3)],
        [{ bytesToRead: 4 }, letters.slice(0, 4)],
        [{ offset: 2, bytesToRead: 3 }, letters.slice(2, 5)],
        [{ offset: 8, bytesToRead: 30 }, letters.slice(8)],
        [{ offset: 30 }, ""],
        [{ bytesToRead: 0 }, ""]
      ] as const) {
        const { headers, text } = yield* ask(way, file(path, options))
        assert.deepStrictEqual([text, headers["content-length"]], [part, String(part.length)])
      }
    })
  )

  it.live("a file has the status, the type and the fields that it is given", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "letters.txt")
      const program = file(path, { status: 206, contentType: "text/x-letters", headers: { "x-own": "1" } })
      const { headers, status } = yield* ask(way, program)
      assert.deepStrictEqual([status, headers["content-type"], headers["x-own"]], [206, "text/x-letters", "1"])
    })
  )

  it.live("HEAD of a file has the head of it, and opens nothing", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const { headers, text } = yield* ask(way, file(join(path, "large.bin")), { method: "HEAD" })
      assert.deepStrictEqual([text, headers["content-length"]], ["", "3000000"])
      assert.strictEqual(openFiles(path), 0)
    })
  )

  it.live("the content of a file is closed when its response was sent, and when it is not to be sent", () =>
    Effect.gen(function* () {
      const path = yield* folder
      let closed = 0
      const program = Effect.tap(file(join(path, "letters.txt")), ({ body }) =>
        Effect.sync(() => {
          assert.isTrue(body._tag === "Raw" && body.body instanceof Readable)
          if (body._tag === "Raw" && body.body instanceof Readable) body.body.once("close", () => closed++)
        })
      )
      const { client } = yield* serve(way, program)
      for (const [index, method] of ["GET", "HEAD"].entries()) {
        assert.strictEqual((yield* fetch(client, { method })).status, 200)
        yield* until(`the content of ${method} is closed`, () => closed === index + 1)
      }
    })
  )

  it.live("a file that is not there is a failure of the program's, and one that goes meanwhile a 500", () =>
    withLog(() =>
      Effect.gen(function* () {
        const path = yield* folder
        const missing = Effect.catchTag(file(join(path, "none")), "PlatformError", ({ reason }) =>
          Effect.succeed(HttpServerResponse.text(reason._tag, { status: 404 }))
        )
        const { status, text } = yield* ask(way, missing)
        assert.deepStrictEqual([status, text], [404, "NotFound"])
        const gone = Effect.tap(file(join(path, "letters.txt")), () =>
          Effect.sync(() => rmSync(join(path, "letters.txt")))
        )
        assert.strictEqual((yield* ask(way, gone)).status, 500)
      })
    )
  )

  it.live("a file that has become shorter meanwhile is a 500, as its length was told before", () =>
    withLog(() =>
      Effect.gen(function* () {
        const path = join(yield* folder, "large.bin")
        const program = Effect.tap(file(path), () => Effect.sync(() => truncateSync(path, 100_000)))
        const { client } = yield* serve(way, program)
        const { outcome, status } = yield* attempt(client)
        assert.deepStrictEqual([outcome, status], ["complete", 500])
      })
    )
  )

  it.live("a client that leaves in the middle of a file has it closed", () =>
    Effect.gen(function* () {
      const path = yield* folder
      writeFileSync(join(path, "larger.bin"), Buffer.alloc(60_000_000))
      const { client } = yield* serve(way, file(join(path, "larger.bin")))
      const exchange = client.begin({})
      yield* until("content arrives", () => exchange.received > 100_000)
      exchange.abort()
      yield* allClosed(path)
    })
  )

  it.live("a file of the web is sent", () =>
    Effect.gen(function* () {
      const web = new File([letters], "letters.txt", { type: "text/plain", lastModified: changed.getTime() })
      const { headers, text } = yield* ask(way, fileWeb(web))
      assert.strictEqual(text, letters)
      assert.deepInclude(headers, { "content-length": "10", "last-modified": changed.toUTCString() })
    })
  )

  const site = (options: { readonly spa?: boolean } = {}) =>
    Effect.gen(function* () {
      const path = yield* folder
      const program: Program = Effect.flatten(HttpStaticServer.make({ root: path, ...options }))
      return yield* serve(way, program)
    })

  it.live("the static server has files, indexes, and nothing outside of its folder", () =>
    Effect.gen(function* () {
      const { client } = yield* site()
      for (const [path, status, text] of [
        ["/letters.txt", 200, letters],
        ["/", 200, "<h1>index</h1>"],
        ["/sub/", 200, "<h1>sub</h1>"],
        ["/none", 404, ""],
        ["/%2e%2e/%2e%2e/etc/passwd", 404, ""]
      ] as const) {
        const exchange = yield* fetch(client, { path })
        assert.deepStrictEqual([exchange.status, exchange.text], [status, text], path)
      }
    })
  )

  it.live("the static server answers pages for want of others, for clients that want pages", () =>
    Effect.gen(function* () {
      const { client } = yield* site({ spa: true })
      const page = yield* fetch(client, { path: "/deep/link", headers: { accept: "text/html" } })
      assert.deepStrictEqual([page.status, page.text], [200, "<h1>index</h1>"])
      assert.strictEqual((yield* fetch(client, { path: "/deep/link", headers: { accept: "*/*" } })).status, 404)
    })
  )

  it.live("the static server answers conditions and ranges", () =>
    Effect.gen(function* () {
      const { client } = yield* site()
      const path = "/letters.txt"
      const { headers } = yield* fetch(client, { path })
      const etag = String(headers["etag"])
      for (const [condition, status, text, range] of [
        [{ "if-none-match": etag }, 304, "", undefined],
        [{ "if-none-match": `"other", ${etag}` }, 304, "", undefined],
        [{ "if-none-match": "*" }, 304, "", undefined],
        [{ "if-none-match": `"other"` }, 200, letters, undefined],
        [{ "if-modified-since": changed.toUTCString() }, 304, "", undefined],
        [{ "if-modified-since": new Date(0).toUTCString() }, 200, letters, undefined],
        [{ range: "bytes=2-4" }, 206, "cde", "bytes 2-4/10"],
        [{ range: "bytes=-2" }, 206, "ij", "bytes 8-9/10"],
        [{ range: "bytes=7-" }, 206, "hij", "bytes 7-9/10"],
        [{ range: "bytes=20-" }, 416, "", "bytes */10"],
        [{ range: "bytes=2-4", "if-none-match": etag }, 304, "", undefined]
      ] as const) {
        const exchange = yield* fetch(client, { path, headers: condition })
        assert.deepStrictEqual(
          [exchange.status, exchange.text, exchange.headers["content-range"]],
          [status, text, range],
          JSON.stringify(condition)
        )
      }
      const head = yield* fetch(client, { path, method: "HEAD", headers: { range: "bytes=2-4" } })
      assert.strictEqual(head.text, "")
    })
  )

  const compressed = (program: Program) => serve(way, program, { middleware: HttpMiddleware.compression() })

  it.live("texts, streams and files are compressed as the client has it", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const bytes = Buffer.from(prose)
      const programs: Readonly<Record<string, Program>> = {
        "/text": Effect.succeed(HttpServerResponse.text(prose)),
        "/stream": Effect.succeed(HttpServerResponse.stream(Stream.make(bytes), { contentType: "text/plain" })),
        "/file": file(join(path, "prose.txt"))
      }
      const program = withRequest(({ url }) => programs[url] ?? Effect.succeed(HttpServerResponse.empty()))
      const { client } = yield* compressed(program)
      for (const url of Object.keys(programs)) {
        for (const [coding, decode] of [
          ["gzip", gunzipSync],
          ["br", brotliDecompressSync],
          ["deflate", inflateSync]
        ] as const) {
          const { content, headers } = yield* fetch(client, { path: url, headers: { "accept-encoding": coding } })
          assert.strictEqual(headers["content-encoding"], coding, url)
          assert.include(String(headers["vary"]).toLowerCase(), "accept-encoding")
          assert.isBelow(content.length, bytes.length / 2)
          assert.strictEqual(decode(content).toString(), prose)
        }
        const plain = yield* fetch(client, { path: url, headers: { "accept-encoding": "identity" } })
        assert.strictEqual(plain.headers["content-encoding"], undefined)
        assert.strictEqual(plain.text, prose)
      }
      yield* allClosed(path)
    })
  )

  it.live("a part of a file is compressed as that part", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const { client } = yield* compressed(file(join(path, "prose.txt"), { offset: 7, bytesToRead: 2000 }))
      const { content } = yield* fetch(client, { headers: { "accept-encoding": "gzip" } })
      assert.strictEqual(gunzipSync(content).toString(), prose.slice(7, 2007))
    })
  )

  it.live("HEAD of a compressed file opens nothing that stays open", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const { client } = yield* compressed(file(join(path, "prose.txt")))
      const headers = { "accept-encoding": "gzip" }
      const { headers: head, text } = yield* fetch(client, { method: "HEAD", headers })
      assert.deepStrictEqual([text, head["content-encoding"]], ["", "gzip"])
      yield* allClosed(path)
    })
  )

  it.live("a compressed file that nobody sends is not opened", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const { context } = yield* listen(way)
      const { compression, fileResponse } = Context.get(context, HttpPlatform.HttpPlatform)
      const response = yield* fileResponse(join(path, "prose.txt"))
      yield* compression.compressResponse(response, "gzip")
      yield* Effect.sleep(50)
      assert.strictEqual(openFiles(path), 0)
    })
  )

  it.live("a client that leaves in the middle of a compressed file has it closed", () =>
    Effect.gen(function* () {
      const path = yield* folder
      writeFileSync(join(path, "larger.txt"), Buffer.from(pattern(30_000_000)))
      const { client } = yield* compressed(file(join(path, "larger.txt")))
      const exchange = client.begin({ headers: { "accept-encoding": "gzip" } })
      yield* until("content arrives", () => exchange.received > 100_000)
      exchange.abort()
      yield* allClosed(path)
    })
  )
})

it.live("a file can be read by others than this server, which has it opened", () =>
  Effect.gen(function* () {
    const path = yield* folder
    const { context } = yield* listen({ over: "TCP" })
    const responseOf = (name: string, options?: Parameters<typeof file>[1]) =>
      Effect.map(Effect.provide(file(join(path, name), options), context), (response) =>
        HttpServerResponse.toWeb(response)
      )
    const part = yield* responseOf("letters.txt", { offset: 2, bytesToRead: 3 })
    assert.strictEqual(openFiles(path), 0)
    assert.strictEqual(yield* Effect.promise(() => part.text()), letters.slice(2, 5))
    const whole = yield* responseOf("large.bin")
    assert.isTrue(Buffer.from(yield* Effect.promise(() => whole.arrayBuffer())).equals(large))
    yield* allClosed(path)
  })
)
