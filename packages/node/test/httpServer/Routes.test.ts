/** What Effect's router makes of requests, for routes on this server. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { connect } from "node:net"
import { type Program, Requests, serve, versions, withLog, withRequest } from "../support/HttpPrograms.ts"
import { attempt, fetch } from "../support/HttpSuiteClient.ts"
import { turns, until } from "../support/Until.ts"

const { jsonUnsafe, text } = HttpServerResponse

/** A program of routes that may fail, and require nothing which the server does not provide. */
const routed = (
  routes: Layer.Layer<never, never, HttpRouter.HttpRouter | HttpRouter.Request<"Error", unknown>>
): Program => Effect.flatten(HttpRouter.toHttpEffect(routes))

const urls = withRequest(({ originalUrl, url }) => Effect.succeed(jsonUnsafe([url, originalUrl])))

describe.each(versions)("HTTP/$version over $over", (way) => {
  it.live("a route has the parameters of its path and of the query, and tells what does not fit", () =>
    Effect.gen(function* () {
      const Params = Schema.Struct({ id: Schema.FiniteFromString, page: Schema.optional(Schema.FiniteFromString) })
      const handler = Effect.map(HttpRouter.schemaParams(Params), (params) => jsonUnsafe(params))
      const { client } = yield* serve(way, routed(HttpRouter.add("GET", "/todos/:id", handler)))
      assert.strictEqual((yield* fetch(client, { path: "/todos/1?page=2" })).text, `{"id":1,"page":2}`)
      assert.strictEqual((yield* fetch(client, { path: "/todos/1%32" })).text, `{"id":12}`)
      assert.strictEqual((yield* fetch(client, { path: "/todos/one" })).status, 400)
      assert.strictEqual((yield* fetch(client, { path: "/todos/1/2" })).status, 404)
    })
  )

  it.live("a route has all of a request decoded at once, with JSON as a reviver has it", () =>
    Effect.gen(function* () {
      const reviver = (key: string, value: unknown): unknown => (key === "count" ? Number(value) * 2 : value)
      const Whole = Schema.Struct({
        method: Schema.Literal("POST"),
        pathParams: Schema.Struct({ id: Schema.String }),
        searchParams: Schema.Struct({ q: Schema.String }),
        cookies: Schema.Struct({ c: Schema.String }),
        headers: Schema.Struct({ "x-h": Schema.String }),
        body: Schema.Struct({ count: Schema.Number })
      })
      const handler = Effect.map(HttpRouter.schemaJson(Whole, { reviver }), (whole) => jsonUnsafe(whole))
      const { client } = yield* serve(way, routed(HttpRouter.add("POST", "/:id", handler)))
      const headers = { "content-type": "application/json", cookie: "c=4", "x-h": "5" }
      const request = { method: "POST", path: "/1?q=2", headers }
      const { text: whole } = yield* attempt(client, { ...request, content: `{"count":3}` })
      assert.deepStrictEqual(JSON.parse(whole), {
        method: "POST",
        pathParams: { id: "1" },
        searchParams: { q: "2" },
        cookies: { c: "4" },
        headers: { "x-h": "5" },
        body: { count: 6 }
      })
      for (const content of [`{"count":"three"}`, "{", ""]) {
        assert.strictEqual((yield* attempt(client, { ...request, content })).status, 400, content)
      }
    })
  )

  it.live("routes below a prefix see the rest of the path, and the whole one beside it", () =>
    Effect.gen(function* () {
      const below = HttpRouter.use((router) => router.prefixed("/child").add("*", "/*", urls))
      const { client } = yield* serve(way, routed(below))
      for (const [path, url] of [
        ["/child/1", "/1"],
        ["/child/1?a=b", "/1?a=b"],
        ["/child", "/"],
        ["/child/", "/"]
      ] as const) {
        const { text: answer } = yield* fetch(client, { path })
        const [rest, whole] = JSON.parse(answer) as ReadonlyArray<string>
        assert.strictEqual(rest, url, path)
        assert.isTrue(whole?.endsWith(path), whole)
      }
      assert.strictEqual((yield* fetch(client, { path: "/child1/" })).status, 404)
    })
  )

  it.live("a parameter that is longer than the router's option is no route", () =>
    Effect.gen(function* () {
      const program = Effect.provideService(
        routed(HttpRouter.add("GET", "/:name", Effect.succeed(text("found")))),
        HttpRouter.RouterConfig,
        { maxParamLength: 5 }
      )
      const { client } = yield* serve(way, program)
      assert.strictEqual((yield* fetch(client, { path: "/12345" })).status, 200)
      assert.strictEqual((yield* fetch(client, { path: "/123456" })).status, 404)
    })
  )

  it.live("a route that must not be interrupted ends, and another one does not", () =>
    withLog(() =>
      Effect.gen(function* () {
        const handler = Effect.withFiber<HttpServerResponse.HttpServerResponse>(
          (fiber: Fiber.Fiber<unknown, unknown>) => {
            setImmediate(() => fiber.interruptUnsafe(fiber.id))
            return Effect.as(turns(10), text("ended"))
          }
        )
        const routes = HttpRouter.addAll([
          HttpRouter.route("GET", "/firm", handler, { uninterruptible: true }),
          HttpRouter.route("GET", "/soft", handler)
        ])
        const { client } = yield* serve(way, routed(routes))
        const firm = yield* fetch(client, { path: "/firm" })
        assert.deepStrictEqual([firm.status, firm.text], [200, "ended"])
        assert.strictEqual((yield* fetch(client, { path: "/soft" })).status, 503)
      })
    )
  )
})

describe("a handshake for a WebSocket", () => {
  it.live("that is cut off harms nobody, with a route and without", () =>
    Effect.gen(function* () {
      const requests = new Requests()
      const routes = HttpRouter.addAll([
        HttpRouter.route("GET", "/", Effect.succeed(text("served"))),
        HttpRouter.route("GET", "/never", Effect.never)
      ])
      const { client, server } = yield* requests.observe(serve({ version: "1.1", over: "TCP" }, routed(routes)))
      const port = "port" in server.address ? server.address.port : 0
      for (const [index, path] of ["/never", "/none"].entries()) {
        const socket = connect(port, "127.0.0.1")
        socket.write(
          `GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        yield* until("the handshake has come", () => requests.begun === index + 1)
        socket.resetAndDestroy()
        yield* until("the handshake is over", () => requests.ended === index + 1)
      }
      assert.strictEqual((yield* fetch(client)).text, "served")
    })
  )
})
