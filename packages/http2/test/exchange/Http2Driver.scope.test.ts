import { assert, describe, it } from "@effect/vitest"
import type { MemoryTransportOptions } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import { hello, recorded } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Fields } from "./support/Frames.ts"
import type { RequestOptions } from "./support/Peer.ts"

/** The scope of this request. */
const scopeOf = (request: RequestOptions) =>
  Effect.gen(function* () {
    const { application, scopes } = recorded(hello)
    const harness = yield* makeHarness(application)
    const peer = harness.connect()
    const id = peer.request(request)
    if (request.more === true) peer.end(id)
    yield* turn
    yield* finish(harness, peer)
    const [scope] = scopes
    assert.strictEqual(scopes.length, 1)
    assert.isDefined(scope)
    return scope
  }).pipe(Effect.scoped)

describe("the http scope", () => {
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

  it.effect("a plain CONNECT is answered with 501", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.openId()
      peer.headers(
        id,
        [
          [":method", "CONNECT"],
          [":authority", "a:1"]
        ],
        true
      )
      yield* turn
      assert.strictEqual(peer.response(id).status, 501)
      assert.isTrue(peer.response(id).isComplete)
      assert.strictEqual(scopes.length, 0)
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
