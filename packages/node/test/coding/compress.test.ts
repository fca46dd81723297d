import { assert, describe, it } from "@effect/vitest"
import type { HttpSendEvent } from "@pagi/core/Event"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import * as PagiApp from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { open, writeFile } from "node:fs/promises"
import * as http from "node:http"
import { join } from "node:path"
import * as zlib from "node:zlib"
import * as Around from "../../src/around/Around.ts"
import { type Answered, type Asked, ask, askHttp2 } from "../support/Ask.ts"
import { serve, serveHttp } from "../support/Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { until } from "../support/Until.ts"

const text = "all work and no play makes a dull response; ".repeat(200)
const html: HeaderBlock = [["content-type", "text/html; charset=utf-8"]]
const all = "gzip, deflate, br, zstd"

/** What a client makes of a response. */
const decoded = ({ body, headers }: Answered): string => {
  switch (headers["content-encoding"]) {
    case "br":
      return zlib.brotliDecompressSync(body).toString()
    case "zstd":
      return zlib.zstdDecompressSync(body).toString()
    case "gzip":
      return zlib.gunzipSync(body).toString()
    default:
      return body.toString()
  }
}

const start = (headers: HeaderBlock = html, status = 200): HttpSendEvent => ({
  type: "http.response.start",
  status,
  headers
})
const piece = (body: string | Uint8Array, more = false): HttpSendEvent => ({ type: "http.response.body", body, more })

/** A handler that sends these events, one after the other. */
const sending =
  (...events: ReadonlyArray<HttpSendEvent>): PagiApp.HttpHandler<SendError> =>
  (_scope, _receive, send) =>
    Effect.forEach(events, send, { discard: true })

const setUp = Effect.fnUntraced(function* <E, R>(
  handler: PagiApp.HttpHandler<E, R>,
  options: ServerOptions.Input = {}
) {
  const { port } = yield* serveHttp(handler, { compress: true, ...options })
  return (headers: Asked["headers"] = { "accept-encoding": all }, method = "GET", way = ask) =>
    way(port, { path: "/", headers, method })
})

/** What a handler's response comes to. */
const answerOf = (events: ReadonlyArray<HttpSendEvent>, headers?: Asked["headers"], method?: string) =>
  Effect.flatMap(setUp(sending(...events)), (get) => get(headers, method))

const applications = {
  events: PagiApp.make({ http: sending(start(), piece(text)) }),
  fetch: PagiApp.fromFetch(() => new Response(text, { headers: { "content-type": "text/html" } })),
  "fetch in pieces": PagiApp.fromFetch(
    () => new Response(new Blob([text]).stream(), { headers: { "content-type": "text/html" } })
  ),
  Effect: PagiApp.fromHttpEffect(Effect.succeed(HttpServerResponse.html(text))),
  "Effect in pieces": PagiApp.fromHttpEffect(
    Effect.succeed(
      HttpServerResponse.stream(Stream.make(text.slice(0, 100), text.slice(100)).pipe(Stream.encodeText), {
        contentType: "text/html"
      })
    )
  )
}

describe("compress", () => {
  for (const [kind, application] of Object.entries(applications)) {
    it.live(`compresses what an application of ${kind} answers, by HTTP/1.1 and HTTP/2`, () =>
      Effect.gen(function* () {
        const { port } = yield* serve(application, { compress: true })
        for (const way of [ask, askHttp2]) {
          for (const [field, coding] of [
            [all, "br"],
            ["gzip;q=1, br;q=0.5", "gzip"],
            ["zstd", "zstd"],
            ["identity", undefined],
            ["br;q=0", undefined],
            ["deflate", undefined]
          ] as const) {
            const response = yield* way(port, { path: "/", headers: { "accept-encoding": field } })
            assert.strictEqual(response.headers["content-encoding"], coding, field)
            assert.strictEqual(response.headers["vary"], "accept-encoding")
            assert.strictEqual(decoded(response), text)
            if (coding !== undefined) assert.isBelow(response.body.length, 400)
          }
          const without = yield* way(port, { path: "/" })
          assert.deepStrictEqual([without.headers["content-encoding"], without.text], [undefined, text])
        }
      })
    )
  }

  it.live("does nothing unless it is asked to", () =>
    Effect.gen(function* () {
      const get = yield* setUp(sending(start(), piece(text)), { compress: false })
      const { headers, text: got } = yield* get()
      assert.deepStrictEqual([headers["content-encoding"], headers["vary"], got], [undefined, undefined, text])
    })
  )

  it.live("tells the length of what is compressed as a whole", () =>
    Effect.gen(function* () {
      const response = yield* answerOf([start([...html, ["Content-Length", String(text.length)]]), piece(text)])
      assert.strictEqual(response.headers["content-length"], String(response.body.length))
      assert.strictEqual(decoded(response), text)
    })
  )

  it.live("leaves responses alone that are small, parts, compressed, or not to be changed", () =>
    Effect.gen(function* () {
      const body = piece(text)
      for (const events of [
        [start(), piece("x".repeat(1023))],
        [start([...html, ["content-length", "20"]]), piece("x".repeat(20))],
        [start([["content-type", "image/png"]]), body],
        [start([["content-type", "text/event-stream"]]), body],
        [start([]), body],
        [start([...html, ["content-encoding", "identity"]]), body],
        [start([...html, ["Content-Encoding", "br"]]), body],
        [start([...html, ["cache-control", "public, No-Transform"]]), body],
        [start([...html, ["content-range", "bytes 0-1/9999"]], 206), body],
        [start([...html, ["content-digest", "sha-256=:AA==:"]]), body]
      ]) {
        const response = yield* answerOf(events)
        const plain = yield* answerOf(events, {})
        assert.isTrue(response.body.equals(plain.body))
        delete (response.headers as Record<string, unknown>)["date"]
        delete (plain.headers as Record<string, unknown>)["date"]
        assert.deepStrictEqual(response.headers, plain.headers)
      }
      for (const status of [204, 304]) {
        const { body: got, headers } = yield* answerOf([start(html, status), piece("")])
        assert.deepStrictEqual([got.length, headers["content-encoding"]], [0, undefined])
      }
    })
  )

  it.live("compresses errors and redirects, too", () =>
    Effect.gen(function* () {
      for (const status of [201, 301, 404, 500]) {
        const response = yield* answerOf([start(html, status), piece(text)])
        assert.deepStrictEqual([response.status, response.headers["content-encoding"]], [status, "br"])
        assert.strictEqual(decoded(response), text)
      }
    })
  )

  it.live("says what else is not as it was", () =>
    Effect.gen(function* () {
      const fields: HeaderBlock = [
        ...html,
        ["ETag", '"abc"'],
        ["accept-ranges", "bytes"],
        ["Vary", "Cookie"],
        ["set-cookie", "a=1"]
      ]
      const { headers } = yield* answerOf([start(fields), piece(text)])
      assert.strictEqual(headers["etag"], 'W/"abc"')
      assert.strictEqual(headers["vary"], "Cookie, accept-encoding")
      assert.isUndefined(headers["accept-ranges"])
      assert.deepStrictEqual(headers["set-cookie"], ["a=1"])
      const plain = yield* answerOf([start(fields), piece(text)], {})
      assert.strictEqual(plain.headers["etag"], '"abc"')
      assert.strictEqual(plain.headers["accept-ranges"], "bytes")
      for (const vary of ["*", "origin, Accept-Encoding"]) {
        const once = yield* answerOf([start([...html, ["vary", vary]]), piece(text)])
        assert.strictEqual(once.headers["vary"], vary)
      }
    })
  )

  it.live("names in a 304 the tag that the client has", () =>
    Effect.gen(function* () {
      const get = yield* setUp(sending(start([["etag", '"abc"']], 304), piece("")))
      const tagFor = (asked: string) =>
        Effect.map(get({ "accept-encoding": all, "if-none-match": asked }), ({ headers }) => headers["etag"])
      assert.strictEqual(yield* tagFor('W/"abc"'), 'W/"abc"')
      assert.strictEqual(yield* tagFor('"x", W/"abc"'), 'W/"abc"')
      assert.strictEqual(yield* tagFor('"abc"'), '"abc"')
      assert.strictEqual(yield* tagFor('W/"abc", "abc"'), '"abc"')
    })
  )

  it.live("answers HEAD as GET, as far as it is known what GET would answer", () =>
    Effect.gen(function* () {
      const long = [...html, ["content-length", String(text.length)], ["etag", '"a"']] as const
      const folder = yield* temporaryFolder
      const file = join(folder, "page.html")
      yield* Effect.promise(() => writeFile(file, text))
      for (const [events, coding] of [
        [[start(long), piece(text)], "br"],
        [[start(long), piece("")], undefined],
        [[start(long)], "br"],
        [[start(), piece(text)], "br"],
        [[start(), piece("x", true), piece("y")], "br"],
        [[start(), { type: "http.response.body", file }], "br"],
        [[start(), piece("small")], undefined],
        [[start()], undefined]
      ] as const) {
        for (const way of [ask, askHttp2]) {
          const get = yield* setUp(sending(...events))
          const { body, headers, status } = yield* get({ "accept-encoding": all }, "HEAD", way)
          assert.deepStrictEqual([status, body.length, headers["content-encoding"]], [200, 0, coding])
          if (coding !== undefined) assert.isUndefined(headers["content-length"])
          if (coding !== undefined && headers["etag"] !== undefined) assert.strictEqual(headers["etag"], 'W/"a"')
        }
      }
    })
  )

  it.live("compresses files, which it reads itself", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const path = join(folder, "large.txt")
      const content = text.repeat(40)
      yield* Effect.promise(() => writeFile(path, content))
      const handle = yield* Effect.acquireRelease(
        Effect.promise(() => open(path)),
        (opened) => Effect.promise(() => opened.close())
      )
      for (const [event, expected] of [
        [{ type: "http.response.body", file: path }, content],
        [{ type: "http.response.body", fh: handle, offset: 100, length: 5000 }, content.slice(100, 5100)],
        [{ type: "http.response.body", file: path, length: 1023 }, content.slice(0, 1023)]
      ] as const) {
        const response = yield* answerOf([start(), event])
        assert.strictEqual(response.headers["content-encoding"], expected.length < 1024 ? undefined : "br")
        assert.strictEqual(decoded(response), expected)
        const declared = yield* answerOf([start([...html, ["content-length", String(expected.length)]]), event])
        assert.strictEqual(decoded(declared), expected)
      }
      const { port } = yield* serve(PagiApp.make({ http: sending(start(), piece("")) }), {
        compress: true,
        static: [`/=${folder}`]
      })
      for (const way of [ask, askHttp2]) {
        const file = yield* way(port, { path: "/large.txt", headers: { "accept-encoding": "gzip" } })
        assert.deepStrictEqual([file.headers["content-encoding"], file.headers["vary"]], ["gzip", "accept-encoding"])
        assert.strictEqual(decoded(file), content)
        const etag = String(file.headers["etag"])
        assert.isTrue(etag.startsWith("W/"))
        const known = yield* way(port, {
          path: "/large.txt",
          headers: { "accept-encoding": "gzip", "if-none-match": etag }
        })
        assert.deepStrictEqual([known.status, known.headers["etag"]], [304, etag])
        const part = yield* way(port, {
          path: "/large.txt",
          headers: { "accept-encoding": "gzip", range: "bytes=0-9" }
        })
        assert.deepStrictEqual([part.status, part.text], [206, content.slice(0, 10)])
      }
    })
  )

  it.live("has files opened by other threads where the server does", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = join(folder, "page.html")
      yield* Effect.promise(() => writeFile(file, text))
      let underWay: ReadonlyArray<string> = []
      const ask = yield* setUp(
        (_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start())
            const sent = yield* Effect.forkChild(send({ type: "http.response.body", file }), { startImmediately: true })
            underWay = process.getActiveResourcesInfo()
            yield* Fiber.join(sent)
          }),
        { syncFileThreshold: 0 }
      )
      assert.strictEqual(decoded(yield* ask()), text)
      assert.include(underWay, "FSReqCallback")
    })
  )

  it.live("lets another response take the place of one whose file cannot be read", () =>
    Effect.gen(function* () {
      const get = yield* setUp((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start())
          const error = yield* Effect.flip(send({ type: "http.response.body", file: "/nowhere/at/all" }))
          yield* send(start([["content-type", "text/plain"]], 404))
          yield* send(piece(error.message))
        })
      )
      const { status, text: got } = yield* get()
      assert.deepStrictEqual([status, got], [404, 'http.response.body: there is no file "/nowhere/at/all"'])
    })
  )

  it.live("fails a body of another length than was declared, and breaks the response off", () =>
    Effect.gen(function* () {
      const declared = start([...html, ["content-length", "5000"]])
      for (const events of [
        [declared, piece("x".repeat(4000), true), piece("x".repeat(1001))],
        [declared, piece("x".repeat(4000), true), piece("x")],
        [declared, piece("x".repeat(4000))]
      ]) {
        const failures: Array<string> = []
        const get = yield* setUp((scope, receive, send) =>
          Effect.tapError(sending(...events)(scope, receive, send), (error) =>
            Effect.sync(() => failures.push(error.message))
          )
        )
        const outcome = yield* Effect.exit(get())
        assert.strictEqual(failures.length, 1)
        assert.isTrue(outcome._tag === "Failure" || outcome.value.status === 500, JSON.stringify(outcome))
      }
    })
  )

  it.live("fails what is out of order or not sound, as without", () =>
    Effect.gen(function* () {
      for (const events of [
        [piece("x")],
        [start(), start()],
        [start(), { type: "http.response.informational", status: 103 } as const],
        [
          start([
            ["content-type", "text/plain"],
            ["x-bad", "a\r\nb"]
          ])
        ],
        [start([["content-type", "text/plain"]], 99)],
        [start(), piece(text), piece(text)],
        [start(), { type: "http.response.body", body: 5 } as unknown as HttpSendEvent]
      ]) {
        const messages: Array<string> = []
        for (const compress of [false, true]) {
          const get = yield* setUp(
            (scope, receive, send) =>
              Effect.tapError(sending(...events)(scope, receive, send), (error) =>
                Effect.sync(() => messages.push(error.message))
              ),
            { compress }
          )
          yield* Effect.exit(get())
        }
        assert.strictEqual(messages.length, 2)
        assert.strictEqual(messages[0], messages[1])
      }
    })
  )

  for (const coding of ["br", "zstd", "gzip"] as const) {
    it.live(`shows each piece to the client while the application pauses, by ${coding}`, () =>
      Effect.gen(function* () {
        const goOn = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const { port } = yield* serveHttp(
          (_scope, _receive, send) =>
            Effect.gen(function* () {
              yield* send(start())
              for (const [index, next] of goOn.entries()) {
                yield* Deferred.await(next)
                yield* send(piece(`piece ${index}\n`, true))
              }
              yield* send(piece("end"))
            }),
          { compress: true }
        )
        const request = http.get({ port, host: "127.0.0.1", headers: { "accept-encoding": coding }, agent: false })
        // The start alone, before there is any content.
        const response = yield* Effect.callback<http.IncomingMessage>((resume) => {
          request.on("response", (found) => resume(Effect.succeed(found)))
        })
        assert.strictEqual(response.headers["content-encoding"], coding)
        const decoder =
          coding === "br"
            ? zlib.createBrotliDecompress()
            : coding === "zstd"
              ? zlib.createZstdDecompress()
              : zlib.createGunzip()
        let got = ""
        response.pipe(decoder).on("data", (bytes: Buffer) => (got += bytes.toString()))
        for (const [index, next] of goOn.entries()) {
          yield* Deferred.succeed(next, undefined)
          if (index === 0) yield* until("all of it has come", () => got === "piece 0\n")
        }
        yield* until("all of it has come", () => got === "piece 0\npiece 1\nend")
      })
    )
  }

  it.live("sends trailers behind compressed content", () =>
    Effect.gen(function* () {
      const response = yield* answerOf([
        { type: "http.response.start", status: 200, headers: html, trailers: true },
        piece(text, true),
        piece(text),
        { type: "http.response.trailers", headers: [["x-sum", "1"]] }
      ])
      assert.strictEqual(decoded(response), text + text)
    })
  )

  it.live(
    "does nothing unless it is asked for: a secret beside what a client has sent could be told by the length",
    () =>
      Effect.gen(function* () {
        for (const way of [ask, askHttp2]) {
          const { port } = yield* serveHttp(sending(start(), piece(text)))
          const got = yield* way(port, { path: "/", headers: { "accept-encoding": all } })
          assert.strictEqual(got.body.toString(), text)
          assert.isUndefined(got.headers["content-encoding"])
        }
      })
  )

  it.live("uses the levels that it is given, and no coding that is off", () =>
    Effect.gen(function* () {
      const words = Array.from({ length: 20_000 }, (_, index) => `word${(index * 7919) % 1009}`).join(" ")
      const sizeWith = (level: string) =>
        Effect.map(
          Effect.flatMap(setUp(sending(start(), piece(words)), { compressLevels: [level] }), (get) =>
            get({ "accept-encoding": "gzip" })
          ),
          ({ body }) => body.length
        )
      assert.isBelow(yield* sizeWith("gzip=9"), yield* sizeWith("gzip=1"))
      const get = yield* setUp(sending(start(), piece(text)), { compressLevels: ["br=off", "zstd=off"] })
      assert.strictEqual((yield* get()).headers["content-encoding"], "gzip")
      assert.isUndefined((yield* get({ "accept-encoding": "br" })).headers["content-encoding"])
    })
  )

  it.live("stands around a program's application, too", () =>
    Effect.gen(function* () {
      const application = Around.compress(PagiApp.make({ http: sending(start(), piece("x".repeat(20))) }), {
        minSize: 20,
        levels: { br: "off" }
      })
      const { port } = yield* serve(application)
      const { headers } = yield* ask(port, { path: "/", headers: { "accept-encoding": all } })
      assert.strictEqual(headers["content-encoding"], "zstd")
    })
  )
})
