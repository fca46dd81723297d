import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type { HttpScope } from "@pagi/core/Scope"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Fiber from "effect/Fiber"
import { closeSync, openSync, writeFileSync } from "node:fs"
import * as http from "node:http"
import * as http2 from "node:http2"
import { join } from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import { Reload, ReloadProgress } from "../../src/process/ReloadState.ts"
import { ask, askHttp2, type Asked } from "../support/Ask.ts"
import { serve } from "../support/Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { until } from "../support/Until.ts"

const page = "<!doctype html><title>é</title><p>page"

const htmlFields = [["content-type", "text/html; charset=utf-8"]] as const

const options = { mode: "development", reloadBrowser: true } as const

type Fields = ReadonlyArray<readonly [string, string]>

const text = (headers: Fields, body: string | Uint8Array = page, status = 200): PagiApp.HttpHandler<unknown> =>
  Effect.fnUntraced(function* (_scope, _receive, send) {
    yield* send({ type: "http.response.start", status, headers })
    yield* send({ type: "http.response.body", body })
  })

const html = { accept: "text/html,*/*;q=0.8" }

const script = /<script(?: nonce="[^"]+")?>\(\(place, page\) => \{[^]*\}\)\("([^"]*)", (\{[^]*\})\)<\/script>\n$/

/** A server whose application answers so, and a request to it. */
const site = (http: PagiApp.HttpHandler<unknown>, more: object = {}) =>
  Effect.map(serve(PagiApp.make({ http }), { ...options, ...more }), ({ port }) => ({
    port,
    get: (headers: Asked["headers"] = html, method = "GET", path = "/") => ask(port, { path, method, headers })
  }))

const applications: Readonly<Record<string, PagiApp.Application<unknown>>> = {
  events: PagiApp.make({ http: text(htmlFields) }),
  "events and streams": PagiApp.make({ http: text(htmlFields), sse: () => Effect.void }),
  fetch: PagiApp.fromFetch(() => new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } })),
  Effect: PagiApp.fromHttpEffect(Effect.succeed(HttpServerResponse.html(page)))
}

describe("pages that reload themselves", () => {
  for (const [kind, application] of Object.entries(applications)) {
    it.live(`have a script at their end, of ${kind}, by HTTP/1.1 and HTTP/2`, () =>
      Effect.gen(function* () {
        const { port } = yield* serve(application, options)
        for (const way of [ask, askHttp2]) {
          const got = yield* way(port, { path: "/", headers: html })
          assert.strictEqual(got.status, 200)
          assert.isTrue(got.text.startsWith(page))
          assert.match(got.text.slice(page.length), script)
          assert.strictEqual(got.headers["content-length"], String(got.body.length))
          assert.strictEqual(got.headers["cache-control"], "no-store")
          const head = yield* way(port, { path: "/", headers: html, method: "HEAD" })
          assert.deepStrictEqual(head.headers["content-length"], got.headers["content-length"])
          assert.strictEqual(head.text, "")
        }
      })
    )
  }

  it.live("are only those that a browser asks for to show them, under a local name", () =>
    Effect.gen(function* () {
      const { get } = yield* site(text(htmlFields))
      const untouched: ReadonlyArray<readonly [Asked["headers"], string?]> = [
        [{}],
        [{ accept: "*/*" }],
        [{ ...html, "sec-fetch-dest": "empty" }],
        [{ ...html, host: "evil.example" }],
        [html, "POST"]
      ]
      for (const [headers, method] of untouched) {
        const got = yield* get(headers, method)
        assert.strictEqual(got.text, page, JSON.stringify(headers))
        assert.isUndefined(got.headers["cache-control"])
      }
    })
  )

  const left: Readonly<Record<string, PagiApp.HttpHandler<unknown>>> = {
    "is no HTML": text([["content-type", "text/htmlx"]]),
    "is XHTML": text([["content-type", "application/xhtml+xml"]]),
    "has no type": text([]),
    "is compressed": text([...htmlFields, ["Content-Encoding", "br"]]),
    "is to be saved": text([...htmlFields, ["content-disposition", "attachment; filename=a.html"]]),
    "is a part": text([...htmlFields, ["content-range", "bytes 0-3/9"]], page, 206),
    "leads elsewhere": text([...htmlFields, ["location", "/x"]], page, 302),
    "is in a wide encoding": text([["content-type", 'text/html; charset="UTF-16LE"']])
  }
  for (const [kind, handler] of Object.entries(left)) {
    it.live(`leave alone what ${kind}`, () =>
      Effect.gen(function* () {
        const { get } = yield* site(handler)
        assert.strictEqual((yield* get()).text, page)
      })
    )
  }

  it.live("say nothing of their content that is no longer so", () =>
    Effect.gen(function* () {
      const { get } = yield* site(
        text([
          ["Content-Type", "Text/HTML"],
          ["ETag", '"1"'],
          ["Last-Modified", "Mon, 06 May 2024 07:08:09 GMT"],
          ["Cache-Control", "max-age=60"],
          ["Accept-Ranges", "bytes"],
          ["Content-Length", String(Buffer.byteLength(page))],
          ["content-encoding", "identity"],
          ["Content-Security-Policy", "default-src 'none'"],
          ["x-own", "1"]
        ])
      )
      const { body, headers, text: content } = yield* get()
      for (const name of ["etag", "last-modified", "accept-ranges"]) assert.notProperty(headers, name)
      assert.strictEqual(headers["cache-control"], "no-store")
      assert.strictEqual(headers["content-length"], String(body.length))
      assert.strictEqual(headers["x-own"], "1")
      const [, nonce] = /script-src 'nonce-([\w-]+)'/.exec(String(headers["content-security-policy"])) ?? []
      assert.include(content, `<script nonce="${nonce}">`)
    })
  )

  it.live("may run their script also where the policy is that of a preset", () =>
    Effect.gen(function* () {
      const { get } = yield* site(text(htmlFields), { securityHeaders: "strict" })
      const { headers, text: content } = yield* get()
      const [, nonce] = /script-src 'self' 'nonce-([\w-]+)'/.exec(String(headers["content-security-policy"])) ?? []
      assert.include(content, `<script nonce="${nonce}">`)
      assert.strictEqual(headers["x-frame-options"], "DENY")
    })
  )

  it.live("are asked for whole, and not compressed", () =>
    Effect.gen(function* () {
      let seen: HttpScope["headers"] = []
      const { get } = yield* site((scope, receive, send) => {
        seen = scope.headers
        return text(htmlFields)(scope, receive, send)
      })
      const asked = { "accept-encoding": "gzip", "if-none-match": '"1"', range: "bytes=0-1", cookie: "a=b" }
      yield* get({ ...html, ...asked })
      assert.deepStrictEqual(
        seen.map(([name]) => name).filter((name) => name in asked),
        ["cookie"]
      )
      yield* get(asked)
      assert.includeMembers(
        seen.map(([name]) => name),
        Object.keys(asked)
      )
    })
  )

  it.live("are sent piece by piece, as they come", () =>
    Effect.gen(function* () {
      const { port } = yield* site(
        Effect.fnUntraced(function* (_scope, _receive, send) {
          yield* send({ type: "http.response.start", status: 200, headers: htmlFields })
          yield* send({ type: "http.response.body", body: "first", more: true })
          yield* Effect.never
        }),
        { shutdownTimeout: 0.01 }
      )
      const piece = yield* Effect.callback<string>((resume) => {
        const request = http.request({ host: "127.0.0.1", port, headers: html, agent: false }, (response) => {
          response.on("error", () => {})
          response.once("data", (bytes: Buffer) => {
            resume(Effect.succeed(bytes.toString()))
            request.destroy()
          })
        })
        request.on("error", () => {}).end()
      })
      assert.strictEqual(piece, "first")
    })
  )

  it.live("may be files, by path or opened, as a whole or in part", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = join(folder, "page.html")
      const content = "<p>a file</p>\n".repeat(20_000)
      writeFileSync(file, content)
      const fh = yield* Effect.acquireRelease(
        Effect.sync(() => openSync(file, "r")),
        (fh) => Effect.sync(() => closeSync(fh))
      )
      const parts = {
        path: { file },
        handle: { fh },
        object: { fh: { fd: fh } },
        part: { file, offset: 14, length: 28 },
        beyond: { file, offset: content.length - 14, length: 1000 }
      }
      const expected: Readonly<Record<string, string>> = { part: content.slice(0, 28), beyond: content.slice(0, 14) }
      for (const [kind, part] of Object.entries(parts)) {
        const { get } = yield* site(
          Effect.fnUntraced(function* (_scope, _receive, send) {
            yield* send({ type: "http.response.start", status: 200, headers: htmlFields })
            yield* send({ type: "http.response.body", ...part })
          })
        )
        const got = yield* get()
        const want = expected[kind] ?? content
        assert.isTrue(got.text.startsWith(want), kind)
        assert.match(got.text.slice(want.length), script, kind)
        const head = yield* get(html, "HEAD")
        assert.deepStrictEqual([head.text, head.headers["content-length"]], ["", String(got.body.length)], kind)
      }
    })
  )

  it.live("that are files which cannot be read are the application's to answer", () =>
    Effect.gen(function* () {
      const { get } = yield* site(
        Effect.fnUntraced(function* (_scope, _receive, send) {
          yield* send({ type: "http.response.start", status: 200, headers: htmlFields })
          const sent = yield* Effect.exit(send({ type: "http.response.body", file: "/nowhere/at/all.html" }))
          assert.strictEqual(sent._tag, "Failure")
          yield* send({ type: "http.response.start", status: 404, headers: [["content-type", "text/plain"]] })
          yield* send({ type: "http.response.body", body: "nothing there" })
        })
      )
      const got = yield* get()
      assert.deepStrictEqual([got.status, got.text], [404, "nothing there"])
    })
  )

  it.live("are static files too, whose compressed variants are not taken for them", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync(join(folder, "index.html"), page)
      writeFileSync(join(folder, "index.html.gz"), gzipSync(page))
      const { get } = yield* site(text([]), { static: [`/site=${folder}`] })
      const first = yield* get({ ...html, "accept-encoding": "gzip" }, "GET", "/site/")
      assert.match(first.text.slice(page.length), script)
      const again = yield* get({ ...html, "if-modified-since": "Mon, 06 May 2124 07:08:09 GMT" }, "GET", "/site/")
      assert.strictEqual(again.status, 200)
      const fetched = yield* get({ accept: "*/*", "accept-encoding": "gzip" }, "GET", "/site/")
      assert.strictEqual(gunzipSync(fetched.body).toString(), page)
    })
  )

  it.live("know the prefix of a proxy, which cannot end the script", () =>
    Effect.gen(function* () {
      const { get } = yield* site(text(htmlFields), { trustedProxies: ["127.0.0.1"] })
      const got = yield* get({ ...html, "x-forwarded-prefix": "/shop" })
      assert.strictEqual(script.exec(got.text)?.[1], "/shop/.pagi/reload")
      const evil = yield* get({ ...html, "x-forwarded-prefix": "/%3C/script%3E%22" })
      assert.strictEqual(evil.text.split("</script>").length, 2)
    })
  )
})

const stream = { accept: "text/event-stream" }

/** Reads an event stream until it ends, or what has come matches; `onText` is told all that has come. */
const listen = (
  port: number,
  wanted: RegExp,
  headers: Asked["headers"] = stream,
  onText: (all: string) => void = () => {}
) =>
  Effect.callback<string, Error>((resume) => {
    const request = http.request(
      { host: "127.0.0.1", port, path: "/.pagi/reload", headers, agent: false },
      (response) => {
        let all = `${response.statusCode} ${response.headers["content-type"]}\n`
        response.setEncoding("utf8").on("data", (piece: string) => {
          all += piece
          onText(all)
          if (!wanted.test(all)) return
          request.destroy()
          resume(Effect.succeed(all))
        })
        response.on("end", () => resume(Effect.succeed(all)))
        response.on("error", (error) => resume(Effect.fail(error)))
      }
    )
    request.on("error", (error) => resume(Effect.fail(error)))
    request.end()
    return Effect.sync(() => request.destroy())
  })

describe("the stream of pages that reload themselves", () => {
  for (const kind of ["events", "events and streams", "fetch"]) {
    it.live(`tells the version, each other one, and that the server leaves, beside an application of ${kind}`, () =>
      Effect.gen(function* () {
        const progress = new ReloadProgress({ generation: 7 })
        const application = applications[kind] ?? assert.fail()
        const { close, port } = yield* serve(application, options).pipe(Effect.provideService(Reload, progress))
        const first = yield* listen(port, /\n\n/)
        assert.match(first, /^200 text\/event-stream\n/)
        assert.match(first, /^data: ?\{"generation":7,"problem":""\}$/m)
        let heard = ""
        const all = yield* Effect.forkChild(
          listen(port, /never/, stream, (text) => {
            heard = text
          })
        )
        yield* until("the version is told", () => heard.includes("\n\n"))
        progress.change({ generation: 7, problem: { message: "broken" } })
        yield* listen(port, /"problem":"[^"]/)
        yield* close
        const told = yield* Fiber.join(all)
        assert.match(told, /"problem":""\}\n[^]*"problem":"[\w-]{12}"\}\n[^]*event: ?leaving\n/)
      })
    )
  }

  it.live("is told to no page of another site, nor under a name of anybody's", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(applications["events and streams"] ?? assert.fail(), options)
      for (const headers of [
        { ...stream, "sec-fetch-site": "cross-site" },
        { ...stream, "sec-fetch-site": "same-site" },
        { ...stream, host: "evil.example" },
        { host: "evil.example" }
      ]) {
        assert.match(yield* listen(port, /never/, headers), /^403 /)
      }
      const posted = yield* ask(port, { path: "/.pagi/reload", method: "POST" })
      assert.strictEqual(posted.status, 405)
    })
  )

  it.live("lets go of those who have left, by HTTP/1.1 and HTTP/2", () =>
    Effect.gen(function* () {
      const progress = new ReloadProgress({ generation: 1 })
      const subscribed = new Set<unknown>()
      const subscribe = progress.subscribe.bind(progress)
      progress.subscribe = (listener) => {
        subscribed.add(listener)
        const stop = subscribe(listener)
        return () => {
          subscribed.delete(listener)
          stop()
        }
      }
      for (const kind of ["events", "events and streams"]) {
        const { port } = yield* serve(applications[kind] ?? assert.fail(), options).pipe(
          Effect.provideService(Reload, progress)
        )
        yield* listen(port, /\n\n/)
        yield* until("nobody listens", () => subscribed.size === 0)
        const session = http2.connect(`http://127.0.0.1:${port}`)
        const opened = session.request({ ":path": "/.pagi/reload", accept: "text/event-stream" })
        yield* Effect.callback((resume) => {
          opened.once("data", () => resume(Effect.void))
        })
        assert.strictEqual(subscribed.size, 1)
        opened.on("error", () => {}).close(http2.constants.NGHTTP2_CANCEL)
        yield* until("nobody listens", () => subscribed.size === 0)
        session.destroy()
      }
    })
  )
})

describe("without the option", () => {
  it.live("pages have no script, and there is no stream", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(applications["events"] ?? assert.fail(), { mode: "development" })
      assert.strictEqual((yield* ask(port, { path: "/", headers: html })).text, page)
      assert.strictEqual((yield* ask(port, { path: "/.pagi/reload" })).text, page)
    })
  )
})
