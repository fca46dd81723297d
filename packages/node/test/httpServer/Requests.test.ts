import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as IpNetwork from "effect/net/IpNetwork"
import * as Option from "effect/Option"
import { open } from "../support/Client.ts"
import { ask, nameOf, type Program, serve, versions, withRequest } from "../support/HttpPrograms.ts"
import { ways } from "../support/HttpSuiteWay.ts"

/** Answers with what a program finds about its request. */
const tell: Program = withRequest((request) =>
  Effect.succeed(
    HttpServerResponse.jsonUnsafe({
      method: request.method,
      url: request.url,
      originalUrl: request.originalUrl,
      href: Option.getOrUndefined(HttpServerRequest.toURL(request))?.href,
      headers: { ...request.headers },
      cookies: request.cookies,
      remoteAddress: Option.getOrNull(request.remoteAddress),
      peerAddress: Option.getOrNull(request.peerAddress)
    })
  )
)

const told = (text: string): Record<string, unknown> => JSON.parse(text)

for (const way of ways) {
  it.live(`a request by ${nameOf(way)} says what the client has asked for`, () =>
    Effect.gen(function* () {
      const { text } = yield* ask(way, tell, { method: "PUT", path: "/a%20b//c?d=%2F&d=2", headers: { "x-own": "1" } })
      const { headers, ...request } = told(text)
      const secure = way.over === "TLS"
      const host = secure ? "localhost" : "test"
      const address = way.over === "a Unix socket" ? null : "127.0.0.1"
      assert.deepStrictEqual(request, {
        method: "PUT",
        url: "/a%20b//c?d=%2F&d=2",
        originalUrl: `${secure ? "https" : "http"}://${host}/a%20b//c?d=%2F&d=2`,
        href: `${secure ? "https" : "http"}://${host}/a%20b//c?d=%2F&d=2`,
        cookies: {},
        remoteAddress: address,
        peerAddress: address
      })
      assert.nestedPropertyVal(headers, "x-own", "1")
      assert.nestedPropertyVal(headers, "host", host)
      assert.isEmpty(Object.keys(headers ?? {}).filter((name) => name.startsWith(":")))
    })
  )
}

describe.each(versions)("fields, HTTP/$version over $over", (way) => {
  it.live("that come several times are one, by Node's rules", () =>
    Effect.gen(function* () {
      const { text } = yield* ask(way, tell, {
        headers: { "x-list": ["1", "2"], cookie: ["a=1", "b=%20x", "c"], accept: ["text/html", "*/*"] }
      })
      const { cookies, headers } = told(text)
      assert.nestedPropertyVal(headers, "x-list", "1, 2")
      assert.nestedPropertyVal(headers, "accept", "text/html, */*")
      assert.nestedPropertyVal(headers, "cookie", "a=1; b=%20x; c")
      assert.deepStrictEqual(cookies, { a: "1", b: " x" })
    })
  )

  it.live("of a name that objects have are like others", () =>
    Effect.gen(function* () {
      const { text } = yield* ask(way, tell, { headers: { constructor: "c", tostring: "t" } })
      const { headers } = told(text)
      assert.deepInclude(headers, { constructor: "c", tostring: "t" })
    })
  )

  it.live("are replaced in views of a request, which share the rest", () =>
    Effect.gen(function* () {
      const seen: Array<HttpServerRequest.HttpServerRequest> = []
      const program = withRequest((request) => {
        const headers = Headers.fromInput({ cookie: "a=2" })
        const first = request.modify({ url: "/first", headers, protocol: "https", peerAddress: Option.none() })
        // What is not there may also be undefined, for programs whose compiler is not told to mind.
        const undefineds: object = { url: undefined, headers: undefined, protocol: undefined, peerAddress: undefined }
        const second = first.modify({ ...undefineds, remoteAddress: Option.some("10.0.0.1") })
        const third = second.modify({})
        seen.push(request, second, third)
        return Effect.map(Effect.all([third.text, second.text, request.text]), (texts) =>
          HttpServerResponse.text(texts.join(" "))
        )
      })
      const { text } = yield* ask(way, program, { method: "POST", content: "once", headers: { cookie: "b=1" } })
      assert.strictEqual(text, "once once once")
      const parts = seen.map(({ cookies, peerAddress, protocol, remoteAddress, url }) => ({
        url,
        cookies,
        protocol,
        remoteAddress: Option.getOrUndefined(remoteAddress),
        peerAddress: Option.getOrUndefined(peerAddress)
      }))
      const replaced = { url: "/first", cookies: { a: "2" }, protocol: "https" as const, peerAddress: undefined }
      const own = { remoteAddress: "127.0.0.1", peerAddress: "127.0.0.1" }
      assert.deepStrictEqual(parts, [
        { url: "/", cookies: { b: "1" }, protocol: undefined, ...own },
        { ...replaced, remoteAddress: "10.0.0.1" },
        { ...replaced, remoteAddress: "10.0.0.1" }
      ])
    })
  )
})

describe("HTTP/1.1", () => {
  const raw = (program: Program, request: string) =>
    Effect.gen(function* () {
      const { target } = yield* serve({ version: "1.1", over: "TCP" }, program)
      const client = yield* open("port" in target.address ? target.address.port : 0)
      client.send(request)
      yield* client.ended
      return told(client.body.toString())
    })

  it.live("a field that cannot be a list counts by its first line", () =>
    Effect.gen(function* () {
      const lines = ["Authorization: one", "Authorization: two", "User-Agent: a", "User-Agent: b", "__proto__: p"]
      const { headers } = yield* raw(
        tell,
        `GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n${lines.join("\r\n")}\r\n\r\n`
      )
      assert.nestedPropertyVal(headers, "authorization", "one")
      assert.nestedPropertyVal(headers, "user-agent", "a")
      assert.include(JSON.stringify(headers), `"__proto__":"p"`)
    })
  )

  it.live("a whole URL, as proxies are sent it, becomes path and host", () =>
    Effect.gen(function* () {
      const { headers, href, url } = yield* raw(
        tell,
        "GET http://other.example:81/a?b HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
      )
      assert.strictEqual(url, "/a?b")
      assert.strictEqual(href, "http://other.example:81/a?b")
      assert.nestedPropertyVal(headers, "host", "other.example:81")
    })
  )

  it.live("a request about the server itself has no path", () =>
    Effect.gen(function* () {
      const { method, url } = yield* raw(tell, "OPTIONS * HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
      assert.deepStrictEqual({ method, url }, { method: "OPTIONS", url: "*" })
    })
  )

  it.live("HTTP/1.0 without a host is served", () =>
    Effect.gen(function* () {
      const { headers, originalUrl, url } = yield* raw(tell, "GET /a HTTP/1.0\r\n\r\n")
      assert.deepStrictEqual({ headers, originalUrl, url }, { headers: {}, originalUrl: "/a", url: "/a" })
    })
  )
})

describe("behind a proxy", () => {
  const headers = {
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-host": "outside.example",
    "x-forwarded-proto": "https"
  }

  it.live("that Effect's middleware trusts, address, host and scheme are those of the client", () =>
    Effect.gen(function* () {
      const program = HttpMiddleware.xForwardedHeaders({ trustedProxies: [IpNetwork.fromStringUnsafe("127.0.0.0/8")] })(
        tell
      )
      const { text } = yield* ask({ version: "1.1", over: "TCP" }, program, { path: "/a", headers })
      const { href, remoteAddress } = told(text)
      assert.deepStrictEqual([remoteAddress, href], ["192.0.2.1", "https://outside.example/a"])
    })
  )

  it.live("that nobody trusts, nothing is", () =>
    Effect.gen(function* () {
      const { text } = yield* ask({ version: "1.1", over: "TCP" }, tell, { path: "/a", headers })
      const { href, remoteAddress } = told(text)
      assert.deepStrictEqual([remoteAddress, href], ["127.0.0.1", "http://test/a"])
    })
  )
})
