/** Interim responses of programs for Effect's HTTP server (RFC 8297). */
import { assert, describe, it } from "@effect/vitest"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { serve, versions, withRequest } from "../support/HttpPrograms.ts"
import { fetch } from "../support/HttpSuiteClient.ts"
import { until } from "../support/Until.ts"
import { connect } from "../support/WebSocketClient.ts"

const { stream, text } = HttpServerResponse

const style = "</style.css>; rel=preload; as=style"
const script = "</script.js>; rel=preload; as=script"

/** Sends a 103 with these fields, and tells in the response how that went. */
const hinting = (headers?: Headers.Input) =>
  withRequest((request) =>
    Effect.match(PagiApp.informational(request, 103, headers), {
      onSuccess: () => text("sent"),
      onFailure: ({ message }) => text(message)
    })
  )

describe.each(versions)("an interim response over HTTP/$version over $over", (way) => {
  it.live("reaches the client before the program has answered", () =>
    Effect.gen(function* () {
      const go = Latch.makeUnsafe(false)
      const program = withRequest((request) =>
        Effect.gen(function* () {
          yield* PagiApp.informational(request.modify({ url: "/other" }), 103, { link: style, "x-none": undefined })
          yield* go.await
          yield* PagiApp.informational(request, 102)
          return text("page")
        })
      )
      const { client } = yield* serve(way, program)
      const exchange = client.begin({})
      yield* until("the hints come", () => exchange.informational.length === 1)
      assert.isUndefined(exchange.status)
      yield* go.open
      yield* until("the response comes", () => exchange.outcome === "complete")
      assert.deepStrictEqual(exchange.informational, [
        { status: 103, headers: { link: style } },
        { status: 102, headers: {} }
      ])
      assert.deepStrictEqual([exchange.status, exchange.text], [200, "page"])
    })
  )

  for (const [what, headers] of [
    ["pairs", [["link", style] as const, ["link", script] as const]],
    ["a list of values", { link: [style, script] }]
  ] as const) {
    it.live(`has several lines of a name, as ${what}`, () =>
      Effect.gen(function* () {
        const { client } = yield* serve(way, hinting(headers))
        const { informational, text } = yield* fetch(client)
        assert.deepStrictEqual(informational, [{ status: 103, headers: { link: `${style}, ${script}` } }])
        assert.strictEqual(text, "sent")
      })
    )
  }

  it.live("with a field that cannot be sent fails, and the response goes on", () =>
    Effect.gen(function* () {
      const { client } = yield* serve(way, hinting({ link: "a\r\nb" }))
      const { informational, text } = yield* fetch(client)
      assert.deepStrictEqual(informational, [])
      assert.match(text, /^http\.response\.informational: .*link/)
    })
  )

  it.live("fails when the response has begun", () =>
    Effect.gen(function* () {
      const program = withRequest((request) => {
        const failure = Effect.orDie(Effect.flip(PagiApp.informational(request, 103)))
        const piece = Effect.map(failure, ({ message }) => new TextEncoder().encode(message))
        return Effect.succeed(stream(Stream.fromEffect(piece)))
      })
      const { client } = yield* serve(way, program)
      const { informational, text } = yield* fetch(client)
      assert.deepStrictEqual(informational, [])
      assert.match(text, /^http\.response\.informational: .*start/)
    })
  )
})

describe("an interim response", () => {
  it.live("fails for a WebSocket handshake", () =>
    Effect.gen(function* () {
      const { target } = yield* serve({ version: "1.1", over: "TCP" }, hinting())
      const port = "port" in target.address ? target.address.port : 0
      const client = yield* connect(`ws://127.0.0.1:${port}/ws`)
      yield* client.refused
      assert.match(client.refusal?.body ?? "", /a WebSocket handshake has no interim responses$/)
    })
  )

  it.live("is nothing on another server of Effect's, nor in a handler of the web", () =>
    Effect.gen(function* () {
      const routes = HttpRouter.add("GET", "/", hinting({ link: style }))
      const response = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Layer.build(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }))
          return yield* Effect.flatMap(HttpClient.get("/"), (response) => response.text)
        })
      ).pipe(Effect.provide(NodeHttpServer.layerTest))
      assert.strictEqual(response, "sent")
      const { dispose, handler } = HttpRouter.toWebHandler(routes, { disableLogger: true })
      const web = yield* Effect.promise(() => handler(new Request("http://localhost/")))
      assert.strictEqual(yield* Effect.promise(() => web.text()), "sent")
      yield* Effect.promise(dispose)
    })
  )
})
