import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { execFileSync } from "node:child_process"
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib"
import { type Asked, ask, askHttp2 } from "../support/Ask.ts"
import { answer, serve } from "../support/Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"

const script = "console.log(1)\n".repeat(20)

const files: Readonly<Record<string, string | Uint8Array>> = {
  "public/app.js": script,
  "public/app.js.br": brotliCompressSync(script),
  "public/app.js.gz": gzipSync(script),
  "public/app.js.zst": zstdCompressSync(script),
  "public/main.8f3b2c1d.css": "a{}",
  "public/digits.txt": "0123456789",
  "public/photo.png": "png",
  "public/photo.png.gz": "never",
  "public/docs/index.html": "<p>docs",
  "public/empty/.keep": "",
  "public/.env": "SECRET=1",
  "public/.git/config": "secret",
  "secret.txt": "secret",
  "other/app.js": "other",
  "other/only.txt": "only"
}

/** Folders, and beside them what must not be reached. */
const folders = Effect.map(temporaryFolder, (folder) => {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    utimesSync(path, 1_700_000_000, 1_700_000_000)
  }
  symlinkSync("../secret.txt", join(folder, "public/out.txt"))
  symlinkSync("..", join(folder, "public/up"))
  symlinkSync("digits.txt", join(folder, "public/in.txt"))
  symlinkSync("../secret.txt", join(folder, "public/digits.txt.gz"))
  symlinkSync("/dev/zero", join(folder, "public/device"))
  symlinkSync("/proc/self/environ", join(folder, "public/process"))
  execFileSync("mkfifo", [join(folder, "public/fifo"), join(folder, "public/digits.txt.br")])
  return folder
})

const applications = {
  events: PagiApp.make({ http: answer("application") }),
  fetch: PagiApp.fromFetch(() => new Response("application")),
  Effect: PagiApp.fromHttpEffect(Effect.succeed(HttpServerResponse.text("application")))
}

const setUp = Effect.fnUntraced(function* (
  options: object = {},
  application: PagiApp.Application<unknown> = applications.events
) {
  const folder = yield* folders
  const { port } = yield* serve(application, { static: [`/assets=${join(folder, "public")}`], ...options })
  const get = (path: string, headers: Asked["headers"] = {}, method = "GET") => ask(port, { path, headers, method })
  return { folder, port, get }
})

describe("static files", () => {
  for (const [kind, application] of Object.entries(applications)) {
    it.live(`stand around an application of ${kind}, by HTTP/1.1 and HTTP/2`, () =>
      Effect.gen(function* () {
        const { port } = yield* setUp({}, application)
        for (const way of [ask, askHttp2]) {
          const file = yield* way(port, { path: "/assets/digits.txt?v=1" })
          assert.deepStrictEqual([file.status, file.text], [200, "0123456789"])
          assert.strictEqual(file.headers["content-type"], "text/plain; charset=utf-8")
          assert.strictEqual(file.headers["content-length"], "10")
          assert.strictEqual(file.headers["x-content-type-options"], "nosniff")
          assert.strictEqual(file.headers["cache-control"], "no-cache")
          assert.strictEqual((yield* way(port, { path: "/%61ssets/digits.txt" })).text, "0123456789")
          const head = yield* way(port, { path: "/assets/digits.txt", method: "HEAD" })
          assert.deepStrictEqual([head.status, head.text, head.headers["content-length"]], [200, "", "10"])
          for (const path of [
            "/",
            "/assets/none.txt",
            "/assetsx/digits.txt",
            "/assets/digits.txt/",
            "/assets/empty",
            "/assets/"
          ]) {
            assert.strictEqual((yield* way(port, { path })).text, "application", path)
          }
          assert.strictEqual((yield* way(port, { path: "/assets/digits.txt", method: "POST" })).text, "application")
        }
      })
    )
  }

  it.live("show nothing hidden, nothing outside, and only regular files", () =>
    Effect.gen(function* () {
      const { get } = yield* setUp()
      for (const path of [
        "/assets/.env",
        "/assets/%2eenv",
        "/assets/.git/config",
        "/assets/../secret.txt",
        "/assets/%2e%2e/secret.txt",
        "/assets/..%2fsecret.txt",
        "/assets/%2e%2e%2fsecret.txt",
        "/assets/docs/../../secret.txt",
        "/assets//secret.txt",
        "/assets/..\\secret.txt",
        "/assets/out.txt",
        "/assets/up/secret.txt",
        "/assets/device",
        "/assets/process",
        "/assets/fifo",
        "/assets/digits.txt%00.html"
      ]) {
        const { status, text } = yield* get(path)
        assert.isTrue(status === 400 || text === "application", `${path}: ${status} ${text}`)
      }
      // Links that stay in the folder, or come back to it, are followed; one that leads out is no variant either.
      assert.strictEqual((yield* get("/assets/in.txt")).text, "0123456789")
      assert.strictEqual((yield* get("/assets/up/public/digits.txt")).text, "0123456789")
      assert.strictEqual((yield* get("/assets/digits.txt", { "accept-encoding": "gzip, br" })).text, "0123456789")
    })
  )

  it.live("take what was compressed before, as the client likes it", () =>
    Effect.gen(function* () {
      const { get } = yield* setUp()
      const tags = new Set<unknown>()
      for (const [field, coding, name] of [
        ["gzip, deflate, br", "br", ".br"],
        ["gzip", "gzip", ".gz"],
        ["zstd, gzip;q=0.5", "zstd", ".zst"],
        ["br;q=0, gzip", "gzip", ".gz"],
        ["identity", undefined, ""],
        ["identity, br;q=0.5", undefined, ""]
      ] as const) {
        const response = yield* get("/assets/app.js", { "accept-encoding": field })
        assert.strictEqual(response.headers["content-encoding"], coding, field)
        assert.isTrue(response.body.equals(Buffer.from(files[`public/app.js${name}`] ?? "")), field)
        assert.strictEqual(response.headers["vary"], "accept-encoding")
        assert.match(String(response.headers["content-type"]), /javascript/)
        tags.add(response.headers["etag"])
        const again = yield* get("/assets/app.js", {
          "accept-encoding": field,
          "if-none-match": String(response.headers["etag"])
        })
        assert.deepStrictEqual([again.status, again.headers["vary"]], [304, "accept-encoding"])
        const head = yield* get("/assets/app.js", { "accept-encoding": field }, "HEAD")
        assert.strictEqual(head.headers["content-length"], String(response.body.length))
      }
      assert.strictEqual(tags.size, 4)
      // What is compressed in itself has no variants.
      assert.isUndefined((yield* get("/assets/photo.png", { "accept-encoding": "gzip" })).headers["content-encoding"])
    })
  )

  it.live("answer conditions and ranges", () =>
    Effect.gen(function* () {
      const { get } = yield* setUp()
      const path = "/assets/digits.txt"
      const whole = yield* get(path)
      const tag = String(whole.headers["etag"])
      const modified = String(whole.headers["last-modified"])
      assert.strictEqual((yield* get(path, { "if-none-match": `W/${tag}` })).status, 304)
      assert.strictEqual((yield* get(path, { "if-modified-since": modified })).status, 304)
      assert.strictEqual((yield* get(path, { "if-match": '"x"' })).status, 412)
      const part = yield* get(path, { range: "bytes=2-4" })
      assert.deepStrictEqual([part.status, part.text, part.headers["content-range"]], [206, "234", "bytes 2-4/10"])
      assert.strictEqual((yield* get(path, { range: "bytes=-3" })).text, "789")
      assert.strictEqual((yield* get(path, { range: "bytes=10-" })).status, 416)
      assert.strictEqual((yield* get(path, { range: "bytes=0-1,3-4" })).status, 200)
      assert.strictEqual((yield* get(path, { range: "bytes=2-4", "if-range": '"x"' })).status, 200)
      const compressed = yield* get("/assets/app.js", { "accept-encoding": "gzip", range: "bytes=0-1" })
      assert.deepStrictEqual([compressed.status, compressed.body.toString("hex")], [206, "1f8b"])
    })
  )

  it.live("answer folders by their pages, at addresses that relative links need", () =>
    Effect.gen(function* () {
      const { get } = yield* setUp()
      assert.strictEqual((yield* get("/assets/docs/")).text, "<p>docs")
      const moved = yield* get("/assets/docs?a=b")
      assert.deepStrictEqual([moved.status, moved.headers["location"]], [301, "./docs/?a=b"])
    })
  )

  it.live("have several folders, the longest prefix first, and rules for caches", () =>
    Effect.gen(function* () {
      const folder = yield* folders
      const { port } = yield* serve(PagiApp.make({ http: answer("application") }), {
        static: [`/=${join(folder, "other")}`, { prefix: "/assets/", folder: join(folder, "public") }],
        staticMaxAge: "1 minute",
        staticImmutable: true
      })
      const get = (path: string) => ask(port, { path })
      assert.strictEqual((yield* get("/app.js")).text, "other")
      assert.strictEqual((yield* get("/assets/app.js")).text, script)
      assert.strictEqual((yield* get("/app.js")).headers["cache-control"], "public, max-age=60")
      assert.match(String((yield* get("/assets/main.8f3b2c1d.css")).headers["cache-control"]), /immutable/)
      assert.strictEqual((yield* get("/assets/only.txt")).text, "application")
    })
  )

  it.live("answer 404 by themselves where there is no application for requests", () =>
    Effect.gen(function* () {
      const { get } = yield* setUp({}, PagiApp.make({ websocket: () => Effect.void }))
      assert.strictEqual((yield* get("/assets/digits.txt")).text, "0123456789")
      assert.strictEqual((yield* get("/assets/none.txt")).status, 404)
      assert.strictEqual((yield* get("/")).status, 404)
    })
  )

  it.live("need a folder that can be read", () =>
    Effect.gen(function* () {
      for (const folder of ["/does/not/exist", import.meta.filename]) {
        const error = yield* Effect.flip(serve(applications.events, { static: [`/a=${folder}`] }))
        assert.strictEqual(error._tag, "RootError")
        assert.include(error.message, folder)
      }
    })
  )
})
