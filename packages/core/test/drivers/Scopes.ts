/** What scopes say of a request, and which requests never become one. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { HttpScope } from "../../src/contract/Scope.ts"
import type { TlsExtension } from "../../src/contract/TlsExtension.ts"
import { hello, recorded } from "./support/Applications.ts"
import type { ClientTransportOptions } from "./support/ClientTransport.ts"
import { ask, assertCost, finish, type HarnessOptions, makeHarness, outcomes, turn } from "./support/Harness.ts"
import type { RequestOptions, Version } from "./support/Version.ts"

const tls: TlsExtension = {
  serverCert: null,
  clientCertChain: [],
  clientCertName: null,
  clientCertError: null,
  tlsVersion: 0x0304,
  cipherSuite: 0x1301
}

/** Everything but the live objects. */
const plain = ({ connection: _, shuttingDown: __, transport: ___, ...values }: HttpScope): unknown => values

export const testScopes = (version: Version): void => {
  const scopeOf = (request: RequestOptions, transport?: ClientTransportOptions, options?: HarnessOptions) =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(version, application, options)
      const { client } = yield* ask(harness, request, transport)
      yield* finish(harness, client)
      const [scope] = scopes
      assert.strictEqual(scopes.length, 1)
      assert.isDefined(scope)
      return scope
    }).pipe(Effect.scoped)

  it.effect("has exactly the properties of the contract", () =>
    Effect.gen(function* () {
      const scope = yield* scopeOf(
        {
          method: "POST",
          path: "/a%20b/%C3%A9?x=%20y&z",
          authority: "a:5000",
          fields: [
            ["x-b", "1"],
            ["x-b", "2"],
            ["content-length", "0"]
          ]
        },
        {},
        { state: { db: "open" }, options: { extensions: { fullflush: {} } } }
      )
      assert.deepStrictEqual(plain(scope), {
        type: "http",
        pagi: { version: "0.3", specVersion: "0.3" },
        httpVersion: version.httpVersion,
        scheme: "http",
        method: "POST",
        path: "/a b/é",
        rawPath: "/a%20b/%C3%A9",
        queryString: "x=%20y&z",
        rootPath: "",
        headers: [
          ["host", "a:5000"],
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
      const { bufferedAmount, highWaterMark, lowWaterMark } = scope.transport
      assert.deepStrictEqual([bufferedAmount, highWaterMark, lowWaterMark], [0, 65_536, 16_384])
      assert.isTrue(scope.connection.responseStarted)
      assert.isTrue(scope.connection.responseComplete)
      assert.isTrue(scope.connection.isConnected)
    })
  )

  it.effect("over TLS has the scheme https, and the extension tls beside those of the server", () =>
    Effect.gen(function* () {
      const secure = yield* scopeOf({}, { tls })
      assert.deepStrictEqual([secure.scheme, secure.extensions], ["https", { fullflush: {}, tls }])
      const plain = yield* scopeOf({})
      assert.deepStrictEqual([plain.scheme, plain.extensions], ["http", { fullflush: {} }])
    })
  )

  it.effect("on a Unix socket has no client, and the socket's path as the server", () =>
    Effect.gen(function* () {
      const scope = yield* scopeOf({}, { client: undefined, server: ["/run/pagi.sock", null] })
      assert.isFalse("client" in scope)
      assert.deepStrictEqual(scope.server, ["/run/pagi.sock", null])
    })
  )

  it.effect("has several cookie fields as one, joined with a semicolon, at the place of the first", () =>
    Effect.gen(function* () {
      const scope = yield* scopeOf({
        fields: [
          ["cookie", "a=1"],
          ["x", "1"],
          ["cookie", "b=2; c=3"],
          ["cookie", "d=4"]
        ]
      })
      assert.deepStrictEqual(scope.headers, [
        ["host", "a"],
        ["cookie", "a=1; b=2; c=3; d=4"],
        ["x", "1"]
      ])
    })
  )

  it.effect("has values as bytes, and te: trailers", () =>
    Effect.gen(function* () {
      const fields = [
        ["te", "trailers"],
        ["x", "\u00e9\t\u00ff"],
        ["x-empty", ""]
      ] as const
      assert.deepStrictEqual((yield* scopeOf({ fields })).headers, [["host", "a"], ...fields])
    })
  )

  it.effect("has names like __proto__ as ordinary ones, and methods as they are", () =>
    Effect.gen(function* () {
      const fields = [
        ["__proto__", "x"],
        ["constructor", "y"]
      ] as const
      const scope = yield* scopeOf({ method: "get", fields })
      assert.strictEqual(scope.method, "get")
      assert.deepStrictEqual(scope.headers.slice(1), [...fields])
    })
  )

  it.effect("has a path that is not UTF-8 as its decoded bytes", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* scopeOf({ path: "/%FF%E9" })).path, "/\xff\xe9")
    })
  )

  it.effect("has the asterisk as the path of OPTIONS *", () =>
    Effect.gen(function* () {
      const { method, path, queryString, rawPath } = yield* scopeOf({ method: "OPTIONS", path: "*" })
      assert.deepStrictEqual([method, path, rawPath, queryString], ["OPTIONS", "*", "*", ""])
    })
  )

  it.effect("has a state of its own, which is a shallow copy", () =>
    Effect.gen(function* () {
      const shared = { hits: 1 }
      const state = { shared }
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(version, application, { state })
      const { client } = yield* ask(harness)
      client.request()
      yield* turn
      const [first, second] = scopes
      assert.notStrictEqual(first?.state, second?.state)
      assert.notStrictEqual(first?.state, state)
      assert.strictEqual(first?.state["shared"], shared)
      assert.strictEqual(second?.state["shared"], shared)
      yield* finish(harness, client)
    })
  )

  it.effect("is told by shuttingDown when the server begins to shut down", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(version, application)
      const { client } = yield* ask(harness)
      const waiting = yield* Effect.forkChild(scopes[0]?.shuttingDown ?? Effect.void, { startImmediately: true })
      assert.isUndefined(waiting.pollUnsafe())
      yield* harness.server.beginShutdown
      yield* turn
      assert.isDefined(waiting.pollUnsafe())
      yield* finish(harness, client)
    })
  )

  for (const [what, request, status] of [
    ["with a NUL in its path", { path: "/%00" }, 400],
    ["with an expectation that is not known", { fields: [["expect", "wonders"]] }, 417]
  ] as const) {
    it.effect(`is not there for a request ${what}, which is answered with ${status}`, () =>
      Effect.gen(function* () {
        const { application, scopes } = recorded(hello)
        const harness = yield* makeHarness(version, application)
        const { client, exchange } = yield* ask(harness, request)
        assert.deepInclude(exchange.response, { status, state: "complete" })
        assert.deepStrictEqual(scopes, [])
        assert.deepStrictEqual(outcomes(harness), [`${status} protocol_error`])
        assertCost(harness, client)
        yield* finish(harness, client)
      })
    )
  }

  it.effect("is not there for a request for another host than the certificate's, which is answered with 421", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(version, application)
      const client = harness.connect({ tls, expectedHost: "a.test" })
      const right = client.request({ authority: "A.test:443" })
      const wrong = client.request({ method: "POST", authority: "b.test", more: true })
      wrong.end("abc")
      yield* turn
      assert.strictEqual(right.response.status, 200)
      assert.deepInclude(wrong.response, { status: 421, state: "complete", body: "misdirected request\n" })
      assert.strictEqual(scopes.length, 1)
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )
}
