import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeHttpScope, makeSseScope, makeWebSocketScope } from "../../src/exchange/RequestScope.ts"
import { FakeHost, FakeSseHost } from "../support/FakeHost.ts"
import { FakeWebSocketHost } from "../support/FakeWebSocketHost.ts"

const head = {
  method: "PUT",
  path: "/a b",
  rawPath: "/a%20b",
  queryString: "c=%20",
  httpVersion: "1.0",
  headers: [["host", "example.org"]]
} as const

const source = {
  state: { database: { open: true } },
  shuttingDown: Effect.never,
  readiness: { isReady: true },
  options: { extensions: { fullflush: {} }, rootPath: "" }
}

/** A connection of which nothing is known. */
const plain = { client: undefined, server: undefined, secure: false, tls: undefined }

describe("makeHttpScope", () => {
  it("tells everything about the request", () => {
    const { exchange } = new FakeHost()
    const transport = {
      client: ["192.0.2.7", 50_000],
      server: ["192.0.2.1", 443],
      secure: true,
      tls: undefined
    } as const
    const scope = makeHttpScope(source, transport, head, exchange)
    assert.deepStrictEqual(scope, {
      ...head,
      type: "http",
      pagi: { version: "0.3", specVersion: "0.3" },
      scheme: "https",
      rootPath: "",
      client: ["192.0.2.7", 50_000],
      server: ["192.0.2.1", 443],
      state: { database: { open: true } },
      extensions: { fullflush: {} },
      transport: exchange.writeBuffer,
      connection: exchange.state,
      shuttingDown: Effect.never,
      readiness: source.readiness
    })
  })

  it("leaves out addresses that are not known", () => {
    const scope = makeHttpScope(source, plain, head, new FakeHost().exchange)
    assert.isFalse("client" in scope)
    assert.isFalse("server" in scope)
    assert.strictEqual(scope.scheme, "http")
  })

  it("gives every exchange a shallow copy of the state", () => {
    const scope = makeHttpScope(source, plain, head, new FakeHost().exchange)
    scope.state["own"] = true
    assert.deepStrictEqual(source.state, { database: { open: true } })
    assert.strictEqual(scope.state["database"], source.state.database)
  })
})

describe("makeSseScope", () => {
  it("has the method, but no connection state", () => {
    const { exchange } = new FakeSseHost()
    const scope = makeSseScope(source, plain, head, exchange)
    assert.deepStrictEqual(scope, {
      ...head,
      type: "sse",
      pagi: { version: "0.3", specVersion: "0.3" },
      scheme: "http",
      rootPath: "",
      state: { database: { open: true } },
      extensions: { fullflush: {} },
      transport: exchange.writeBuffer,
      shuttingDown: Effect.never,
      readiness: source.readiness
    })
  })
})

describe("makeWebSocketScope", () => {
  const { method: _, ...request } = head

  it("tells everything about the handshake, in which there is no method to tell", () => {
    const { exchange } = new FakeWebSocketHost(["soap", "chat"])
    const transport = {
      client: ["192.0.2.7", 50_000],
      server: ["/run/a", null],
      secure: false,
      tls: undefined
    } as const
    const scope = makeWebSocketScope(source, transport, head, exchange)
    assert.deepStrictEqual(scope, {
      ...request,
      type: "websocket",
      pagi: { version: "0.3", specVersion: "0.3" },
      scheme: "ws",
      rootPath: "",
      client: ["192.0.2.7", 50_000],
      server: ["/run/a", null],
      subprotocols: ["soap", "chat"],
      state: { database: { open: true } },
      extensions: { fullflush: {}, "websocket.http.response": {} },
      transport: exchange.writeBuffer,
      shuttingDown: Effect.never,
      readiness: source.readiness
    })
  })

  it("has the scheme wss and what is known of TLS over a secure connection", () => {
    const tls = {
      serverCert: null,
      clientCertChain: [],
      clientCertName: null,
      clientCertError: null,
      tlsVersion: 0x0304,
      cipherSuite: 0x1301
    }
    const scope = makeWebSocketScope(source, { ...plain, secure: true, tls }, head, new FakeWebSocketHost().exchange)
    assert.strictEqual(scope.scheme, "wss")
    assert.deepStrictEqual(scope.extensions, { fullflush: {}, tls, "websocket.http.response": {} })
    assert.isFalse("client" in scope)
    assert.isFalse("server" in scope)
    assert.deepStrictEqual(scope.subprotocols, [])
  })

  it("may always be refused by a response, whatever the operator has configured", () => {
    const extensions = { "x-own": { level: 3 } }
    const scope = makeWebSocketScope(
      { ...source, options: { extensions, rootPath: "" } },
      plain,
      head,
      new FakeWebSocketHost().exchange
    )
    assert.deepStrictEqual(scope.extensions, { "x-own": { level: 3 }, "websocket.http.response": {} })
    assert.deepStrictEqual(extensions, { "x-own": { level: 3 } })
  })

  it("has a shallow copy of the state", () => {
    const scope = makeWebSocketScope(source, plain, head, new FakeWebSocketHost().exchange)
    scope.state["own"] = true
    assert.deepStrictEqual(source.state, { database: { open: true } })
    assert.strictEqual(scope.state["database"], source.state.database)
  })
})
