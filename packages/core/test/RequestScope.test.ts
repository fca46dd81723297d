import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeHttpScope } from "../src/RequestScope.ts"
import { FakeHost } from "./support/FakeHost.ts"

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
  options: { extensions: { fullflush: {} } }
}

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
    const transport = { client: undefined, server: undefined, secure: false, tls: undefined }
    const scope = makeHttpScope(source, transport, head, new FakeHost().exchange)
    assert.isFalse("client" in scope)
    assert.isFalse("server" in scope)
    assert.strictEqual(scope.scheme, "http")
  })

  it("gives every exchange a shallow copy of the state", () => {
    const transport = { client: undefined, server: undefined, secure: false, tls: undefined }
    const scope = makeHttpScope(source, transport, head, new FakeHost().exchange)
    scope.state["own"] = true
    assert.deepStrictEqual(source.state, { database: { open: true } })
    assert.strictEqual(scope.state["database"], source.state.database)
  })
})
