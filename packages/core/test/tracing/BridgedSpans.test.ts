/** Spans of applications without a server on sockets: those of `toFetch`, and of the client for tests. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Tracer from "effect/Tracer"
import * as PagiApp from "../../src/PagiApp.ts"
import * as TestClient from "../../src/testing/TestClient.ts"
import { attributesOf, eventNames, exitOf, parentOf, RecordingTracer } from "../drivers/support/RecordingTracer.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"
const traceparent = `00-${traceId}-${spanId}-01`

const application = PagiApp.make({
  http: (scope, receive, send) =>
    Effect.gen(function* () {
      switch (scope.path) {
        case "/broken":
          return yield* Effect.fail(new Error("why"))
        case "/silent":
          return
        case "/endless":
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: "first", more: true })
          while ((yield* receive).type !== "http.disconnect");
          return
        case "/early":
          while ((yield* receive).type !== "http.disconnect");
          return
        default:
          yield* Effect.withSpan(Effect.void, "inside")
          yield* send({ type: "http.response.start", status: scope.path === "/lost" ? 503 : 200 })
          yield* send({ type: "http.response.body", body: "here" })
      }
    }),
  sse: (_scope, _receive, send) =>
    Effect.andThen(send({ type: "sse.start" }), send({ type: "sse.send", data: "tick" })),
  websocket: (scope, receive, send) =>
    Effect.gen(function* () {
      yield* receive
      if (scope.path === "/denied") return yield* send({ type: "websocket.close" })
      yield* send({ type: "websocket.accept" })
      const message = yield* receive
      if (message.type === "websocket.receive") yield* send({ type: "websocket.send", text: "echo" })
      yield* receive
    })
})

/** Gets a path until the response is complete, or until its first piece and then leaves; its status, if there was one. */
interface Way {
  readonly get: (path: string, headers?: Record<string, string>) => Effect.Effect<unknown>
  readonly leave: (path: string) => Effect.Effect<unknown>
}

const byFetch = (of: PagiApp.Application<unknown>) =>
  Effect.map(PagiApp.toFetch(of), (fetch): Way => ({
    get: (path, headers = {}) =>
      Effect.promise(async () => {
        const response = await fetch(new Request(`http://example.com${path}`, { headers }))
        await response.text()
        return response.status
      }),
    leave: (path) =>
      Effect.promise(async () => {
        const controller = new AbortController()
        const answered = fetch(new Request(`http://example.com${path}`, { signal: controller.signal }))
        if (path === "/endless") await (await answered).body?.getReader().read()
        controller.abort()
        await answered
      })
  }))

const byTestClient = (of: PagiApp.Application<unknown>) =>
  Effect.map(TestClient.make(of, { server: ["example.com", 80] }), (client): Way => ({
    get: (path, headers = {}) =>
      Effect.map(Effect.orDie(client.request({ path, headers: Object.entries(headers) })), ({ status }) => status),
    leave: (path) =>
      Effect.gen(function* () {
        const exchange = yield* client.open({ path })
        if (path === "/endless") yield* Effect.orDie(exchange.nextPiece)
        yield* exchange.disconnect()
        yield* exchange.exit
      })
  }))

/** Runs a program with an application that has a tracer, and yields the spans when everything has ended. */
const recorded = (
  make: typeof byFetch | typeof byTestClient,
  run: (way: Way) => Effect.Effect<unknown>,
  of: PagiApp.Application<unknown> = application
) =>
  Effect.gen(function* () {
    const recording = new RecordingTracer()
    yield* Effect.scoped(Effect.flatMap(recording.provide(make(of)), run)).pipe(
      Effect.provideService(Logger.CurrentLoggers, new Set())
    )
    return recording.spans
  })

const only = (spans: ReadonlyArray<Tracer.NativeSpan>): Tracer.NativeSpan => {
  assert.strictEqual(spans.length, 1)
  return spans[0] ?? assert.fail()
}

const isInterrupted = (exit: Exit.Exit<unknown, unknown> | undefined): boolean =>
  exit !== undefined && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

describe.each([
  ["toFetch", byFetch],
  ["the TestClient", byTestClient]
] as const)("a span of %s", (_name, make) => {
  it.effect("is below the caller's, above the application's, and tells of both ends", () =>
    Effect.gen(function* () {
      const [span, inside] = yield* recorded(make, (way) => way.get("/a?b=c", { traceparent, host: "example.com" }))
      assert.isDefined(span)
      assert.isDefined(inside)
      assert.deepInclude(parentOf(span), { traceId, spanId })
      assert.strictEqual(parentOf(inside), span)
      assert.deepStrictEqual([span.name, span.kind, exitOf(span)], ["GET", "server", Exit.void])
      assert.deepInclude(attributesOf(span), {
        "http.request.method": "GET",
        "url.path": "/a",
        "url.query": "b=c",
        "url.scheme": "http",
        "server.address": "example.com",
        "http.response.status_code": 200
      })
    })
  )

  for (const [path, status, errorType] of [
    ["/lost", 503, "503"],
    ["/broken", 500, "Error"],
    ["/silent", 500, "500"]
  ] as const) {
    it.effect(`says of ${path} that it is an error`, () =>
      Effect.gen(function* () {
        const spans = yield* recorded(make, (way) => way.get(path))
        const span = spans[0] ?? assert.fail()
        assert.deepInclude(attributesOf(span), { "http.response.status_code": status, "error.type": errorType })
        assert.isTrue(exitOf(span) !== undefined && exitOf(span)?._tag === "Failure")
      })
    )
  }

  for (const [path, status] of [
    ["/endless", 200],
    ["/early", undefined]
  ] as const) {
    it.effect(`says of ${path} that its client has left`, () =>
      Effect.gen(function* () {
        const span = only(yield* recorded(make, (way) => way.leave(path)))
        assert.strictEqual(attributesOf(span)["http.response.status_code"], status)
        assert.strictEqual(attributesOf(span)["error.type"], "client_closed")
        assert.isTrue(isInterrupted(exitOf(span)))
      })
    )
  }

  it.effect("has the events of an event stream", () =>
    Effect.gen(function* () {
      const span = only(yield* recorded(make, (way) => way.get("/", { accept: "text/event-stream" })))
      assert.deepStrictEqual(eventNames(span), ["sse.start", "sse.send", "sse.close"])
      assert.deepStrictEqual(exitOf(span), Exit.void)
    })
  )

  it.effect("follows the rules of the program", () =>
    Effect.gen(function* () {
      const spans = yield* recorded(make, (way) => way.get("/health")).pipe(
        Effect.provide(HttpMiddleware.layerTracerDisabledForUrls(["/health"]))
      )
      assert.deepStrictEqual(
        spans.filter(({ kind }) => kind === "server"),
        []
      )
    })
  )

  it.effect("is Effect's own where that answers", () =>
    Effect.gen(function* () {
      const handler = yield* HttpRouter.toHttpEffect(
        HttpRouter.add("GET", "/users/:id", HttpServerResponse.text("you"))
      )
      const routes = PagiApp.fromHttpEffect(handler)
      const span = only(yield* recorded(make, (way) => way.get("/users/1"), PagiApp.make({ http: routes })))
      assert.strictEqual(attributesOf(span)["http.route"], "/users/:id")
    })
  )
})

describe("a span of a WebSocket of the TestClient", () => {
  const visit = (run: (client: TestClient.TestClient) => Effect.Effect<unknown, unknown>) =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      yield* Effect.scoped(
        Effect.flatMap(recording.provide(TestClient.make(application)), (client) => Effect.orDie(run(client)))
      )
      return only(recording.spans)
    })

  it.effect("has the events of the session", () =>
    Effect.gen(function* () {
      const span = yield* visit((client) =>
        Effect.gen(function* () {
          const socket = yield* client.webSocket({ path: "/chat" })
          yield* socket.send("hello")
          yield* socket.receive
          yield* socket.close(1000)
          yield* socket.exit
        })
      )
      assert.deepStrictEqual(eventNames(span), ["websocket.accept", "websocket.send", "websocket.close"])
      assert.strictEqual(attributesOf(span)["http.response.status_code"], 101)
      assert.deepStrictEqual(exitOf(span), Exit.void)
    })
  )

  it.effect("tells of a refusal", () =>
    Effect.gen(function* () {
      const span = yield* visit((client) => Effect.flip(client.webSocket({ path: "/denied" })))
      assert.deepStrictEqual(eventNames(span), [])
      assert.strictEqual(attributesOf(span)["http.response.status_code"], 403)
    })
  )
})

describe("a span of an application in a router", () => {
  it.effect("is the one of the router's server", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const Raw = HttpRouter.use((router) =>
        Effect.flatMap(PagiApp.toHttpEffect(application), (handler) => router.add("*", "/raw/*", handler))
      )
      const { dispose, handler } = HttpRouter.toWebHandler(
        Layer.provideMerge(Raw, Layer.succeed(Tracer.Tracer, recording.tracer)),
        { disableLogger: true }
      )
      const response = yield* Effect.promise(() => handler(new Request("http://example.com/raw/a")))
      assert.strictEqual(response.status, 200)
      yield* Effect.promise(dispose)
      assert.deepStrictEqual(
        recording.spans.map(({ kind, name }) => [kind, name]),
        [
          ["server", "GET"],
          ["internal", "inside"]
        ]
      )
      assert.strictEqual(attributesOf(recording.spans[0] ?? assert.fail())["http.route"], "/raw/*")
    })
  )
})
