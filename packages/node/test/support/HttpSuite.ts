/** What holds for an exchange whatever the version of HTTP, and whatever it goes over. */
import { assert, it } from "@effect/vitest"
import * as HeaderBlock from "@pagi/core/HeaderBlock"
import * as PagiApp from "@pagi/core/PagiApp"
import type { HttpHandler } from "@pagi/core/PagiApp"
import type { HttpScope } from "@pagi/core/Scope"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fetch } from "./HttpSuiteClient.ts"
import { serveHttpWay, serveWay, type Way } from "./HttpSuiteWay.ts"
import { answer } from "./Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { mebibyte, pattern } from "./Traffic.ts"
import { until } from "./Until.ts"

/** Sends back what comes, as it comes. */
export const echo: HttpHandler<unknown> = Effect.fnUntraced(function* (_scope, receive, send) {
  yield* send({ type: "http.response.start", status: 200 })
  for (let more = true; more;) {
    const event = yield* receive
    if (event.type === "http.disconnect") return
    more = event.more
    yield* send({ type: "http.response.body", body: event.body, more })
  }
})

/** Answers with the number of bytes of the request's content, when all of it has come. */
const count: HttpHandler<unknown> = Effect.fnUntraced(function* (scope, receive, send) {
  let length = 0
  for (let more = true; more;) {
    const event = yield* receive
    if (event.type === "http.disconnect") return
    length += event.body.length
    more = event.more
  }
  yield* answer(String(length))(scope, receive, send)
})

/** Answers with this status and these fields, and with a body although there may be no place for it. */
const respond =
  (status: number, headers: HeaderBlock.HeaderBlock = [], body = ""): HttpHandler<unknown> =>
  (_scope, _receive, send) =>
    Effect.andThen(send({ type: "http.response.start", status, headers }), send({ type: "http.response.body", body }))

/** Answers with a text, and notes the scopes. */
const noting =
  (scopes: Array<HttpScope>): HttpHandler<unknown> =>
  (scope, receive, send) => {
    scopes.push(scope)
    return answer("noted")(scope, receive, send)
  }

const pieces = (number: number, length: number) => Array.from({ length: number }, (_, index) => pattern(length, index))

/** What a request says arrives at the application. */
export const testRequests = (way: Way): void => {
  it.live("a GET tells the application what was asked for", () =>
    Effect.gen(function* () {
      const scopes: Array<HttpScope> = []
      const { client } = yield* serveHttpWay(way, noting(scopes))
      const { headers, status, text } = yield* fetch(client, { path: "/a/b" })
      assert.strictEqual(status, 200)
      assert.strictEqual(text, "noted")
      assert.strictEqual(headers["content-length"], "5")
      assert.match(String(headers["date"]), /GMT$/)
      const [scope] = scopes
      assert.strictEqual(scope?.httpVersion, way.version)
      assert.strictEqual(scope?.method, "GET")
      assert.strictEqual(scope?.scheme, way.over === "TLS" ? "https" : "http")
      assert.strictEqual(HeaderBlock.get(scope?.headers ?? [], "host"), way.over === "TLS" ? "localhost" : "test")
      assert.strictEqual(scope?.client?.[0], way.over === "a Unix socket" ? undefined : "127.0.0.1")
    })
  )

  it.live("paths are decoded, and queries are not", () =>
    Effect.gen(function* () {
      const scopes: Array<HttpScope> = []
      const { client } = yield* serveHttpWay(way, noting(scopes))
      for (const path of ["/a%20b/%C3%A9?x=%20y&z", "/%FF", "/?", "//a/../b"]) yield* fetch(client, { path })
      assert.deepStrictEqual(
        scopes.map(({ path, queryString, rawPath }) => [path, rawPath, queryString]),
        [
          ["/a b/é", "/a%20b/%C3%A9", "x=%20y&z"],
          ["/\xff", "/%FF", ""],
          ["/", "/", ""],
          ["//a/../b", "//a/../b", ""]
        ]
      )
    })
  )

  it.live("a path that cannot be decoded is refused with 400, and the next request is served", () =>
    Effect.gen(function* () {
      const { client } = yield* serveHttpWay(way, answer("served"))
      assert.strictEqual((yield* fetch(client, { path: "/%zz" })).status, 400)
      assert.strictEqual((yield* fetch(client)).text, "served")
    })
  )

  it.live("methods arrive as they are", () =>
    Effect.gen(function* () {
      const scopes: Array<HttpScope> = []
      const { client } = yield* serveHttpWay(way, noting(scopes))
      const methods = ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]
      for (const method of methods) yield* fetch(client, { method })
      assert.deepStrictEqual(
        scopes.map(({ method }) => method),
        methods
      )
    })
  )

  it.live("fields that come more than once stay apart, and cookies are one", () =>
    Effect.gen(function* () {
      const scopes: Array<HttpScope> = []
      const { client } = yield* serveHttpWay(way, noting(scopes))
      const headers = { "x-twice": ["1", "2"], cookie: ["a=1", "b=2; c=3"], "x-bytes": "\xe9\t~", "x-empty": "" }
      yield* fetch(client, { headers })
      const all = scopes[0]?.headers ?? []
      const values = (wanted: string) => all.filter(([name]) => name === wanted).map(([, value]) => value)
      assert.deepStrictEqual(values("x-twice"), ["1", "2"])
      assert.deepStrictEqual(values("cookie"), ["a=1; b=2; c=3"])
      assert.deepStrictEqual(values("x-bytes"), ["\xe9\t~"])
      assert.deepStrictEqual(values("x-empty"), [""])
    })
  )

  for (const size of [0, 1, 1024, mebibyte]) {
    it.live(`a content of ${size} bytes is echoed`, () =>
      Effect.gen(function* () {
        const { client } = yield* serveHttpWay(way, echo)
        const content = pattern(size)
        const { content: echoed, status } = yield* fetch(client, { method: "POST", content })
        assert.strictEqual(status, 200)
        assert.isTrue(echoed.equals(content))
      })
    )
  }

  it.live("a content of a length that is not told is echoed", () =>
    Effect.gen(function* () {
      const scopes: Array<HttpScope> = []
      const { client } = yield* serveHttpWay(way, (scope, receive, send) => {
        scopes.push(scope)
        return echo(scope, receive, send)
      })
      const content = pieces(20, 30_001)
      const exchange = yield* fetch(client, { method: "POST", content })
      assert.isTrue(exchange.content.equals(Buffer.concat(content)))
      assert.strictEqual(HeaderBlock.get(scopes[0]?.headers ?? [], "content-length"), undefined)
    })
  )

  it.live("trailers of a request end its content, of which they are no part", () =>
    Effect.gen(function* () {
      const { client } = yield* serveHttpWay(way, count)
      const content = pieces(3, 1000)
      const { text } = yield* fetch(client, { method: "POST", content, trailers: { "x-sum": "1" } })
      assert.strictEqual(text, "3000")
    })
  )

  it.live("a client that waits for 100 (Continue) gets it when the application receives", () =>
    Effect.gen(function* () {
      const { client } = yield* serveHttpWay(way, (scope, receive, send) =>
        scope.path === "/no" ? respond(403, [], "no")(scope, receive, send) : count(scope, receive, send)
      )
      const request = { method: "POST", headers: { expect: "100-continue" }, content: pattern(5000) }
      const { status, text } = yield* fetch(client, request)
      assert.deepStrictEqual([status, text], [200, "5000"])
      const refused = client.begin({ ...request, path: "/no" })
      yield* refused.started
      assert.strictEqual(refused.status, 403)
      yield* refused.receives("no")
      refused.abort()
      assert.strictEqual((yield* fetch(client, request)).text, "5000")
    })
  )

  it.live("50 requests run at the same time", () =>
    Effect.gen(function* () {
      const number = 50
      let arrived = 0
      const { client } = yield* serveHttpWay(way, (scope, receive, send) =>
        Effect.gen(function* () {
          arrived++
          yield* until("all have arrived", () => arrived === number)
          yield* answer(scope.path)(scope, receive, send)
        })
      )
      const paths = Array.from({ length: number }, (_, index) => `/${index}`)
      const exchanges = yield* Effect.forEach(paths, (path) => fetch(client, { path }), { concurrency: number })
      assert.deepStrictEqual(
        exchanges.map(({ text }) => text),
        paths
      )
    })
  )
}

/** What the application sends arrives at the client. */
export const testResponses = (way: Way): void => {
  it.live("pieces arrive while the application goes on", () =>
    Effect.gen(function* () {
      const mayGoOn = Latch.makeUnsafe()
      const { client } = yield* serveHttpWay(
        way,
        Effect.fnUntraced(function* (_scope, _receive, send) {
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: "one ", more: true })
          yield* mayGoOn.await
          yield* send({ type: "http.response.body", body: "two ", more: true })
          yield* Effect.yieldNow
          yield* send({ type: "http.response.body" })
        })
      )
      const exchange = client.begin({})
      yield* exchange.receives("one ")
      assert.strictEqual(exchange.outcome, undefined)
      assert.strictEqual(exchange.headers["content-length"], undefined)
      yield* mayGoOn.open
      yield* exchange.ended
      assert.strictEqual(exchange.text, "one two ")
      assert.strictEqual(exchange.outcome, "complete")
    })
  )

  it.live("20 MiB arrive as they were sent, also when the client pauses", () =>
    Effect.gen(function* () {
      const content = pattern(20 * mebibyte)
      const { client } = yield* serveHttpWay(way, answer(content))
      const exchange = client.begin({})
      yield* exchange.started
      for (let pause = 1; pause <= 10; pause++) {
        yield* until("more arrives", () => exchange.received > pause * 100_000)
        exchange.pause()
        yield* Effect.sleep("5 millis")
        exchange.resume()
      }
      yield* exchange.ended
      assert.strictEqual(exchange.outcome, "complete")
      assert.isTrue(exchange.content.equals(content))
    })
  )

  it.live("HEAD gets the head of what GET would get", () =>
    Effect.gen(function* () {
      const { client } = yield* serveHttpWay(way, answer("content"))
      const { content, headers, status } = yield* fetch(client, { method: "HEAD" })
      assert.deepStrictEqual([status, headers["content-length"], content.length], [200, "7", 0])
      assert.strictEqual((yield* fetch(client)).text, "content")
    })
  )

  for (const status of [204, 205, 304]) {
    it.live(`${status} has no content, whatever the application sends`, () =>
      Effect.gen(function* () {
        const { client } = yield* serveHttpWay(way, respond(status, [["etag", '"1"']], "content"))
        for (let time = 0; time < 2; time++) {
          const exchange = yield* fetch(client)
          assert.deepStrictEqual([exchange.status, exchange.headers["etag"]], [status, '"1"'])
          assert.strictEqual(exchange.content.length, 0)
        }
      })
    )
  }

  it.live("other statuses have content and the application's fields", () =>
    Effect.gen(function* () {
      const headers = [
        ["X-Twice", "1"],
        ["x-twice", "2"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2; Path=/"],
        ["x-bytes", "\xe9"],
        ["content-type", "text/plain"]
      ] as const
      const { client } = yield* serveHttpWay(way, respond(404, headers, "nothing here"))
      const exchange = yield* fetch(client)
      assert.deepStrictEqual([exchange.status, exchange.text], [404, "nothing here"])
      assert.strictEqual(exchange.headers["x-twice"], "1, 2")
      assert.deepStrictEqual(exchange.headers["set-cookie"], ["a=1", "b=2; Path=/"])
      assert.strictEqual(exchange.headers["x-bytes"], "\xe9")
      assert.strictEqual(exchange.headers["content-type"], "text/plain")
    })
  )

  it.live("103 (Early Hints) precede the response", () =>
    Effect.gen(function* () {
      const link = "</style.css>; rel=preload"
      const { client } = yield* serveHttpWay(way, (scope, receive, send) =>
        Effect.andThen(
          send({ type: "http.response.informational", status: 103, headers: [["link", link]] }),
          answer("page")(scope, receive, send)
        )
      )
      const { informational, status, text } = yield* fetch(client)
      assert.deepStrictEqual(informational, [{ status: 103, headers: { link } }])
      assert.deepStrictEqual([status, text], [200, "page"])
    })
  )

  for (const body of ["content", ""]) {
    it.live(`trailers follow ${body || "nothing"}`, () =>
      Effect.gen(function* () {
        const { client } = yield* serveHttpWay(
          way,
          Effect.fnUntraced(function* (_scope, _receive, send) {
            yield* send({ type: "http.response.start", status: 200, trailers: true })
            yield* send({ type: "http.response.body", body })
            const headers = [
              ["x-sum", "7"],
              ["content-length", "3"]
            ] as const
            yield* send({ type: "http.response.trailers", headers })
          })
        )
        for (let time = 0; time < 2; time++) {
          const { text, trailers } = yield* fetch(client)
          assert.strictEqual(text, body)
          assert.deepStrictEqual(trailers, { "x-sum": "7" }, "a length is no trailer")
        }
      })
    )
  }

  it.live("files arrive, whole and in part", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const file = join(folder, "file")
      const content = pattern(mebibyte)
      writeFileSync(file, content)
      const { client } = yield* serveHttpWay(way, ({ path }, _receive, send) =>
        Effect.andThen(
          send({ type: "http.response.start", status: 200 }),
          send({ type: "http.response.body", file, ...(path === "/part" ? { offset: 1000, length: 300_000 } : {}) })
        )
      )
      const whole = yield* fetch(client)
      assert.strictEqual(whole.headers["content-length"], String(mebibyte))
      assert.isTrue(whole.content.equals(content))
      const part = yield* fetch(client, { path: "/part" })
      assert.isTrue(part.content.equals(content.subarray(1000, 301_000)))
      const head = yield* fetch(client, { method: "HEAD" })
      assert.deepStrictEqual([head.headers["content-length"], head.received], [String(mebibyte), 0])
    })
  )

  it.live("events of a stream arrive as they are sent", () =>
    Effect.gen(function* () {
      const mayGoOn = Latch.makeUnsafe()
      const application = PagiApp.make({
        sse: Effect.fnUntraced(function* (scope, _receive, send) {
          assert.strictEqual(scope.httpVersion, way.version)
          yield* send({ type: "sse.start" })
          yield* send({ type: "sse.send", event: "count", id: "1", data: "one\ntwo" })
          yield* mayGoOn.await
          yield* send({ type: "sse.send", data: "three" })
        })
      })
      const { client } = yield* serveWay(way, application)
      const exchange = client.begin({ headers: { accept: "text/event-stream" } })
      const first = "event: count\nid: 1\ndata: one\ndata: two\n\n"
      yield* exchange.receives(first)
      assert.strictEqual(exchange.headers["content-type"], "text/event-stream")
      yield* mayGoOn.open
      yield* exchange.ended
      assert.strictEqual(exchange.outcome, "complete")
      assert.strictEqual(exchange.text, `${first}data: three\n\n`)
    })
  )
}
