import { assert, describe, it } from "@effect/vitest"
import type { HttpScope } from "@pagi/core/Scope"
import type { MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import { hello, recorded } from "./support/Applications.ts"
import { finish, type HarnessOptions, makeHarness, turn } from "./support/DriverHarness.ts"
import { lines } from "./support/Machine.ts"

/** The scopes of the requests in these bytes. */
const scopesOf = (bytes: string, transportOptions?: MemoryTransportOptions, harnessOptions?: HarnessOptions) =>
  Effect.gen(function* () {
    const { application, scopes } = recorded(hello)
    const harness = yield* makeHarness(application, harnessOptions)
    const transport = harness.connect(transportOptions)
    transport.push(bytes)
    yield* turn
    yield* finish(harness, transport)
    return scopes
  }).pipe(Effect.scoped)

const only = (scopes: ReadonlyArray<HttpScope>): HttpScope => {
  const [scope] = scopes
  assert.strictEqual(scopes.length, 1)
  assert.isDefined(scope)
  return scope
}

/** Everything but the live objects. */
const plain = ({ connection: _, shuttingDown: __, transport: ___, ...values }: HttpScope): unknown => values

describe("the http scope", () => {
  it.effect("has exactly the properties of the contract", () =>
    Effect.gen(function* () {
      const bytes = lines("POST /a%20b/%C3%A9?x=%20y&z HTTP/1.1", "Host: a", "X-B: 1", "x-b: 2", "Content-Length: 0")
      const scope = only(
        yield* scopesOf(bytes, {}, { state: { db: "open" }, options: { extensions: { fullflush: {} } } })
      )
      assert.deepStrictEqual(plain(scope), {
        type: "http",
        pagi: { version: "0.3", specVersion: "0.3" },
        httpVersion: "1.1",
        scheme: "http",
        method: "POST",
        path: "/a b/é",
        rawPath: "/a%20b/%C3%A9",
        queryString: "x=%20y&z",
        rootPath: "",
        headers: [
          ["host", "a"],
          ["x-b", "1"],
          ["x-b", "2"],
          ["content-length", "0"]
        ],
        client: ["127.0.0.1", 54321],
        server: ["127.0.0.1", 5000],
        state: { db: "open" },
        extensions: { fullflush: {} },
        readiness: { isReady: true }
      })
      assert.deepStrictEqual(
        [scope.transport.bufferedAmount, scope.transport.highWaterMark, scope.transport.lowWaterMark],
        [0, 65_536, 16_384]
      )
      assert.isTrue(scope.connection.responseStarted)
      assert.isTrue(scope.connection.responseComplete)
      assert.isTrue(scope.connection.isConnected)
    })
  )

  it.effect("TLS makes the scheme https", () =>
    Effect.gen(function* () {
      assert.strictEqual(only(yield* scopesOf(lines("GET / HTTP/1.0"), { secure: true })).scheme, "https")
    })
  )

  it.effect("on a Unix socket there is no client, and the server is the socket's path", () =>
    Effect.gen(function* () {
      const unix = { client: undefined, server: ["/run/pagi.sock", null] } as const
      const scope = only(yield* scopesOf(lines("GET / HTTP/1.0"), unix))
      assert.isFalse("client" in scope)
      assert.deepStrictEqual(scope.server, ["/run/pagi.sock", null])
      assert.strictEqual(scope.httpVersion, "1.0")
    })
  )

  it.effect("of an absolute form: its authority is the host, its scheme is not trusted", () =>
    Effect.gen(function* () {
      const [scope, bare] = yield* scopesOf(
        lines("GET https://b.example:8080/x%2Fy?q HTTP/1.1", "Host: a") +
          lines("GET http://b.example?q HTTP/1.1", "Host: a")
      )
      assert.deepStrictEqual(
        [scope?.scheme, scope?.path, scope?.rawPath, scope?.queryString],
        ["http", "/x/y", "/x%2Fy", "q"]
      )
      assert.deepStrictEqual(scope?.headers, [["host", "b.example:8080"]])
      assert.deepStrictEqual([bare?.path, bare?.rawPath, bare?.queryString], ["/", "/", "q"])
    })
  )

  it.effect("of OPTIONS *: the path is the asterisk", () =>
    Effect.gen(function* () {
      const scope = only(yield* scopesOf(lines("OPTIONS * HTTP/1.1", "Host: a")))
      assert.deepStrictEqual([scope.method, scope.path, scope.rawPath, scope.queryString], ["OPTIONS", "*", "*", ""])
    })
  )

  it.effect("several Cookie fields are one, joined with a semicolon, at the place of the first", () =>
    Effect.gen(function* () {
      const bytes = lines("GET / HTTP/1.1", "Cookie: a=1", "Host: a", "cookie: b=2", "X: y", "COOKIE: c=3")
      assert.deepStrictEqual(only(yield* scopesOf(bytes)).headers, [
        ["cookie", "a=1; b=2; c=3"],
        ["host", "a"],
        ["x", "y"]
      ])
    })
  )

  it.effect("names like __proto__ are ordinary headers, and methods keep their case", () =>
    Effect.gen(function* () {
      const scope = only(yield* scopesOf(lines("get / HTTP/1.1", "Host: a", "__proto__: x", "constructor: y")))
      assert.strictEqual(scope.method, "get")
      assert.deepStrictEqual(scope.headers.slice(1), [
        ["__proto__", "x"],
        ["constructor", "y"]
      ])
    })
  )

  it.effect("a path that is not UTF-8 stays as its decoded bytes", () =>
    Effect.gen(function* () {
      assert.strictEqual(only(yield* scopesOf(lines("GET /%FF%E9 HTTP/1.1", "Host: a"))).path, "/\xff\xe9")
    })
  )

  it.effect("every exchange has a state of its own, which is a shallow copy", () =>
    Effect.gen(function* () {
      const shared = { hits: 1 }
      const state = { shared }
      const [first, second] = yield* scopesOf(lines("GET / HTTP/1.1", "Host: a").repeat(2), {}, { state })
      assert.notStrictEqual(first?.state, second?.state)
      assert.notStrictEqual(first?.state, state)
      assert.strictEqual(first?.state["shared"], shared)
      assert.strictEqual(second?.state["shared"], shared)
    })
  )

  it.effect("shuttingDown completes when the server begins to shut down", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const transport = harness.connect()
      transport.push(lines("GET / HTTP/1.1", "Host: a"))
      const scope = only(scopes)
      const waiting = yield* Effect.forkChild(scope.shuttingDown, { startImmediately: true })
      assert.isUndefined(waiting.pollUnsafe())
      yield* harness.server.beginShutdown
      yield* turn
      assert.isDefined(waiting.pollUnsafe())
      yield* finish(harness, transport)
    })
  )
})
