/** What the log says of programs for Effect's HTTP server that fail. */
import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import { RecordingTracer } from "@pagi/core/test/drivers/support/RecordingTracer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { CurrentLogAnnotations } from "effect/References"
import type * as EffectScope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as PagiHttpServer from "../src/PagiHttpServer.ts"
import { open } from "./support/Client.ts"
import { serve } from "./support/Server.ts"
import { until } from "./support/Until.ts"

const brokenStream = Stream.concat(Stream.make(new Uint8Array(3)), Stream.die(new Error("stream")))

const Routes = Layer.mergeAll(
  HttpRouter.add("GET", "/ok", HttpServerResponse.text("ok")),
  HttpRouter.add("GET", "/die", Effect.die(new Error("die"))),
  HttpRouter.add("GET", "/fail", Effect.fail(new Error("fail"))),
  HttpRouter.add("GET", "/unavailable", HttpServerResponse.empty({ status: 503 })),
  HttpRouter.add("GET", "/stream", HttpServerResponse.stream(brokenStream)),
  HttpRouter.add("GET", "/stream404", HttpServerResponse.stream(brokenStream, { status: 404 })),
  HttpRouter.add("GET", "/never", Effect.never),
  HttpRouter.add(
    "GET",
    "/json",
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ json }) => Effect.flatMap(json, HttpServerResponse.json))
  )
)

/** A server of the routes, as the handler of an application or by itself, and what it logs as errors. */
const serveLogged = (way: "fromHttpEffect" | "PagiHttpServer", tracer: RecordingTracer) => {
  const lines: Array<readonly [path: unknown, errors: string, spanId: unknown]> = []
  const logger = Logger.make(({ cause, fiber, logLevel, message }) => {
    if (logLevel !== "Error" || String(message) !== "the application failed") return
    const { path, spanId } = fiber.getRef(CurrentLogAnnotations)
    lines.push([
      path,
      Cause.prettyErrors(cause)
        .map((error) => error.message)
        .join(),
      spanId
    ])
  })
  const started: Effect.Effect<number, unknown, EffectScope.Scope> =
    way === "fromHttpEffect"
      ? Effect.flatMap(HttpRouter.toHttpEffect(Routes), (routes) =>
          Effect.map(serve(PagiApp.fromHttpEffect(routes)), ({ port }) => port)
        )
      : Effect.gen(function* () {
          const context = yield* Layer.build(PagiHttpServer.layer({ port: 0, host: "127.0.0.1" }))
          const routes = yield* HttpRouter.toHttpEffect(Routes)
          return yield* Effect.provideContext(
            Effect.flatMap(HttpServer.HttpServer, (server) =>
              Effect.as(server.serve(routes), server.address._tag === "UnixPathAddress" ? 0 : server.address.port)
            ),
            context
          )
        })
  return started.pipe(
    tracer.provide,
    Effect.provideService(Logger.CurrentLoggers, new Set([logger])),
    Effect.map((port) => ({ lines, port }))
  )
}

/** Answers what the server has sent when it has closed. */
const ask = (port: number, path: string, content = "") =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* open(port)
      client.get(path, `Content-Length: ${content.length}\r\nConnection: close\r\n`)
      client.send(content)
      yield* client.closed
      return client
    })
  )

for (const way of ["fromHttpEffect", "PagiHttpServer"] as const) {
  describe(`the log of ${way}`, () => {
    it.live("says nothing of requests that are answered, with a status of 4xx too", () =>
      Effect.gen(function* () {
        const { lines, port } = yield* serveLogged(way, new RecordingTracer())
        assert.deepStrictEqual((yield* ask(port, "/ok")).statuses, [200])
        assert.deepStrictEqual((yield* ask(port, "/missing")).statuses, [404])
        assert.deepStrictEqual((yield* ask(port, "/json", "{")).statuses, [400])
        assert.deepStrictEqual((yield* ask(port, "/unavailable")).statuses, [503])
        assert.deepStrictEqual(lines, [])
      })
    )

    it.live("has one line for each failure, with its reason and its span", () =>
      Effect.gen(function* () {
        const tracer = new RecordingTracer()
        const { lines, port } = yield* serveLogged(way, tracer)
        assert.deepStrictEqual((yield* ask(port, "/die")).statuses, [500])
        assert.deepStrictEqual((yield* ask(port, "/fail")).statuses, [500])
        const [die, fail] = tracer.spans.map(({ spanId }) => spanId)
        assert.isDefined(die)
        assert.deepStrictEqual(lines, [
          ["/die", "die", die],
          ["/fail", "fail", fail]
        ])
      })
    )

    it.live("has the reason of a response that was broken off, whatever its status", () =>
      Effect.gen(function* () {
        const tracer = new RecordingTracer()
        const { lines, port } = yield* serveLogged(way, tracer)
        const client = yield* ask(port, "/stream")
        assert.deepStrictEqual(client.statuses, [200])
        assert.notInclude(client.text, "\r\n0\r\n")
        assert.deepStrictEqual((yield* ask(port, "/stream404")).statuses, [404])
        const [first, second] = tracer.spans.map(({ spanId }) => spanId)
        assert.deepStrictEqual(lines, [
          ["/stream", "stream", first],
          ["/stream404", "stream", second]
        ])
      })
    )

    it.live("says nothing of a client that leaves", () =>
      Effect.gen(function* () {
        const tracer = new RecordingTracer()
        const { lines, port } = yield* serveLogged(way, tracer)
        const client = yield* open(port)
        client.get("/never")
        yield* until("the request has come", () => tracer.spans.length === 1)
        client.socket.destroy()
        yield* until("its span has ended", () => tracer.spans[0]?.status._tag === "Ended")
        assert.deepStrictEqual(tracer.spans[0]?.attributes.get("http.response.status_code"), 499)
        assert.deepStrictEqual(lines, [])
      })
    )
  })
}
