import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { readFileSync } from "node:fs"
import * as Around from "../../src/around/Around.ts"
import { presets } from "../../src/fields/SecurityFields.ts"
import { ask, askHttp2 } from "../support/Ask.ts"
import { answer, serve } from "../support/Server.ts"
import { openTls, serverTls } from "../support/TlsClient.ts"
import { until } from "../support/Until.ts"

const own = { "referrer-policy": "unsafe-url", "Content-Security-Policy": "default-src *" }

const applications = {
  events: PagiApp.make({
    http: (scope, _receive, send) =>
      Effect.andThen(
        send({
          type: "http.response.start",
          status: 200,
          ...(scope.path === "/own" ? { headers: Object.entries(own) } : {})
        }),
        send({ type: "http.response.body", body: "x" })
      ),
    sse: (_scope, _receive, send) => send({ type: "sse.start" }),
    websocket: (_scope, _receive, send) =>
      Effect.andThen(
        send({ type: "websocket.http.response.start", status: 403 }),
        send({ type: "websocket.http.response.body", body: "no" })
      )
  }),
  fetch: PagiApp.fromFetch((request) => new Response("x", { headers: request.url.endsWith("/own") ? own : {} })),
  "fetch in pieces": PagiApp.fromFetch(
    (request) => new Response(new Blob(["x"]).stream(), { headers: request.url.endsWith("/own") ? own : {} })
  ),
  Effect: PagiApp.fromHttpEffect(Effect.succeed(HttpServerResponse.text("x")))
}

describe("security headers", () => {
  for (const [kind, application] of Object.entries(applications)) {
    it.live(`are added to responses of ${kind}, by HTTP/1.1 and HTTP/2, unless the application has its own`, () =>
      Effect.gen(function* () {
        const { port } = yield* serve(application, { securityHeaders: "strict", hsts: "max-age=300" })
        for (const way of [ask, askHttp2]) {
          const { headers, text } = yield* way(port, { path: "/" })
          assert.strictEqual(text, "x")
          for (const [name, value] of presets.strict) assert.strictEqual(headers[name], value)
          // It is not by https.
          assert.isUndefined(headers["strict-transport-security"])
          if (kind === "Effect") continue
          const mixed = yield* way(port, { path: "/own" })
          assert.strictEqual(mixed.headers["referrer-policy"], "unsafe-url")
          assert.strictEqual(mixed.headers["content-security-policy"], "default-src *")
          assert.strictEqual(mixed.headers["x-frame-options"], "DENY")
        }
      })
    )
  }

  it.live("are added to event streams and to refused WebSockets", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(applications.events, { securityHeaders: "basic" })
      const stream = yield* ask(port, { path: "/", headers: { accept: "text/event-stream" } })
      assert.deepStrictEqual(
        [stream.headers["content-type"], stream.headers["x-frame-options"]],
        ["text/event-stream", "SAMEORIGIN"]
      )
      const refused = yield* ask(port, {
        path: "/",
        headers: {
          connection: "upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="
        }
      })
      assert.deepStrictEqual([refused.status, refused.headers["x-frame-options"]], [403, "SAMEORIGIN"])
    })
  )

  it.live("are not there unless somebody asks for them", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(applications.events)
      const { headers } = yield* ask(port, { path: "/" })
      for (const [name] of presets.strict) assert.isUndefined(headers[name])
    })
  )

  it.live("have HSTS by TLS, and where a trusted proxy says https, and nowhere else", () =>
    Effect.gen(function* () {
      const hsts = "max-age=31536000, includesubdomains"
      const { port } = yield* serve(PagiApp.make({ http: answer("x") }), { hsts, tls: yield* serverTls })
      const client = yield* openTls(port)
      client.get("/")
      yield* until("the response has come", () => client.text.includes("\r\n\r\nx"))
      assert.include(client.text, "strict-transport-security: max-age=31536000; includeSubDomains\r\n")
      for (const application of Object.values(applications)) {
        for (const [trustedProxies, expected] of [
          [["127.0.0.1"], "max-age=31536000; includeSubDomains"],
          [undefined, undefined]
        ] as const) {
          const proxied = yield* serve(application, { hsts, ...(trustedProxies && { trustedProxies }) })
          const fields = { "x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.1" }
          const secure = yield* ask(proxied.port, { path: "/", headers: fields })
          assert.strictEqual(secure.headers["strict-transport-security"], expected)
          const plain = yield* ask(proxied.port, { path: "/", headers: { ...fields, "x-forwarded-proto": "http" } })
          assert.isUndefined(plain.headers["strict-transport-security"])
        }
      }
    })
  )

  it.live("are a function around a program's application, too", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(Around.securityHeaders(applications.events, { preset: "api" }))
      assert.strictEqual((yield* ask(port, { path: "/" })).headers["x-content-type-options"], "nosniff")
    })
  )

  it("are the ones of the documentation", () => {
    const page = readFileSync(new URL("../../../../docs/security-headers.md", import.meta.url), "utf8")
    const rows = new Map(
      page.split("\n").map((line) => {
        const [, name = "", ...cells] = line.split("|").map((cell) => cell.trim().replaceAll("`", ""))
        return [name, cells] as const
      })
    )
    for (const [index, preset] of (["basic", "strict", "api"] as const).entries()) {
      const documented = [...rows].flatMap(([name, cells]) => {
        const value = /^[a-z-]+$/.test(name) && cells.length === 4 ? cells[index] : undefined
        return value === undefined || value === "" || value.startsWith("-") ? [] : [[name, value]]
      })
      assert.deepStrictEqual(
        Object.fromEntries(documented.filter(([name]) => name !== "field")),
        Object.fromEntries(presets[preset])
      )
    }
  })
})
