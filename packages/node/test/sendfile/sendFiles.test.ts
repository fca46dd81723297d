import { assert, describe, it } from "@effect/vitest"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import * as PagiApp from "@pagi/core/PagiApp"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ask, askHttp2 } from "../support/Ask.ts"
import { serve } from "../support/Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"

const folders = Effect.map(temporaryFolder, (folder) => {
  mkdirSync(join(folder, "files/inner"), { recursive: true })
  for (const name of ["files/a.txt", "files/inner/ü b.txt", "files/.hidden", "secret.txt"]) {
    writeFileSync(join(folder, name), "0123456789")
    utimesSync(join(folder, name), 1_700_000_000, 1_700_000_000)
  }
  symlinkSync("../secret.txt", join(folder, "files/out.txt"))
  symlinkSync("a.txt", join(folder, "files/in.txt"))
  symlinkSync("files", join(folder, "linked"))
  return folder
})

/** Answers with the fields that the request names, and with content of its own, which nobody is to see. */
const applications = (fieldsOf: (path: string) => HeaderBlock) => {
  const record = (path: string): Record<string, string> => Object.fromEntries(fieldsOf(path))
  return {
    events: PagiApp.make({
      http: (scope, _receive, send) =>
        Effect.andThen(
          send({ type: "http.response.start", status: 200, headers: fieldsOf(scope.path) }),
          Effect.andThen(
            send({ type: "http.response.body", body: "application", more: true }),
            send({ type: "http.response.body", body: "application" })
          )
        )
    }),
    fetch: PagiApp.fromFetch(
      (request) => new Response("application", { headers: record(new URL(request.url).pathname) })
    ),
    Effect: PagiApp.fromHttpEffect(Effect.succeed(HttpServerResponse.text("application", { headers: record("/") })))
  }
}

const setUp = Effect.fnUntraced(function* (
  field: (folder: string) => string,
  name = "X-Sendfile",
  more: HeaderBlock = [],
  options: ServerOptions.Input = {}
) {
  const folder = yield* folders
  const { events } = applications(() => [[name, field(folder)], ...more])
  const mounts = [`/files=${join(folder, "files")}`]
  const { port } = yield* serve(events, { sendfile: mounts, logLevel: "error", ...options })
  return (headers: Record<string, string> = {}, method = "GET") => ask(port, { path: "/", headers, method })
})

describe("files that an application names", () => {
  for (const kind of ["events", "fetch", "Effect"] as const) {
    it.live(`are sent in place of the content of ${kind}, by HTTP/1.1 and HTTP/2, and the field is not`, () =>
      Effect.gen(function* () {
        const folder = yield* folders
        const application = applications(() => [
          ["x-sendfile", join(folder, "files/a.txt")],
          ["content-type", "text/x-own"],
          ["x-other", "1"]
        ])[kind]
        const { port } = yield* serve(application, { sendfile: [`/files=${join(folder, "files")}`] })
        for (const way of [ask, askHttp2]) {
          const { headers, status, text } = yield* way(port, { path: "/" })
          assert.deepStrictEqual([status, text], [200, "0123456789"])
          assert.deepStrictEqual([headers["content-type"], headers["x-other"]], ["text/x-own", "1"])
          assert.deepStrictEqual([headers["content-length"], headers["x-sendfile"]], ["10", undefined])
          assert.isDefined(headers["etag"])
        }
      })
    )
  }

  it.live("are answered in parts, by their tags, and to HEAD", () =>
    Effect.gen(function* () {
      const get = yield* setUp((folder) => join(folder, "files/a.txt"), "X-Sendfile", [
        ["ETag", '"own"'],
        ["Content-Length", "11"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
        ["Content-Type", "text/x-own"]
      ])
      const whole = yield* get()
      const etag = String(whole.headers["etag"])
      assert.notStrictEqual(etag, '"own"')
      assert.deepStrictEqual(whole.headers["set-cookie"], ["a=1", "b=2"])
      const part = yield* get({ range: "bytes=2-4" })
      assert.deepStrictEqual([part.status, part.text, part.headers["content-range"]], [206, "234", "bytes 2-4/10"])
      const known = yield* get({ "if-none-match": etag })
      assert.deepStrictEqual([known.status, known.headers["content-type"]], [304, undefined])
      const beyond = yield* get({ range: "bytes=20-" })
      assert.deepStrictEqual([beyond.status, beyond.headers["content-type"]], [416, "text/plain; charset=utf-8"])
      const head = yield* get({}, "HEAD")
      assert.deepStrictEqual([head.status, head.text, head.headers["content-length"]], [200, "", "10"])
      const posted = yield* get({ range: "bytes=2-4" }, "POST")
      assert.deepStrictEqual([posted.status, posted.text], [200, "0123456789"])
    })
  )

  it.live("may be named by links and by the prefix of their folder", () =>
    Effect.gen(function* () {
      for (const [name, field] of [
        ["X-Sendfile", (folder: string) => join(folder, "files/in.txt")],
        ["X-Sendfile", (folder: string) => `${folder}/files/inner/../a.txt`],
        ["X-Sendfile", (folder: string) => Buffer.from(join(folder, "files/inner/ü b.txt")).toString("latin1")],
        ["X-Accel-Redirect", () => "/files/a.txt"],
        ["X-Accel-Redirect", () => "/files/inner/%C3%BC%20b.txt?x"]
      ] as const) {
        const get = yield* setUp(field, name)
        assert.strictEqual((yield* get()).text, "0123456789")
      }
      const folder = yield* folders
      const get = yield* setUp(() => join(folder, "linked/a.txt"), "x-sendfile", [], {
        sendfile: [`/f=${join(folder, "linked")}`]
      })
      assert.strictEqual((yield* get()).text, "0123456789")
    })
  )

  it.live("are nothing when they are outside, hidden, no files, or not there", () =>
    Effect.gen(function* () {
      for (const [name, field] of [
        ["X-Sendfile", (folder: string) => join(folder, "secret.txt")],
        ["X-Sendfile", (folder: string) => `${folder}/files/../secret.txt`],
        ["X-Sendfile", (folder: string) => join(folder, "files/out.txt")],
        ["X-Sendfile", (folder: string) => join(folder, "files/.hidden")],
        ["X-Sendfile", (folder: string) => join(folder, "files/none.txt")],
        ["X-Sendfile", (folder: string) => join(folder, "files")],
        ["X-Sendfile", (folder: string) => join(folder, "files/inner")],
        ["X-Sendfile", () => "a.txt"],
        ["X-Sendfile", () => ""],
        ["X-Sendfile", () => "/dev/zero"],
        ["X-Accel-Redirect", () => "/files/../secret.txt"],
        ["X-Accel-Redirect", () => "/files/%2e%2e/secret.txt"],
        ["X-Accel-Redirect", () => "/files/..%2fsecret.txt"],
        ["X-Accel-Redirect", () => "/files/out.txt"],
        ["X-Accel-Redirect", () => "/filesx/a.txt"],
        ["X-Accel-Redirect", () => "/files/inner/"],
        ["X-Accel-Redirect", () => "/files/%00"]
      ] as const) {
        const get = yield* setUp(field, name, [["x-own", "1"]])
        const { headers, status, text } = yield* get()
        assert.strictEqual(status, 404, field("…"))
        assert.notInclude(text, "0123")
        assert.notInclude(text, "application")
        assert.isUndefined(headers["x-sendfile"] ?? headers["x-accel-redirect"])
      }
    })
  )

  it.live("are left to a proxy in front without the option", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(applications(() => [["x-accel-redirect", "/files/a.txt"]]).events)
      const { headers, text } = yield* ask(port, { path: "/" })
      assert.deepStrictEqual([headers["x-accel-redirect"], text], ["/files/a.txt", "applicationapplication"])
    })
  )

  it.live("are compressed as everything else", () =>
    Effect.gen(function* () {
      const get = yield* setUp((folder) => join(folder, "files/a.txt"), "X-Sendfile", [], {
        compress: true,
        compressMinSize: 1
      })
      const { headers } = yield* get({ "accept-encoding": "gzip" })
      assert.strictEqual(headers["content-encoding"], "gzip")
    })
  )
})
