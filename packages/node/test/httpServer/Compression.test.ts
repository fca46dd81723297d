/** What Effect's middleware compresses and decompresses; files have their tests in Files.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import * as zlib from "node:zlib"
import { type Program, serve, versions, withRequest } from "../support/HttpPrograms.ts"
import { attempt, fetch } from "../support/HttpSuiteClient.ts"
import { until } from "../support/Until.ts"

const { empty, stream, text } = HttpServerResponse

const prose = "all work and no play ".repeat(500)

const hasZstd = typeof zlib.zstdCompressSync === "function"

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  br: zlib.brotliDecompressSync,
  deflate: zlib.inflateSync,
  gzip: zlib.gunzipSync,
  ...(hasZstd ? { zstd: zlib.zstdDecompressSync } : {})
}

const decoded = (coding: string, content: Buffer): string => decoders[coding]?.(content).toString() ?? "no decoder"

type Options = Parameters<typeof HttpMiddleware.compression>[0]

describe.each(versions)("HTTP/$version over $over", (way) => {
  const compressed = (program: Program, options?: Options) =>
    serve(way, program, { middleware: HttpMiddleware.compression(options) })

  it.live("the order of the server decides among the codings that a client takes", () =>
    Effect.gen(function* () {
      const { client } = yield* compressed(Effect.succeed(text(prose)))
      for (const [accepted, coding] of [
        ["gzip, br", "br"],
        ["gzip;q=1, br;q=0.1", "br"],
        ["br;q=0, gzip", "gzip"],
        ["deflate", "deflate"],
        ["zstd, gzip", "gzip"],
        ["*;q=0", undefined],
        ["none-such", undefined],
        ["gzip;q=2", undefined]
      ] as const) {
        const { content, headers, status } = yield* fetch(client, { headers: { "accept-encoding": accepted } })
        assert.deepStrictEqual([status, headers["content-encoding"], headers["vary"]], [200, coding, "Accept-Encoding"])
        assert.strictEqual(headers["content-length"], String(content.length))
        assert.strictEqual(coding === undefined ? content.toString() : decoded(coding, content), prose, accepted)
      }
    })
  )

  it.live.skipIf(!hasZstd)("zstd is used where the program has it so", () =>
    Effect.gen(function* () {
      const { client } = yield* compressed(Effect.succeed(text(prose)), { algorithms: ["zstd", "gzip"] })
      const { content, headers } = yield* fetch(client, { headers: { "accept-encoding": "gzip, zstd" } })
      assert.strictEqual(headers["content-encoding"], "zstd")
      assert.strictEqual(decoded("zstd", content), prose)
    })
  )

  it.live("pieces of a stream are sent when they are there", () =>
    Effect.gen(function* () {
      const next = yield* Latch.make()
      const pieces = Stream.concat(
        Stream.make(Buffer.from("data: first\n\n")),
        Stream.concat(Stream.drain(Stream.fromEffect(next.await)), Stream.make(Buffer.from("data: second\n\n")))
      )
      const { client } = yield* compressed(Effect.succeed(stream(pieces, { contentType: "text/event-stream" })))
      const exchange = client.begin({ headers: { "accept-encoding": "gzip" } })
      const readable = () => zlib.gunzipSync(exchange.content, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString()
      yield* until("the first piece is there", () => exchange.received > 10 && readable() === "data: first\n\n")
      assert.strictEqual(exchange.headers["content-encoding"], "gzip")
      assert.strictEqual(exchange.headers["content-length"], undefined)
      yield* next.open
      yield* until("the response is there", () => exchange.outcome === "complete")
      assert.strictEqual(readable(), "data: first\n\ndata: second\n\n")
    })
  )

  it.live("a strong validator becomes a weak one, and cookies and the fields of HEAD stay", () =>
    Effect.gen(function* () {
      const response = text(prose, { headers: { etag: `"1"`, vary: "Origin" } })
      const { client } = yield* compressed(Effect.succeed(HttpServerResponse.setCookieUnsafe(response, "a", "1")))
      const headers = { "accept-encoding": "gzip" }
      const got = yield* fetch(client, { headers })
      assert.deepInclude(got.headers, { etag: `W/"1"`, vary: "Origin, Accept-Encoding" })
      assert.strictEqual(String(got.headers["set-cookie"]), "a=1")
      const head = yield* fetch(client, { method: "HEAD", headers })
      assert.deepStrictEqual([head.text, head.headers["content-encoding"]], ["", "gzip"])
      assert.deepInclude(head.headers, { etag: `W/"1"`, vary: "Origin, Accept-Encoding" })
    })
  )

  it.live("what is small, final or of another kind is left as it is", () =>
    Effect.gen(function* () {
      const responses: ReadonlyArray<HttpServerResponse.HttpServerResponse> = [
        text("small"),
        text(prose, { contentType: "image/png" }),
        text(prose, { headers: { "cache-control": "no-transform" } }),
        text(prose, { headers: { "content-encoding": "none-such" } }),
        text(prose, { status: 206, headers: { "content-range": "bytes 0-10499/20000" } }),
        empty({ status: 204 }),
        empty({ status: 304, headers: { etag: `"1"` } })
      ]
      const program = withRequest(({ url }) => Effect.succeed(responses[Number(url.slice(1))] ?? empty()))
      const { client } = yield* compressed(program)
      for (const [index, response] of responses.entries()) {
        const path = `/${index}`
        const plain = yield* fetch(client, { path })
        const asked = yield* fetch(client, { path, headers: { "accept-encoding": "gzip" } })
        assert.deepStrictEqual([asked.status, asked.text], [response.status, plain.text], path)
        assert.strictEqual(asked.headers["content-encoding"], response.headers["content-encoding"], path)
        assert.strictEqual(asked.headers["etag"], response.headers["etag"], path)
      }
    })
  )

  it.live("compressed content of requests is read as it was before", () =>
    Effect.gen(function* () {
      const maxDecompressedSize = ByteSize.fromInputUnsafe(20_000)
      const middleware = HttpMiddleware.decompression({ maxDecompressedSize })
      const program = withRequest((request) => Effect.map(request.text, (content) => text(content)))
      const { client } = yield* serve(way, program, { middleware })
      const post = (coding: string, content: Uint8Array) =>
        attempt(client, { method: "POST", content, headers: { "content-encoding": coding } })
      for (const [coding, encode] of [
        ["gzip", zlib.gzipSync],
        ["deflate", zlib.deflateSync]
      ] as const) {
        const { status, text: content } = yield* post(coding, encode(prose))
        assert.deepStrictEqual([status, content], [200, prose], coding)
      }
      assert.strictEqual((yield* post("gzip", zlib.gzipSync(prose.repeat(2)))).status, 413)
      assert.strictEqual((yield* post("gzip", Buffer.from("not gzip"))).status, 400)
      assert.strictEqual((yield* post("none-such", Buffer.from("?"))).status, 415)
    })
  )
})
