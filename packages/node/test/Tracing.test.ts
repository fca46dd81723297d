/** Spans of servers on real sockets: one for each request, whoever makes it. */
import { assert, describe, it } from "@effect/vitest"
import {
  attributesOf,
  eventNames,
  exitOf,
  parentOf,
  RecordingTracer
} from "@pagi/core/test/drivers/support/RecordingTracer"
import * as PagiApp from "@pagi/core/PagiApp"
import { Observer } from "@pagi/core/Observer"
import type { SseHandler, WebSocketHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { CurrentLogAnnotations } from "effect/References"
import * as PagiHttpServer from "../src/PagiHttpServer.ts"
import { answer, serve } from "./support/Server.ts"
import { openTls, serverTls } from "./support/TlsClient.ts"
import { until } from "./support/Until.ts"
import * as WebSocketClient from "./support/WebSocketClient.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"
const traceparent = { traceparent: `00-${traceId}-${spanId}-01` }

const Routes = Layer.mergeAll(
  HttpRouter.add("GET", "/users/:id", Effect.withSpan(Effect.succeed(HttpServerResponse.text("user")), "find")),
  HttpRouter.add("GET", "/broken", Effect.die("why")),
  HttpRouter.add("GET", "/health", HttpServerResponse.text("well")),
  HttpRouter.add(
    "GET",
    "/socket",
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const socket = yield* request.upgrade
      const { pull } = yield* socket.reader
      yield* Effect.ignore(pull)
      return HttpServerResponse.empty()
    }).pipe(Effect.scoped)
  )
)

const get = (port: number, path: string, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
    return `${response.status} ${await response.text()}`
  })

const ticker: SseHandler<unknown> = (_scope, _receive, send) =>
  Effect.andThen(send({ type: "sse.start" }), send({ type: "sse.send", data: "tick" }))

const echo: WebSocketHandler<unknown> = Effect.fnUntraced(function* (_scope, receive, send) {
  yield* receive
  yield* send({ type: "websocket.accept" })
  const message = yield* receive
  if (message.type === "websocket.receive") yield* send({ type: "websocket.send", text: "echo" })
  yield* Effect.ignore(receive)
})

const ended = (recording: RecordingTracer, count: number) =>
  until(`${count} spans have ended`, () => recording.spans.filter((span) => exitOf(span) !== undefined).length >= count)

describe("a span for each request", () => {
  it.live("of an application of events: requests, event streams and WebSockets", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const application = PagiApp.make({ http: answer("here"), sse: ticker, websocket: echo })
      const { port } = yield* recording.provide(serve(application))
      assert.strictEqual(yield* get(port, "/a?b=c", traceparent), "200 here")
      assert.include(yield* get(port, "/stream", { accept: "text/event-stream" }), "tick")
      const client = yield* WebSocketClient.connect(`ws://127.0.0.1:${port}/ws`)
      yield* client.opened
      client.socket.send("hello")
      yield* client.received(1)
      client.socket.close(1000)
      yield* ended(recording, 3)
      const [request, stream, session] = recording.spans
      assert.isDefined(request)
      assert.isDefined(stream)
      assert.isDefined(session)
      assert.strictEqual(recording.spans.length, 3)
      assert.deepInclude(parentOf(request), { traceId, spanId })
      assert.deepInclude(attributesOf(request), {
        "url.path": "/a",
        "url.query": "b=c",
        "server.address": "127.0.0.1",
        "server.port": port,
        "client.address": "127.0.0.1",
        "http.response.status_code": 200
      })
      assert.deepStrictEqual(eventNames(stream), ["sse.start", "sse.send", "sse.close"])
      assert.deepStrictEqual(eventNames(session), ["websocket.accept", "websocket.send", "websocket.close"])
      assert.strictEqual(attributesOf(session)["http.response.status_code"], 101)
      for (const span of recording.spans) assert.deepStrictEqual(exitOf(span), Exit.void)
    })
  )

  it.live("of a router of Effect's is Effect's own, beside handlers of events whose are the server's", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const { port } = yield* recording.provide(
        Effect.gen(function* () {
          const routes = PagiApp.fromHttpEffect(yield* HttpRouter.toHttpEffect(Routes))
          return yield* serve(PagiApp.make({ http: routes, websocket: routes, sse: ticker }))
        }).pipe(Effect.withSpan("start"))
      )
      assert.strictEqual(yield* get(port, "/users/1", traceparent), "200 user")
      yield* get(port, "/broken")
      yield* get(port, "/stream", { accept: "text/event-stream" })
      const client = yield* WebSocketClient.connect(`ws://127.0.0.1:${port}/socket`)
      yield* client.opened
      client.socket.close(1000)
      yield* ended(recording, 6)
      const [, request, find, broken, stream, session] = recording.spans
      assert.strictEqual(recording.spans.length, 6)
      assert.isDefined(request)
      assert.isDefined(find)
      assert.isDefined(broken)
      assert.isDefined(stream)
      assert.isDefined(session)
      assert.deepInclude(request, { name: "GET", kind: "server" })
      assert.deepInclude(parentOf(request), { traceId, spanId })
      assert.strictEqual(parentOf(find), request)
      // The server was started in a span; requests are no part of that.
      assert.isUndefined(parentOf(broken))
      assert.deepInclude(attributesOf(request), {
        "http.request.method": "GET",
        "http.route": "/users/:id",
        "url.path": "/users/1",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": port,
        "client.address": "127.0.0.1",
        "http.response.status_code": 200
      })
      assert.isTrue(Exit.isFailure(exitOf(broken) ?? Exit.void))
      assert.strictEqual(attributesOf(broken)["http.response.status_code"], 500)
      assert.deepStrictEqual(eventNames(stream), ["sse.start", "sse.send", "sse.close"])
      assert.deepInclude(attributesOf(session), { "http.route": "/socket", "http.response.status_code": 101 })
      assert.deepStrictEqual(eventNames(session), [])
    })
  )

  it.live("is the server's when an application hands requests on to a router of Effect's", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const { port } = yield* recording.provide(
        Effect.gen(function* () {
          const routes = PagiApp.fromHttpEffect(yield* HttpRouter.toHttpEffect(Routes))
          const application: PagiApp.Application<unknown> = (scope, receive, send) =>
            scope.type === "http" ? Effect.withSpan(routes(scope, receive, send), "hand on") : Effect.void
          return yield* serve(application)
        })
      )
      assert.strictEqual(yield* get(port, "/users/1", traceparent), "200 user")
      yield* ended(recording, 3)
      const names = recording.spans.map(({ kind, name }) => `${kind} ${name}`)
      assert.deepStrictEqual(names, ["server GET", "internal hand on", "internal find"])
      assert.strictEqual(parentOf(recording.span("find")), recording.span("hand on"))
    })
  )

  it.live("of a router of Effect's is Effect's own with something around it, too", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const traces: Array<string | undefined> = []
      const { port } = yield* recording.provide(
        Effect.gen(function* () {
          const routes = PagiApp.fromHttpEffect(yield* HttpRouter.toHttpEffect(Routes))
          return yield* serve(routes, { compress: true })
        }).pipe(
          Effect.provideService(Observer, Observer.of({ exchangeEnded: ({ traceId }) => void traces.push(traceId) }))
        )
      )
      assert.strictEqual(yield* get(port, "/users/1", traceparent), "200 user")
      yield* ended(recording, 2)
      yield* until("the exchange has ended", () => traces.length === 1)
      assert.deepStrictEqual(
        recording.spans.map(({ kind, name }) => `${kind} ${name}`),
        ["server GET", "internal find"]
      )
      assert.deepStrictEqual(traces, [traceId])
    })
  )

  it.live("of programs for Effect's HttpServer is Effect's own, with what this server knows", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const traces: Array<string | undefined> = []
      const { port } = yield* recording.provide(
        Effect.gen(function* () {
          const server = yield* HttpServer.HttpServer
          yield* server.serve(yield* HttpRouter.toHttpEffect(Routes))
          return { port: server.address._tag === "UnixPathAddress" ? 0 : server.address.port }
        }).pipe(
          Effect.provideService(HttpMiddleware.TracerDisabledWhen, ({ url }) => url === "/health"),
          Effect.provide(
            yield* Effect.provideService(
              Layer.build(PagiHttpServer.layer({ port: 0, host: "127.0.0.1" })),
              Observer,
              Observer.of({ exchangeEnded: ({ traceId }) => void traces.push(traceId) })
            )
          )
        )
      )
      assert.strictEqual(yield* get(port, "/health"), "200 well")
      assert.strictEqual(yield* get(port, "/users/1?token=a", { ...traceparent, "user-agent": "test" }), "200 user")
      const client = yield* WebSocketClient.connect(`ws://127.0.0.1:${port}/socket`)
      yield* client.opened
      client.socket.close(1000)
      yield* ended(recording, 3)
      yield* until("three exchanges have ended", () => traces.length === 3)
      const [request, find, session] = recording.spans
      assert.isDefined(request)
      assert.isDefined(find)
      assert.strictEqual(recording.spans.length, 3)
      assert.deepStrictEqual(traces, [undefined, traceId, session?.traceId])
      assert.deepInclude(parentOf(request), { traceId, spanId })
      assert.strictEqual(parentOf(find), request)
      assert.deepInclude(attributesOf(request), {
        "http.request.method": "GET",
        "http.route": "/users/:id",
        "url.path": "/users/1",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": port,
        "client.address": "127.0.0.1",
        "user_agent.original": "test",
        "http.response.status_code": 200
      })
    })
  )

  it.live("tells https over TLS, whoever makes it", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const tls = yield* serverTls
      yield* recording.provide(
        Effect.gen(function* () {
          const routes = PagiApp.fromHttpEffect(yield* HttpRouter.toHttpEffect(Routes))
          const raw = yield* serve(PagiApp.make({ http: answer("here") }), { tls })
          const routed = yield* serve(routes, { tls })
          for (const { port } of [raw, routed]) {
            const client = yield* openTls(port)
            client.get("/users/1")
            yield* until("the response has come", () => client.text.includes("200 OK"))
          }
        })
      )
      yield* ended(recording, 3)
      const servers = recording.spans.filter(({ kind }) => kind === "server")
      assert.deepStrictEqual(
        servers.map((span) => attributesOf(span)["url.scheme"]),
        ["https", "https"]
      )
    })
  )

  it.live("is named in the lines of the log about an application that failed", () =>
    Effect.gen(function* () {
      const lines: Array<Readonly<Record<string, unknown>>> = []
      const logger = Logger.make(({ fiber, message }) => {
        if (String(message) === "the application failed") lines.push(fiber.getRef(CurrentLogAnnotations))
      })
      const recording = new RecordingTracer()
      const application = PagiApp.make({ http: () => Effect.fail("why"), sse: () => Effect.fail("why") })
      const { port } = yield* recording
        .provide(serve(application))
        .pipe(Effect.provideService(Logger.CurrentLoggers, new Set([logger])))
      yield* get(port, "/a")
      yield* get(port, "/b", { accept: "text/event-stream" })
      yield* ended(recording, 2)
      assert.deepStrictEqual(
        lines.map(({ path, spanId, traceId }) => [path, traceId, spanId]),
        recording.spans.map((span) => [span.attributes.get("url.path"), span.traceId, span.spanId])
      )
      assert.strictEqual(lines.length, 2)
    })
  )
})
