import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { CurrentLogAnnotations } from "effect/References"
import * as Annotations from "../../src/exchange/Annotations.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import type { Scope } from "../../src/contract/Scope.ts"
import * as TestClient from "../../src/testing/TestClient.ts"

/** A scope as far as the annotations look at it. */
const scopeOf = (parts: object) => parts as Scope

describe("the annotations of an exchange", () => {
  it("tell method, path, protocol, client and worker", () => {
    const common = { path: "/a b", client: ["10.0.0.1", 5000] }
    const of = (parts: object, worker?: number) => Annotations.make(scopeOf({ ...common, ...parts }), worker)
    assert.deepStrictEqual(of({ type: "http", method: "POST", httpVersion: "1.1" }), {
      method: "POST",
      path: "/a b",
      protocol: "HTTP/1.1",
      client: "10.0.0.1:5000"
    })
    assert.deepStrictEqual(of({ type: "websocket", httpVersion: "1.1", client: ["::1", 1] }, 2), {
      method: "GET",
      path: "/a b",
      protocol: "WebSocket over HTTP/1.1",
      client: "[::1]:1",
      worker: 2
    })
    assert.deepStrictEqual(of({ type: "websocket", httpVersion: "2", client: undefined }), {
      method: "CONNECT",
      path: "/a b",
      protocol: "WebSocket over HTTP/2"
    })
    assert.deepStrictEqual(of({ type: "http", method: "GET", httpVersion: "2", requestId: "k3v9x2-1" }), {
      method: "GET",
      path: "/a b",
      protocol: "HTTP/2",
      client: "10.0.0.1:5000",
      requestId: "k3v9x2-1"
    })
    assert.deepStrictEqual(Annotations.make(scopeOf({ type: "lifespan" }), undefined), {})
  })

  it.effect("are those of the lines that tell how an application failed", () =>
    Effect.gen(function* () {
      const lines: Array<readonly [message: string, annotations: unknown]> = []
      const logger = Logger.make(({ fiber, message }) => {
        lines.push([String(message), fiber.getRef(CurrentLogAnnotations)])
      })
      const app = PagiApp.make({
        http: ({ path }) =>
          path === "/fail"
            ? Effect.fail("why")
            : path === "/value"
              ? Effect.succeed(Effect.void)
              : (new Response() as never), // As a program in plain JavaScript may do.
        sse: () => Effect.void,
        websocket: () => Effect.die("why")
      })
      yield* Effect.gen(function* () {
        const client = yield* TestClient.make(app)
        yield* client.request({ path: "/fail" })
        yield* client.request({ method: "PUT", path: "/value" })
        yield* client.request({ path: "/response" })
        yield* client.request({ path: "/sse", headers: [["accept", "text/event-stream"]] })
        yield* Effect.flip(client.webSocket({ path: "/ws" }))
      }).pipe(Effect.provide(Logger.layer([logger])))
      const http = { protocol: "HTTP/1.1", client: "127.0.0.1:50000" }
      const unanswered = "the application returned without sending a response"
      assert.deepStrictEqual(
        lines.map(([message, annotations]) => [message.split("; ")[0], annotations]),
        [
          ["the application failed", { method: "GET", path: "/fail", ...http }],
          [unanswered, { method: "PUT", path: "/value", ...http }],
          ["the application returned a Response, not an Effect", { method: "GET", path: "/response", ...http }],
          [unanswered, { method: "GET", path: "/sse", ...http }],
          ["the application failed", { method: "GET", path: "/ws", ...http, protocol: "WebSocket over HTTP/1.1" }]
        ].map(([message, annotations]) => [message, annotations])
      )
      assert.include(lines[1]?.[0], "a yield* may be missing")
    })
  )

  it.effect("of a scope type without a handler, and of a send that was not run, need no more than the line", () =>
    Effect.gen(function* () {
      const lines: Array<readonly [message: string, reasons: number]> = []
      const logger = Logger.make(({ cause, message }) => {
        lines.push([String(message), cause.reasons.length])
      })
      const logging = Effect.provide(Logger.layer([logger]))
      const none = yield* TestClient.make(PagiApp.make({ sse: () => Effect.void })).pipe(logging)
      yield* none.request({}).pipe(logging)
      const forgetful = yield* TestClient.make(
        PagiApp.make({
          http: (_scope, _receive, send) =>
            Effect.sync(() => {
              send({ type: "http.response.start", status: 200 })
            })
        })
      ).pipe(logging)
      yield* forgetful.request({}).pipe(logging)
      assert.deepStrictEqual(lines, [
        ['the application does not handle the scope type "http"', 0],
        ["the application returned without sending a response; a yield* may be missing before a send", 0]
      ])
    })
  )
})
