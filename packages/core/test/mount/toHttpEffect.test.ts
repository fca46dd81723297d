import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as PagiApp from "../../src/PagiApp.ts"
import * as TestClient from "../../src/testing/TestClient.ts"
import { piece, reader, sending, start, textOf } from "../support/RawAnswers.ts"

/** Answers what it is told of its request. */
const mirror = PagiApp.make({
  http: (
    { client, headers, httpVersion, method, path, queryString, rawPath, rootPath, scheme, server },
    _receive,
    send
  ) =>
    Effect.andThen(
      send(start()),
      send(
        piece(
          JSON.stringify({ client, headers, httpVersion, method, path, queryString, rawPath, rootPath, scheme, server })
        )
      )
    )
})

/** The application as a route, asked by requests of the Fetch standard. */
const web = Effect.fnUntraced(function* <E, R>(
  application: PagiApp.Application<E, R>,
  path: HttpRouter.PathInput = "*",
  options?: PagiApp.MountOptions
) {
  const routes = HttpRouter.use((router) =>
    Effect.flatMap(PagiApp.toHttpEffect(application, options), (handler) => router.add("*", path, handler))
  )
  const handler = HttpEffect.toWebHandler(
    yield* HttpRouter.toHttpEffect(routes as Layer.Layer<never, never, HttpRouter.HttpRouter>)
  )
  return (target: string, init?: RequestInit) =>
    Effect.promise(() => handler(new Request(`http://example.com${target}`, init)))
})

/** The application as a route of a server of ours. */
const own = Effect.fnUntraced(function* <E, R>(
  application: PagiApp.Application<E, R>,
  path: HttpRouter.PathInput = "*"
) {
  const routes = HttpRouter.use((router) =>
    Effect.flatMap(PagiApp.toHttpEffect(application), (handler) => router.add("*", path, handler))
  )
  const router = PagiApp.fromHttpEffect(
    yield* HttpRouter.toHttpEffect(routes as Layer.Layer<never, never, HttpRouter.HttpRouter>)
  )
  return yield* TestClient.make(router)
})

const webHandlerWith = HttpEffect.toWebHandlerWith<never, HttpServerRequest | Scope.Scope>

/** What `mirror` tells, as far as tests look at it. */
interface Told {
  readonly path: string
  readonly rawPath: string
  readonly rootPath: string
  readonly queryString: string
}

const jsonOf = (response: Response) => Effect.promise(() => response.json() as Promise<Told>)

describe("PagiApp.toHttpEffect", () => {
  describe("tells the application", () => {
    it.effect("of its request", () =>
      Effect.gen(function* () {
        const fetch = yield* web(mirror)
        const told = yield* textOf(yield* fetch("/a%20b?c=%20", { method: "PUT", headers: { "x-one": "1" } }))
        assert.deepStrictEqual(JSON.parse(told), {
          headers: [["x-one", "1"]],
          httpVersion: "1.1",
          method: "PUT",
          path: "/a b",
          queryString: "c=%20",
          rawPath: "/a%20b",
          rootPath: "",
          scheme: "http"
        })
      })
    )

    it.effect("and what a server of ours knows of the connection", () =>
      Effect.gen(function* () {
        const client = yield* own(mirror)
        const told = JSON.parse((yield* client.request({ path: "/x" })).text)
        assert.deepStrictEqual(told, {
          client: ["127.0.0.1", 50_000],
          headers: [["host", "localhost"]],
          httpVersion: "1.1",
          method: "GET",
          path: "/x",
          queryString: "",
          rawPath: "/x",
          rootPath: "",
          scheme: "http",
          server: ["127.0.0.1", 5000]
        })
      })
    )

    const mounts: ReadonlyArray<readonly [route: HttpRouter.PathInput, target: string, root: string, rawPath: string]> =
      [
        ["/raw/*", "/raw/a/b?c=/d", "/raw", "/a/b"],
        ["/raw/*", "/raw", "/raw", "/"],
        ["/raw/*", "/raw/", "/raw", "/"],
        ["/raw/*", "/raw?c", "/raw", "/"],
        ["/raw/*", "//raw//a//b", "//raw", "//a//b"],
        ["/:tenant/raw/*", "/%C3%A4/raw/%20", "/ä/raw", "/%20"],
        ["/:id(^[a-z/]+$)/*", "/abc/rest", "/abc", "/rest"],
        ["/*", "/a/b", "", "/a/b"],
        ["*", "/a/b", "", "/a/b"],
        ["/fixed", "/fixed", "", "/fixed"]
      ]
    for (const [route, target, root, rawPath] of mounts) {
      it.effect(`that ${target} is ${rawPath} below ${root || "nothing"} of ${route}`, () =>
        Effect.gen(function* () {
          const fetch = yield* web(mirror, route)
          const told = yield* jsonOf(yield* fetch(target))
          assert.deepStrictEqual([told.rootPath, told.rawPath, told.path], [root, rawPath, decodeURIComponent(rawPath)])
          assert.strictEqual(told.queryString, target.split("?")[1] ?? "")
        })
      )
    }

    it.effect("where a router with a prefix has cut the path", () =>
      Effect.gen(function* () {
        const routes = HttpRouter.use((router) =>
          Effect.flatMap(PagiApp.toHttpEffect(mirror), (handler) =>
            Effect.andThen(
              router.prefixed("/api").add("GET", "/raw/*", handler),
              router.prefixed("/api").add("GET", "/fixed", handler)
            )
          )
        )
        const handler = HttpEffect.toWebHandler(yield* HttpRouter.toHttpEffect(Layer.orDie(routes)))
        const told = (target: string) =>
          Effect.gen(function* () {
            const response = yield* Effect.promise(() => handler(new Request(`http://example.com${target}`)))
            const { path, rootPath } = yield* jsonOf(response)
            return [rootPath, path]
          })
        assert.deepStrictEqual(yield* told("/api/raw/a"), ["/api/raw", "/a"])
        assert.deepStrictEqual(yield* told("/api/fixed"), ["/api", "/fixed"])
      })
    )

    it.effect("the path that middleware has put in place of the client's", () =>
      Effect.gen(function* () {
        const handler = yield* PagiApp.toHttpEffect(mirror)
        const rewritten = Effect.updateService(handler, HttpServerRequest, (request) =>
          request.modify({ url: "/new?q" })
        )
        const response = yield* Effect.promise(() => HttpEffect.toWebHandler(rewritten)(new Request("http://a/old")))
        const { path, queryString, rootPath } = yield* jsonOf(response)
        assert.deepStrictEqual([rootPath, path, queryString], ["", "/new", "q"])
      })
    )

    it.effect("what its lifespan left, and has its services beside those of the request", () =>
      Effect.gen(function* () {
        class Database extends Context.Service<Database, string>()("test/Database") {}
        const order: Array<string> = []
        const application = PagiApp.make({
          lifespan: Effect.fnUntraced(function* (scope, receive, send) {
            yield* receive
            scope.state["database"] = `${yield* Database} of the lifespan`
            yield* send({ type: "lifespan.startup.complete" })
            yield* receive
            order.push("stopped")
            yield* send({ type: "lifespan.shutdown.complete" })
          }),
          http: Effect.fnUntraced(function* (scope, _receive, send) {
            const { id } = yield* HttpRouter.params
            const { url } = yield* HttpServerRequest
            yield* Effect.addFinalizer(() => Effect.sync(() => order.push("released")))
            yield* send(start())
            yield* send(piece([scope.state["database"], yield* Database, id, url].join(", ")))
          })
        })
        const scope = yield* Scope.make()
        const routes = HttpRouter.use((router) =>
          Effect.flatMap(PagiApp.toHttpEffect(application), (handler) => router.add("GET", "/:id", handler))
        )
        const router = yield* Scope.provide(
          HttpRouter.toHttpEffect(Layer.provide(routes, Layer.succeed(Database, "its own"))),
          scope
        )
        // The same service in the server around it is another one.
        const handler = webHandlerWith(Context.make(Database, "the server's"))(Effect.orDie(router))
        const response = yield* Effect.promise(() => handler(new Request("http://example.com/7")))
        assert.strictEqual(yield* textOf(response), "its own of the lifespan, its own, 7, /7")
        assert.deepStrictEqual(order, ["released"])
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(order, ["released", "stopped"])
      })
    )
  })

  it.effect("fails when the application does not start", () =>
    Effect.gen(function* () {
      const refusing = PagiApp.make({
        lifespan: (_scope, receive, send) => Effect.andThen(receive, send({ type: "lifespan.startup.failed" }))
      })
      const failure = yield* Effect.flip(PagiApp.toHttpEffect(refusing))
      assert.strictEqual(failure.message, "application startup failed: no reason was given")
    })
  )

  describe("answers", () => {
    it.effect("with what the application sends, as a response that middleware can change", () =>
      Effect.gen(function* () {
        const handler = yield* PagiApp.toHttpEffect(
          sending(
            start(201, [
              ["Set-Cookie", "a=1; Path=/; HttpOnly"],
              ["set-cookie", "b=2"],
              ["vary", "accept"],
              ["vary", "cookie"]
            ]),
            piece("grüße")
          )
        )
        const middleware = Effect.map(handler, HttpServerResponse.setHeader("x-added", "1"))
        const response = yield* Effect.promise(() => HttpEffect.toWebHandler(middleware)(new Request("http://a/")))
        assert.strictEqual(response.status, 201)
        assert.deepStrictEqual(
          [...response.headers],
          [
            ["content-length", "7"],
            ["set-cookie", "a=1; Path=/; HttpOnly"],
            ["set-cookie", "b=2"],
            ["vary", "accept, cookie"],
            ["x-added", "1"]
          ]
        )
        assert.strictEqual(yield* textOf(response), "grüße")
      })
    )

    it.effect("HEAD, and what has no content, without any", () =>
      Effect.gen(function* () {
        const fetch = yield* web(sending(start(), piece("hello")))
        const head = yield* fetch("/", { method: "HEAD" })
        assert.deepStrictEqual([head.body, head.headers.get("content-length")], [null, "5"])
        for (const status of [204, 205, 304]) {
          const response = yield* (yield* web(sending(start(status), piece("x", true), piece("y"))))("/")
          assert.deepStrictEqual([response.status, response.body], [status, null])
        }
        const empty = yield* (yield* web(sending(start(), piece(""))))("/")
        assert.deepStrictEqual([empty.headers.get("content-length"), yield* textOf(empty)], ["0", ""])
      })
    )

    it.effect("a malformed path with 400, and everything with 503 when its scope has closed", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const handler = yield* Scope.provide(PagiApp.toHttpEffect(mirror), scope)
        const fetch = HttpEffect.toWebHandler(handler)
        assert.strictEqual((yield* Effect.promise(() => fetch(new Request("http://a/%zz")))).status, 400)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* Effect.promise(() => fetch(new Request("http://a/")))).status, 503)
      })
    )

    it.effect("as a server of ours does: with trailers and interim responses", () =>
      Effect.gen(function* () {
        const client = yield* own(
          sending(
            { type: "http.response.informational", status: 103, headers: [["link", "</style.css>"]] },
            start(200, [], true),
            piece("one", true),
            piece("two"),
            { type: "http.response.trailers", headers: [["x-sum", "6"]] }
          )
        )
        const response = yield* client.request({})
        assert.deepStrictEqual([response.text, response.trailers], ["onetwo", [["x-sum", "6"]]])
        assert.deepStrictEqual(response.informational, [{ status: 103, headers: [["link", "</style.css>"]] }])
        // Elsewhere they are left out.
        const fetch = yield* web(
          sending(start(200, [], true), piece("one"), { type: "http.response.trailers", headers: [["x-sum", "6"]] })
        )
        assert.strictEqual(yield* textOf(yield* fetch("/")), "one")
      })
    )
  })

  describe("streams", () => {
    it.effect("the response, and suspends the application while nobody reads", () =>
      Effect.gen(function* () {
        let sent = 0
        const application = PagiApp.make({
          http: Effect.fnUntraced(function* (_scope, _receive, send) {
            yield* send(start())
            for (let index = 0; index < 20; index++) {
              yield* send(piece("x".repeat(1000), true))
              sent++
            }
            yield* send(piece("end"))
          })
        })
        const handler = yield* PagiApp.toHttpEffect(application, { writeHighWatermark: 2500, writeLowWatermark: 1000 })
        const scope = yield* Scope.make()
        const request = HttpServerRequest.of(
          (yield* Effect.promise(() => import("effect/http/HttpServerRequest"))).fromWeb(new Request("http://a/"))
        )
        const response = yield* handler.pipe(Effect.provideService(HttpServerRequest, request), Scope.provide(scope))
        assert.strictEqual(sent, 2)
        const body = response.body
        if (body._tag !== "Stream") return assert.fail(body._tag)
        const pull = yield* Stream.toPull(body.stream)
        const first = yield* pull
        assert.strictEqual(first.length, 3)
        assert.isAbove(sent, 2)
        assert.isBelow(sent, 8)
        yield* Scope.close(scope, Exit.void)
      })
    )

    it.effect("the body of the request, of which nothing is read before it is received", () =>
      Effect.gen(function* () {
        let pulls = 0
        const application = PagiApp.make({
          http: Effect.fnUntraced(function* (_scope, receive, send) {
            yield* send(start())
            yield* send(piece(`${pulls}:`, true))
            for (;;) {
              const event = yield* receive
              if (event.type === "http.disconnect") return
              yield* send(piece(new TextDecoder().decode(event.body), event.more))
              if (!event.more) return
            }
          })
        })
        const fetch = yield* web(application)
        const body = new ReadableStream<Uint8Array>(
          {
            pull: (controller) => {
              pulls++
              if (pulls > 3) controller.close()
              else controller.enqueue(new TextEncoder().encode(`${pulls};`))
            }
          },
          { highWaterMark: 0 }
        )
        const response = yield* fetch("/", { method: "POST", body, duplex: "half" } as RequestInit)
        assert.strictEqual(yield* textOf(response), "0:1;2;3;")
        // A request without a body is complete at once.
        assert.strictEqual(yield* textOf(yield* fetch("/", { method: "POST" })), "4:")
      })
    )

    it.effect("and a body that cannot be read is one of a bad request", () =>
      Effect.gen(function* () {
        const reasons: Array<unknown> = []
        const application = PagiApp.make({
          http: Effect.fnUntraced(function* (scope, receive) {
            yield* receive
            yield* receive
            reasons.push(scope.connection.disconnectReason)
          })
        })
        let pulls = 0
        const body = new ReadableStream<Uint8Array>({
          pull: (controller) => {
            if (pulls++ === 0) controller.enqueue(new Uint8Array([1]))
            else controller.error(new Error("lost"))
          }
        })
        const response = yield* (yield* web(application))("/", { method: "POST", body, duplex: "half" } as RequestInit)
        assert.strictEqual(response.status, 400)
        assert.deepStrictEqual(reasons, ["read_error"])
      })
    )

    it.effect("events", () =>
      Effect.gen(function* () {
        const fetch = yield* web(
          PagiApp.make({
            sse: Effect.fnUntraced(function* (_scope, _receive, send) {
              yield* send({ type: "sse.start" })
              yield* send({ type: "sse.send", data: "one" })
              yield* Effect.sleep("1 second")
              yield* send({ type: "sse.send", data: "two" })
            })
          })
        )
        const response = yield* fetch("/", { headers: { accept: "text/event-stream" } })
        assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
        const events = reader(response)
        assert.strictEqual(yield* events.next, "data: one\n\n")
        const second = yield* Effect.forkChild(events.next)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(second), "data: two\n\n")
        assert.isUndefined(yield* events.next)
      })
    )

    it.effect("events, which end when the server around them drains", () =>
      Effect.gen(function* () {
        const notes: Array<string> = []
        const client = yield* own(
          PagiApp.make({
            sse: Effect.fnUntraced(function* (scope, receive, send) {
              yield* send({ type: "sse.start" })
              yield* Effect.forkScoped(
                Effect.andThen(
                  scope.shuttingDown,
                  Effect.sync(() => notes.push(`ready: ${scope.readiness.isReady}`))
                )
              )
              yield* receive
              const event = yield* receive
              if (event.type === "sse.disconnect") notes.push(event.reason)
            })
          })
        )
        const exchange = yield* client.open({ headers: [["accept", "text/event-stream"]] })
        yield* exchange.start
        yield* client.beginShutdown
        yield* TestClock.adjust("300 millis")
        assert.strictEqual((yield* exchange.response).text, "")
        assert.deepStrictEqual(notes, ["ready: false", "server_shutdown"])
      })
    )
  })

  describe("fails", () => {
    class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {}) {}

    const failing = PagiApp.make({
      http: (scope, _receive, send) =>
        scope.path === "/late"
          ? Effect.andThen(Effect.andThen(send(start()), send(piece("begin", true))), new Conflict())
          : scope.path === "/started"
            ? Effect.andThen(send(start()), new Conflict())
            : scope.path === "/nothing"
              ? Effect.void
              : Effect.fail(new Conflict())
    })

    it.effect("as the application does that has sent nothing, so that middleware can answer", () =>
      Effect.gen(function* () {
        const lines: Array<unknown> = []
        const logger = Logger.make(({ message }) => void lines.push(Array.isArray(message) ? message[0] : message))
        const logging = Layer.succeed(Logger.CurrentLoggers, new Set([logger]))
        const handler = yield* Effect.provide(PagiApp.toHttpEffect(failing), logging)
        const answered = Effect.catchTag(handler, "Conflict", () =>
          Effect.succeed(HttpServerResponse.empty({ status: 409 }))
        )
        const fetch = (path: string) =>
          Effect.promise(() => HttpEffect.toWebHandler(answered)(new Request(`http://a${path}`)))
        assert.strictEqual((yield* fetch("/")).status, 409)
        assert.strictEqual((yield* fetch("/started")).status, 409)
        assert.deepStrictEqual(lines, [])
        assert.strictEqual((yield* fetch("/nothing")).status, 500)
        assert.deepStrictEqual(lines, [
          "the application returned without sending a response; a yield* may be missing before a send"
        ])
      })
    )

    it.effect("in the stream of the response once it has begun", () =>
      Effect.gen(function* () {
        const handler = yield* PagiApp.toHttpEffect(failing)
        const exits: Array<Exit.Exit<unknown, unknown>> = []
        const watched = Effect.map(handler, (response) =>
          response.body._tag === "Stream"
            ? HttpServerResponse.stream(
                Stream.onExit(response.body.stream, (exit) => Effect.sync(() => exits.push(exit)))
              )
            : response
        )
        const body = reader(yield* Effect.promise(() => HttpEffect.toWebHandler(watched)(new Request("http://a/late"))))
        assert.strictEqual(yield* body.next, "begin")
        assert.instanceOf(yield* body.failure, Conflict)
        assert.deepStrictEqual(exits, [Exit.fail(new Conflict())])
      })
    )
  })

  describe("ends an exchange", () => {
    const lasting = (notes: Array<unknown>) =>
      PagiApp.make({
        http: (scope, receive, send) =>
          Effect.gen(function* () {
            yield* Effect.addFinalizer(() => Effect.sync(() => notes.push("released")))
            scope.connection.onDisconnect((reason) => notes.push(reason))
            if (scope.path !== "/silent") {
              yield* send(start())
              yield* send(piece("begin", true))
            }
            yield* receive
            notes.push((yield* receive).type)
            yield* Effect.never
          }).pipe(Effect.onInterrupt(() => Effect.sync(() => notes.push("interrupted"))))
      })

    it.effect("whose client has gone, and interrupts what runs on for too long", () =>
      Effect.gen(function* () {
        for (const path of ["/silent", "/"]) {
          const notes: Array<unknown> = []
          const client = yield* own(lasting(notes))
          const exchange = yield* client.open({ path })
          if (path === "/") yield* exchange.start
          yield* exchange.disconnect()
          yield* TestClock.adjust("4900 millis")
          assert.deepStrictEqual(notes, ["client_closed", "http.disconnect"])
          yield* TestClock.adjust("100 millis")
          assert.deepStrictEqual(notes, ["client_closed", "http.disconnect", "interrupted", "released"])
        }
      })
    )

    it.effect("that something around it gives up, and interrupts it at once", () =>
      Effect.gen(function* () {
        const notes: Array<unknown> = []
        const handler = yield* PagiApp.toHttpEffect(lasting(notes))
        const limited = Effect.timeoutOrElse(handler, {
          duration: "1 second",
          orElse: () => Effect.succeed(HttpServerResponse.empty({ status: 504 }))
        })
        const answer = webHandlerWith(yield* Effect.context<never>())(limited)
        const response = yield* Effect.forkChild(Effect.promise(() => answer(new Request("http://a/silent"))))
        yield* Effect.yieldNow
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(response)).status, 504)
        assert.deepStrictEqual(notes, ["x-replaced", "http.disconnect", "interrupted", "released"])
      })
    )

    it.effect("whose response somebody else has replaced", () =>
      Effect.gen(function* () {
        const notes: Array<unknown> = []
        const handler = yield* PagiApp.toHttpEffect(lasting(notes))
        const replaced = Effect.as(handler, HttpServerResponse.text("another"))
        const response = yield* Effect.promise(() => HttpEffect.toWebHandler(replaced)(new Request("http://a/")))
        assert.strictEqual(yield* textOf(response), "another")
        yield* Effect.yieldNow
        assert.deepStrictEqual(notes, ["x-replaced", "http.disconnect", "interrupted", "released"])
      })
    )

    it.effect("after the application has, which may go on behind its response", () =>
      Effect.gen(function* () {
        const notes: Array<string> = []
        const application = PagiApp.make({
          http: (_scope, _receive, send) =>
            Effect.andThen(send(start()), send(piece("done"))).pipe(
              Effect.andThen(Effect.sleep("1 second")),
              Effect.andThen(Effect.sync(() => notes.push("worked"))),
              Effect.onInterrupt(() => Effect.sync(() => notes.push("interrupted")))
            )
        })
        const handler = yield* PagiApp.toHttpEffect(application)
        const run = Effect.gen(function* () {
          const scope = yield* Scope.make()
          const { fromWeb } = yield* Effect.promise(() => import("effect/http/HttpServerRequest"))
          const response = yield* handler.pipe(
            Effect.provideService(HttpServerRequest, fromWeb(new Request("http://a/"))),
            Scope.provide(scope)
          )
          assert.strictEqual(response.status, 200)
          return yield* Effect.forkChild(Effect.uninterruptible(Scope.close(scope, Exit.void)))
        })
        const closing = yield* run
        yield* TestClock.adjust("900 millis")
        assert.isUndefined(closing.pollUnsafe())
        yield* TestClock.adjust("100 millis")
        yield* Fiber.join(closing)
        assert.deepStrictEqual(notes, ["worked"])
        // A server that stops interrupts the request, which waits for it.
        const stopped = yield* run
        yield* TestClock.adjust("500 millis")
        yield* Fiber.interrupt(stopped)
        assert.deepStrictEqual(notes, ["worked", "interrupted"])
      })
    )
  })
})
