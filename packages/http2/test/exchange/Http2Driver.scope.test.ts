import { assert, describe, it } from "@effect/vitest"
import type { HttpScope } from "@pagi/core/Scope"
import type { MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import type { TestServerOptions } from "@pagi/core/testing/TestServer"
import * as Effect from "effect/Effect"
import { hello, recorded } from "./support/Applications.ts"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Fields } from "./support/Frames.ts"
import type { RequestOptions } from "./support/Peer.ts"

/** The scope of this request. */
const scopeOf = (request: RequestOptions, transport?: MemoryTransportOptions, server?: TestServerOptions) =>
  Effect.gen(function* () {
    const { application, scopes } = recorded(hello)
    const harness = yield* makeHarness(application, server)
    const peer = harness.connect(transport)
    const id = peer.request(request)
    if (request.more === true) peer.end(id)
    yield* turn
    yield* finish(harness, peer)
    const [scope] = scopes
    assert.strictEqual(scopes.length, 1)
    assert.isDefined(scope)
    return scope
  }).pipe(Effect.scoped)

/** Everything but the live objects. */
const plain = ({ connection: _, shuttingDown: __, transport: ___, ...values }: HttpScope): unknown => values

describe("the http scope", () => {
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
        httpVersion: "2",
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
      assert.deepStrictEqual(
        [scope.transport.bufferedAmount, scope.transport.highWaterMark, scope.transport.lowWaterMark],
        [0, 65_536, 16_384]
      )
      assert.isTrue(scope.connection.responseStarted)
      assert.isTrue(scope.connection.responseComplete)
      assert.isTrue(scope.connection.isConnected)
    })
  )

  it.effect("has :authority as host, once, also when the client sends both", () =>
    Effect.gen(function* () {
      const scope = yield* scopeOf({
        authority: "Example.org",
        fields: [
          ["x", "1"],
          ["host", "example.org"]
        ]
      })
      assert.deepStrictEqual(
        scope.headers.filter(([name]) => name === "host"),
        [["host", "Example.org"]]
      )
      assert.isFalse(scope.headers.some(([name]) => name.startsWith(":")))
    })
  )

  it.effect("has the cookies of all crumbs as one field, where the first was", () =>
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

  it.effect("has the scheme of the transport, whatever :scheme says", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* scopeOf({}, { secure: true })).scheme, "https")
      assert.strictEqual((yield* scopeOf({}, { secure: false })).scheme, "http")
    })
  )

  it.effect("has values as bytes, and te: trailers", () =>
    Effect.gen(function* () {
      const scope = yield* scopeOf({
        fields: [
          ["te", "trailers"],
          ["x", "\u00e9\u00ff"]
        ]
      })
      assert.deepStrictEqual(scope.headers, [
        ["host", "a"],
        ["te", "trailers"],
        ["x", "\u00e9\u00ff"]
      ])
    })
  )

  it.effect("on a Unix socket has no client, and the socket's path as the server", () =>
    Effect.gen(function* () {
      const scope = yield* scopeOf({}, { client: undefined, server: ["/run/pagi.sock", null] })
      assert.isFalse("client" in scope)
      assert.deepStrictEqual(scope.server, ["/run/pagi.sock", null])
    })
  )

  it.effect("is that of an ordinary request without content behind a first frame that promised some", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* scopeOf({ method: "DELETE", more: true })).method, "DELETE")
    })
  )
})

describe("what is no request", () => {
  it.effect("reaches no application, and costs its stream only", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const bad = [
        peer.request({ fields: [["Upper", "x"]] }),
        peer.request({ fields: [["connection", "close"]] }),
        peer.request({ fields: [["te", "gzip"]] }),
        peer.request({ fields: [[":late", "x"]] }),
        peer.request({ fields: [["host", "other"]] }),
        peer.request({ fields: [["x", "a\nb"]] }),
        peer.request({ path: "" })
      ]
      const good = peer.request({ path: "/good" })
      yield* turn
      for (const id of bad) assert.strictEqual(peer.response(id).reset, "PROTOCOL_ERROR")
      assert.strictEqual(peer.response(good).body, "hello /good")
      assert.strictEqual(scopes.length, 1)
      yield* finish(harness, peer)
    })
  )

  for (const [name, request, status] of [
    ["a plain CONNECT", undefined, 501],
    ["a NUL in the path", { path: "/%00" }, 400],
    ["an unknown expectation", { fields: [["expect", "wonders"]] }, 417]
  ] as const) {
    it.effect(`${name} is answered with ${status}`, () =>
      Effect.gen(function* () {
        const { application, scopes } = recorded(hello)
        const harness = yield* makeHarness(application)
        const peer = harness.connect()
        let id: number
        if (request === undefined) {
          id = peer.openId()
          peer.headers(
            id,
            [
              [":method", "CONNECT"],
              [":authority", "a:1"]
            ],
            true
          )
        } else id = peer.request(request)
        yield* turn
        assert.strictEqual(peer.response(id).status, status)
        assert.isTrue(peer.response(id).isComplete)
        assert.strictEqual(scopes.length, 0)
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("a request for another host than the certificate's is answered with 421", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const peer = harness.connect({ expectedHost: "a" })
      const wrong = peer.request({ authority: "b" })
      const right = peer.request({ authority: "A" })
      yield* turn
      assert.strictEqual(peer.response(wrong).status, 421)
      assert.strictEqual(peer.response(right).status, 200)
      assert.strictEqual(scopes.length, 1)
      yield* finish(harness, peer)
    })
  )
})

const unix: MemoryTransportOptions = { client: undefined, server: ["/run/app.sock", null] }

describe("a request without the name of a host", () => {
  const get: Fields = [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"]
  ]
  const connect: Fields = [
    [":method", "CONNECT"],
    [":authority", ""]
  ]
  const cases: ReadonlyArray<readonly [what: string, fields: Fields, hosts: Fields]> = [
    ["no :authority", get, []],
    ["an empty :authority", [...get, [":authority", ""]], [["host", ""]]],
    ["an empty host", [...get, ["host", ""]], [["host", ""]]],
    ["both of them empty", [...get, [":authority", ""], ["host", ""]], [["host", ""]]]
  ]
  /** The status of the answer, or how the stream was reset, and the fields named host that the application has seen. */
  const ask = (fields: Fields, transport?: MemoryTransportOptions) =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const peer = harness.connect(transport)
      peer.headers(1, fields, true)
      yield* turn
      const { reset, status } = peer.response(1)
      yield* finish(harness, peer)
      const hosts: Fields | undefined = scopes[0]?.headers.filter(([name]) => name === "host")
      return { outcome: status ?? reset, hosts }
    }).pipe(Effect.scoped)

  for (const [what, fields, hosts] of cases) {
    it.effect(`is served on a Unix socket: ${what}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* ask(fields, unix), { outcome: 200, hosts })
      })
    )

    it.effect(`is malformed elsewhere: ${what}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* ask(fields), { outcome: "PROTOCOL_ERROR", hosts: undefined })
      })
    )

    it.effect(`is for none that a certificate was shown for: ${what}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* ask(fields, { ...unix, expectedHost: "a" }), { outcome: 421, hosts: undefined })
      })
    )
  }

  for (const [what, fields] of [
    ["two that differ", [...get, [":authority", ""], ["host", "a"]]],
    ["one that is not valid", [...get, [":authority", "a b"]]],
    ["CONNECT without one", connect]
  ] as ReadonlyArray<readonly [string, Fields]>) {
    it.effect(`is malformed on a Unix socket as everywhere: ${what}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* ask(fields, unix), { outcome: "PROTOCOL_ERROR", hosts: undefined })
      })
    )
  }

  it.effect("keeps the host that a client names on a Unix socket", () =>
    Effect.gen(function* () {
      const hosts: Fields = [["host", "localhost"]]
      assert.deepStrictEqual(yield* ask([...get, [":authority", "localhost"]], unix), { outcome: 200, hosts })
    })
  )
})
