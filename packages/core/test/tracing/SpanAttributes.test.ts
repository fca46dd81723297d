import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import { NativeSpan } from "effect/Tracer"
import * as SpanAttributes from "../../src/tracing/SpanAttributes.ts"

const request: SpanAttributes.TracedRequest = {
  method: "GET",
  rawPath: "/a%20b",
  queryString: "",
  httpVersion: "1.1",
  headers: [["host", "example.com"]]
}
const connection: SpanAttributes.TracedConnection = { client: ["::1", 1234], server: ["10.0.0.1", 5000], secure: false }

/** It remembers what was asked for last, so one is used for all. */
const attributes = new SpanAttributes.RequestAttributes(["token", /^x-/])

const attributesOf = (
  parts: Partial<SpanAttributes.TracedRequest>,
  way: Partial<SpanAttributes.TracedConnection> = {}
): Record<string, unknown> => {
  const span = new NativeSpan({
    name: "",
    parent: Option.none(),
    annotations: Context.empty(),
    links: [],
    startTime: 0n,
    kind: "server",
    sampled: true
  })
  attributes.setRequest(span, { ...request, ...parts }, { ...connection, ...way })
  return Object.fromEntries(span.attributes)
}

const host = (value: string) => ({ headers: [["host", value]] as const })

describe("the attributes of a request", () => {
  it("are those of the semantic conventions", () => {
    assert.deepStrictEqual(attributesOf({}), {
      "http.request.method": "GET",
      "url.path": "/a%20b",
      "url.scheme": "http",
      "server.address": "example.com",
      "server.port": 80,
      "client.address": "::1",
      "client.port": 1234,
      "network.peer.address": "::1",
      "network.peer.port": 1234,
      "network.protocol.name": "http",
      "network.protocol.version": "1.1"
    })
  })

  it("tell where the client wanted to go", () => {
    const serverOf = (...given: Parameters<typeof attributesOf>) => {
      const attributes = attributesOf(...given)
      return [attributes["server.address"], attributes["server.port"]]
    }
    assert.deepStrictEqual(serverOf(host("a:8080")), ["a", 8080])
    assert.deepStrictEqual(serverOf(host("a:")), ["a", 80])
    assert.deepStrictEqual(serverOf(host("[::1]:81")), ["::1", 81])
    assert.deepStrictEqual(serverOf(host("[::1]"), { secure: true }), ["::1", 443])
    assert.deepStrictEqual(serverOf({ headers: [] }), ["10.0.0.1", 5000])
    assert.deepStrictEqual(serverOf(host("")), ["10.0.0.1", 5000])
    assert.deepStrictEqual(serverOf({ headers: [] }, { server: ["/run/a.sock", null] }), ["/run/a.sock", undefined])
    assert.deepStrictEqual(serverOf({ headers: [] }, { server: undefined }), [undefined, undefined])
  })

  it("leave out what shall not be seen, and what is not known", () => {
    const { "url.query": query } = attributesOf({ queryString: "a=1&token=secret&x-y=secret&b" })
    assert.strictEqual(query, "a=1&token=REDACTED&x-y=REDACTED&b")
    const onSocket = attributesOf({}, { client: undefined, secure: true })
    assert.notProperty(onSocket, "client.address")
    assert.notProperty(onSocket, "network.peer.address")
    assert.strictEqual(onSocket["url.scheme"], "https")
  })

  it("do not let clients make up methods", () => {
    const { "http.request.method": method, "http.request.method_original": original } = attributesOf({ method: "BREW" })
    assert.deepStrictEqual([method, original], ["_OTHER", "BREW"])
    assert.strictEqual(SpanAttributes.nameOf({ method: "BREW" }), "HTTP")
    assert.strictEqual(SpanAttributes.nameOf({ method: "PATCH" }), "PATCH")
  })
})
