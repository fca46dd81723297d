import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { ask, askHttp2 } from "../support/Ask.ts"
import { answer, serve } from "../support/Server.ts"
import { openTls, serverTls } from "../support/TlsClient.ts"
import { until } from "../support/Until.ts"

const applications = {
  events: PagiApp.make({ http: answer("application") }),
  fetch: PagiApp.fromFetch(() => new Response("application")),
  Effect: PagiApp.fromHttpEffect(Effect.succeed(HttpServerResponse.text("application")))
}

/** A server with TLS and a listener that redirects; answers the ports of both. */
const setUp = Effect.fnUntraced(function* (
  options: ServerOptions.Input = {},
  application: PagiApp.Application<unknown> = applications.events
) {
  const { server } = yield* serve(application, {
    tls: yield* serverTls,
    redirectHttps: ["127.0.0.1:0"],
    redirectPort: 443,
    ...options
  })
  const [secure, plain] = server.listeners
  return {
    secure: secure?.address[1] ?? 0,
    plain: plain?.address[1] ?? 0,
    urls: server.listeners.map(({ url }) => url)
  }
})

describe("redirects to https", () => {
  for (const [kind, application] of Object.entries(applications)) {
    it.live(`answer what comes by plain HTTP, in place of an application of ${kind}`, () =>
      Effect.gen(function* () {
        const { plain, secure, urls } = yield* setUp({}, application)
        assert.deepStrictEqual(urls, [`https://127.0.0.1:${secure}/`, `http://127.0.0.1:${plain}/`])
        for (const [method, status] of [
          ["GET", 301],
          ["HEAD", 301],
          ["POST", 308],
          ["DELETE", 308]
        ] as const) {
          const headers = { host: "example.com:80" }
          const response = yield* ask(plain, { path: "//a%2Fb/../c?d=%0d%0a&e", method, headers })
          assert.deepStrictEqual(
            [response.status, response.headers["location"]],
            [status, "https://example.com//a%2Fb/../c?d=%0d%0a&e"]
          )
          assert.notInclude(response.text, "application")
        }
        const http2 = yield* askHttp2(plain, { path: "/x", headers: { ":authority": "[::1]:80" } })
        assert.deepStrictEqual([http2.status, http2.headers["location"]], [301, "https://[::1]/x"])
        const client = yield* openTls(secure)
        client.get("/")
        yield* until("the application has answered by https", () => client.text.endsWith("application"))
      })
    )
  }

  it.live("refuse hosts that are none, and requests without a path", () =>
    Effect.gen(function* () {
      const { plain } = yield* setUp()
      for (const host of [
        "a b",
        "user@example.com",
        "evil.com/",
        "a,b",
        "a'b",
        "%41.com",
        "[::1",
        "a:99999",
        "é.com"
      ]) {
        const { headers, status } = yield* ask(plain, { path: "/", headers: { host } })
        assert.deepStrictEqual([status, headers["location"]], [400, undefined], host)
      }
      const star = yield* ask(plain, { path: "*", method: "OPTIONS", headers: { host: "a" } })
      assert.strictEqual(star.status, 400)
    })
  )

  it.live("go to the port of https that clients see", () =>
    Effect.gen(function* () {
      const { plain } = yield* setUp({ redirectPort: 8443 })
      const { headers } = yield* ask(plain, { path: "/", headers: { host: "example.com" } })
      assert.strictEqual(headers["location"], "https://example.com:8443/")
    })
  )

  for (const [kind, application] of Object.entries(applications)) {
    it.live(`leave to an application of ${kind} what is excepted`, () =>
      Effect.gen(function* () {
        const { plain } = yield* setUp({ redirectExcept: ["/.well-known/acme-challenge/"] }, application)
        const statusOf = (path: string) =>
          Effect.map(ask(plain, { path, headers: { host: "a" } }), ({ status }) => status)
        assert.strictEqual(yield* statusOf("/.well-known/acme-challenge/token"), 200)
        assert.strictEqual(yield* statusOf("/.well-known/acme-challenge"), 200)
        assert.strictEqual(yield* statusOf("/.well-known/acme-challengex"), 301)
        assert.strictEqual(yield* statusOf("/"), 301)
      })
    )
  }

  it.live("answer event streams and WebSockets, too", () =>
    Effect.gen(function* () {
      const application = PagiApp.make({
        http: answer("application"),
        sse: () => Effect.die("not to be called"),
        websocket: () => Effect.die("not to be called")
      })
      const { plain } = yield* setUp({}, application)
      const upgrade = {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="
      }
      for (const fields of [{ accept: "text/event-stream" }, upgrade]) {
        const { headers, status } = yield* ask(plain, { path: "/s", headers: { host: "a.example", ...fields } })
        assert.deepStrictEqual([status, headers["location"]], [301, "https://a.example/s"])
      }
    })
  )

  it.live("count what a trusted proxy says of the scheme, and nobody else", () =>
    Effect.gen(function* () {
      const fields = { host: "a.example", "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https" }
      const trusting = yield* setUp({ trustedProxies: ["127.0.0.1"] })
      assert.strictEqual((yield* ask(trusting.plain, { path: "/", headers: fields })).status, 200)
      const { plain } = yield* setUp()
      assert.strictEqual((yield* ask(plain, { path: "/", headers: fields })).status, 301)
    })
  )
})
