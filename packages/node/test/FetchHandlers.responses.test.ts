/** Responses of fetch handlers as clients see them, over both versions of HTTP. */
import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import { at, endless, isServed, plain, serveFetch, withErrors } from "./support/FetchServers.ts"
import { attempt, fetch as request } from "./support/HttpSuiteClient.ts"
import { answer, serve } from "./support/Server.ts"
import { mebibyte, pattern, settled } from "./support/Traffic.ts"
import { until } from "./support/Until.ts"

describe.each(plain)("a fetch handler over HTTP/$version", (way) => {
  describe("a response", () => {
    it.live("has a status, and fields of which several are cookies", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, () => {
          const headers = new Headers({ "X-A": "1" })
          headers.append("set-cookie", "a=1; Path=/")
          headers.append("set-cookie", "b=2")
          return new Response("Hello ä", { status: 418, headers })
        })
        const { headers, status, text } = yield* request(client)
        assert.deepStrictEqual([status, text, headers["x-a"]], [418, "Hello ä", "1"])
        assert.deepStrictEqual(headers["set-cookie"], ["a=1; Path=/", "b=2"])
        assert.strictEqual(headers["content-length"], "8")
        assert.isString(headers["date"])
      })
    )

    it.live.each([200, 204, 205, 304])("with status %s may be without content", (status) =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(
          way,
          at("/", () => new Response(null, { status, headers: { etag: '"a"' } }))
        )
        const exchange = yield* request(client)
        assert.deepStrictEqual([exchange.status, exchange.text, exchange.headers["etag"]], [status, "", '"a"'])
        assert.isUndefined(exchange.headers["content-type"])
        yield* isServed(client)
      })
    )

    it.live("to HEAD has no content", () =>
      Effect.gen(function* () {
        const { response, seen } = endless(pattern(1000))
        const { client } = yield* serveFetch(way, ({ url }) =>
          url.endsWith("/stream") ? response() : new Response("Hello", { headers: { "content-length": "5" } })
        )
        const exchange = yield* request(client, { method: "HEAD" })
        assert.deepStrictEqual([exchange.status, exchange.text, exchange.headers["content-length"]], [200, "", "5"])
        const stream = yield* request(client, { method: "HEAD", path: "/stream" })
        assert.deepStrictEqual([stream.status, stream.text, stream.headers["content-length"]], [200, "", undefined])
        yield* until("the stream is cancelled", () => seen.cancelled !== undefined)
        assert.isAtMost(seen.pieces, 1)
      })
    )

    it.live("is sent as it comes", () =>
      Effect.gen(function* () {
        let controller: ReadableStreamDefaultController<Uint8Array> | undefined
        const { client } = yield* serveFetch(
          way,
          () =>
            new Response(
              new ReadableStream({
                start: (given) => {
                  controller = given
                }
              })
            )
        )
        const exchange = client.begin({})
        yield* exchange.started
        assert.strictEqual(exchange.text, "")
        for (const text of ["one", "two"]) {
          controller?.enqueue(Buffer.from(text))
          yield* exchange.receives(text)
        }
        controller?.close()
        yield* exchange.ended
        assert.deepStrictEqual([exchange.text, exchange.outcome], ["onetwo", "complete"])
      })
    )

    it.live("can be the response of another server", () =>
      Effect.gen(function* () {
        const content = pattern(mebibyte)
        const upstream = yield* serve(PagiApp.make({ http: answer(content) }))
        const { client } = yield* serveFetch(way, () => fetch(`http://127.0.0.1:${upstream.port}/`))
        const exchange = yield* request(client)
        assert.strictEqual(Buffer.compare(exchange.content, content), 0)
      })
    )

    it.live("can be that of the same request to another server", () =>
      Effect.gen(function* () {
        const upstream = yield* serve(
          PagiApp.fromFetch(async (given) =>
            Response.json([given.method, given.headers.get("x-a"), await given.text()])
          )
        )
        const { client } = yield* serveFetch(way, (given) => {
          const { pathname } = new URL(given.url)
          const target = new Request(`http://127.0.0.1:${upstream.port}${pathname}`, given)
          target.headers.delete("host")
          return fetch(target)
        })
        const { text } = yield* request(client, {
          method: "PUT",
          path: "/a",
          headers: { "x-a": "1" },
          content: "Hello"
        })
        assert.deepStrictEqual(JSON.parse(text), ["PUT", "1", "Hello"])
      })
    )

    it.live("waits for a client that reads nothing", () =>
      Effect.gen(function* () {
        const { response, seen } = endless(pattern(16_384))
        const { client } = yield* serveFetch(way, response)
        const exchange = client.begin({})
        yield* exchange.started
        exchange.pause()
        yield* settled("the number of pieces", () => seen.pieces)
        const before = seen.pieces
        exchange.resume()
        yield* until("it goes on", () => seen.pieces > before + 100)
        exchange.abort()
        yield* until("the stream is cancelled", () => seen.cancelled !== undefined)
      })
    )

    it.live("of a stream that breaks is no complete one for the client", () =>
      withErrors((errors) =>
        Effect.gen(function* () {
          let fail = (): void => {}
          const { client } = yield* serveFetch(
            way,
            at(
              "/",
              () =>
                new Response(
                  new ReadableStream({
                    start: (controller) => {
                      controller.enqueue(Buffer.from("half"))
                      fail = () => controller.error(new Error("on purpose"))
                    }
                  })
                )
            )
          )
          const exchange = client.begin({})
          yield* exchange.receives("half")
          fail()
          yield* exchange.ended
          assert.deepStrictEqual([exchange.status, exchange.text, exchange.outcome], [200, "half", "failed"])
          assert.strictEqual(errors.length, 1, errors.join("\n"))
          assert.match(errors[0] ?? "", /Error .*on purpose/s)
          yield* isServed(client)
        })
      )
    )

    it.live("shorter than its content-length is no complete one for the client", () =>
      withErrors((errors) =>
        Effect.gen(function* () {
          const { client } = yield* serveFetch(
            way,
            at(
              "/",
              () => new Response(ReadableStream.from([Buffer.from("half")]), { headers: { "content-length": "8" } })
            )
          )
          const { outcome } = yield* attempt(client)
          assert.strictEqual(outcome, "failed")
          assert.match(errors.join("\n"), /the body ends 4 bytes before its content-length/)
          yield* isServed(client)
        })
      )
    )

    it.live("shorter than its content-length, and all there, is answered for with 500", () =>
      withErrors((errors) =>
        Effect.gen(function* () {
          const { client } = yield* serveFetch(
            way,
            at("/", () => new Response("half", { headers: { "content-length": "8" } }))
          )
          const { status } = yield* attempt(client)
          assert.strictEqual(status, 500)
          assert.match(errors.join("\n"), /the body ends 4 bytes before its content-length/)
          yield* isServed(client)
        })
      )
    )

    it.live("has others before it", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, (_given, info) => {
          info.informational(103, { link: "</a.css>; rel=preload" })
          return new Response("Hello")
        })
        const { informational, text } = yield* request(client)
        assert.strictEqual(text, "Hello")
        assert.deepStrictEqual(
          informational.map(({ headers, status }) => [status, headers["link"]]),
          [[103, "</a.css>; rel=preload"]]
        )
      })
    )
  })
})
