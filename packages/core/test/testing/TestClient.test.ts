import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { HttpSendEvent } from "../../src/contract/Event.ts"
import type { StartError } from "../../src/exchange/Lifespan.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import type { HttpScope } from "../../src/contract/Scope.ts"
import type { SendError } from "../../src/contract/SendError.ts"
import type { InvalidOption } from "../../src/options/ServerOptions.ts"
import * as TestClient from "../../src/testing/TestClient.ts"

type HttpHandler = PagiApp.HttpHandler<unknown>

const http = (handler: HttpHandler, options?: TestClient.Options) =>
  TestClient.make(PagiApp.make({ http: handler }), options)

/** Sends the events one after the other. */
const sending =
  (...events: ReadonlyArray<HttpSendEvent>): HttpHandler =>
  (_scope, _receive, send) =>
    Effect.forEach(events, send, { discard: true })

const start = { type: "http.response.start", status: 200 } as const
const text = (body: string, more = false): HttpSendEvent => ({ type: "http.response.body", body, more })
const decode = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes)

/** Collects the scope of the one request that it is sent. */
const scopeFor = (request: Parameters<TestClient.TestClient["open"]>[0], options?: TestClient.Options) =>
  Effect.gen(function* () {
    const scopes: Array<HttpScope> = []
    const client = yield* http((scope, _receive, send) => {
      scopes.push(scope)
      return Effect.andThen(send(start), send(text("")))
    }, options)
    yield* client.open(request)
    const [scope] = scopes
    if (scope === undefined) return assert.fail("the application was not run")
    return scope
  })

const echo: HttpHandler = (_scope, receive, send) =>
  Effect.gen(function* () {
    yield* send(start)
    let more = true
    while (more) {
      const event = yield* receive
      more = event.type === "http.request" && event.more
      yield* send({ type: "http.response.body", body: event.type === "http.request" ? event.body : "", more })
    }
  })

class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}

describe("TestClient", () => {
  describe("request", () => {
    it.effect("answers status, headers, body and trailers", () =>
      Effect.gen(function* () {
        const client = yield* http(
          sending(
            { type: "http.response.informational", status: 103, headers: [["Link", "</a.css>"]] },
            {
              type: "http.response.start",
              status: 201,
              headers: [
                ["X-One", "1"],
                ["x-one", "2"]
              ],
              trailers: true
            },
            text("hällo ", true),
            { type: "http.response.body", body: new TextEncoder().encode("wörld") },
            { type: "http.response.trailers", headers: [["X-Sum", "3"]] }
          )
        )
        const response = yield* client.request({ path: "/" })
        assert.strictEqual(response.status, 201)
        assert.deepStrictEqual(response.headers, [
          ["x-one", "1"],
          ["x-one", "2"]
        ])
        assert.strictEqual(response.header("X-One"), "1")
        assert.isUndefined(response.header("x-two"))
        assert.strictEqual(response.text, "hällo wörld")
        assert.deepStrictEqual(response.bytes, new TextEncoder().encode("hällo wörld"))
        assert.deepStrictEqual(response.trailers, [["x-sum", "3"]])
        assert.deepStrictEqual(response.informational, [{ status: 103, headers: [["link", "</a.css>"]] }])
      })
    )

    const bodies = ["", "text", "ä", new Uint8Array([0, 255]), ["one", "two"], [new Uint8Array([1]), "two"], []]

    it.effect.each(bodies)("sends the body %j", (body) =>
      Effect.gen(function* () {
        const client = yield* http(echo)
        const pieces = Array.isArray(body) ? body : [body]
        const expected = Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)))
        const response = yield* client.request({ method: "POST", body })
        assert.strictEqual(Buffer.compare(response.bytes, expected), 0)
      })
    )

    it.effect("hands the pieces to the application one by one, at least one", () =>
      Effect.gen(function* () {
        const received: Array<unknown> = []
        const client = yield* http((_scope, receive, send) =>
          Effect.gen(function* () {
            let more = true
            while (more) {
              const event = yield* receive
              if (event.type !== "http.request") return assert.fail("disconnected")
              received.push([decode(event.body), event.more])
              more = event.more
            }
            yield* send(start)
            yield* send(text(""))
            received.push((yield* receive).type)
          })
        )
        yield* client.request({ body: ["a", "b"] })
        yield* client.request({})
        assert.deepStrictEqual(received, [["a", true], ["b", false], "http.disconnect", ["", false], "http.disconnect"])
      })
    )

    it.effect("answers when the response is complete, even if the application runs on", () =>
      Effect.gen(function* () {
        const client = yield* http((_scope, _receive, send) =>
          Effect.andThen(Effect.andThen(send(start), send(text("done"))), Effect.never)
        )
        assert.strictEqual((yield* client.request({})).text, "done")
      })
    )

    it.effect("waits for an application that takes its time", () =>
      Effect.gen(function* () {
        const client = yield* http((_scope, _receive, send) =>
          Effect.andThen(send(start), Effect.delay(send(text("late")), "1 hour"))
        )
        const fiber = yield* Effect.forkChild(client.request({}))
        yield* TestClock.adjust("59 minutes")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* Fiber.join(fiber)).text, "late")
      })
    )

    it.effect("sends many at the same time", () =>
      Effect.gen(function* () {
        const client = yield* http((scope, _receive, send) =>
          Effect.andThen(send(start), Effect.delay(send(text(scope.path)), "1 second"))
        )
        const paths = Array.from({ length: 20 }, (_, index) => `/${index}`)
        const fiber = yield* Effect.forkChild(
          Effect.forEach(paths, (path) => client.request({ path }), { concurrency: "unbounded" })
        )
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          (yield* Fiber.join(fiber)).map((response) => response.text),
          paths
        )
      })
    )

    it.effect("leaves when it is interrupted", () =>
      Effect.gen(function* () {
        const reasons: Array<string> = []
        const client = yield* http((scope, receive) => {
          scope.connection.onDisconnect((reason) => reasons.push(reason))
          return Effect.andThen(receive, Effect.never)
        })
        const fiber = yield* Effect.forkChild(client.request({}), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(reasons, ["client_closed"])
      })
    )
  })

  describe("the scope", () => {
    it.effect("is that of a server", () =>
      Effect.gen(function* () {
        const scope = yield* scopeFor(
          { method: "PUT", path: "/a%20b%2Fc?d=%20e?f", headers: [["X-Name", "v"]] },
          {
            extensions: { fullflush: {} }
          }
        )
        assert.deepStrictEqual(
          [scope.type, scope.httpVersion, scope.scheme, scope.method, scope.rootPath],
          ["http", "1.1", "http", "PUT", ""]
        )
        assert.deepStrictEqual([scope.path, scope.rawPath, scope.queryString], ["/a b/c", "/a%20b%2Fc", "d=%20e?f"])
        assert.deepStrictEqual(scope.headers, [
          ["host", "localhost"],
          ["x-name", "v"]
        ])
        assert.deepStrictEqual(scope.extensions, { fullflush: {} })
        assert.deepStrictEqual(
          [scope.client, scope.server],
          [
            ["127.0.0.1", 50_000],
            ["127.0.0.1", 5000]
          ]
        )
      })
    )

    it.effect("has the addresses and the scheme that were asked for", () =>
      Effect.gen(function* () {
        const scope = yield* scopeFor({}, { client: ["::1", 1], server: ["/run/app.sock", null], secure: true })
        assert.deepStrictEqual(
          [scope.client, scope.server],
          [
            ["::1", 1],
            ["/run/app.sock", null]
          ]
        )
        assert.strictEqual(scope.scheme, "https")
      })
    )

    it.effect("has the fields with which a client frames a body, unless they are given", () =>
      Effect.gen(function* () {
        const framing = (request: Parameters<typeof scopeFor>[0]) =>
          Effect.map(scopeFor(request), ({ headers }) => headers.slice(1))
        assert.deepStrictEqual(yield* framing({}), [])
        assert.deepStrictEqual(yield* framing({ body: ["ä", "b"] }), [["content-length", "3"]])
        assert.deepStrictEqual(yield* framing({ body: "a", more: true }), [["transfer-encoding", "chunked"]])
        const given = [
          ["host", "example.org"],
          ["content-length", "7"]
        ] as const
        assert.deepStrictEqual((yield* scopeFor({ body: "a", headers: given })).headers, given)
      })
    )

    it.effect("has one combined cookie", () =>
      Effect.gen(function* () {
        const scope = yield* scopeFor({
          headers: [
            ["cookie", "a=1"],
            ["x-a", "x"],
            ["Cookie", "b=2"],
            ["cookie", "c=3"]
          ]
        })
        assert.deepStrictEqual(scope.headers.slice(1), [
          ["cookie", "a=1; b=2; c=3"],
          ["x-a", "x"]
        ])
      })
    )

    it.effect("encodes what a client would have to encode", () =>
      Effect.gen(function* () {
        const scope = yield* scopeFor({ path: "/ü ß?q=ä b" })
        assert.deepStrictEqual(
          [scope.path, scope.rawPath, scope.queryString],
          ["/ü ß", "/%C3%BC%20%C3%9F", "q=%C3%A4%20b"]
        )
      })
    )
  })

  describe("what a server does by itself", () => {
    const failures: ReadonlyArray<readonly [name: string, handler: HttpHandler]> = [
      ["fails", () => Effect.fail("why")],
      ["dies", () => Effect.die(new Error("broken"))],
      [
        "throws",
        () => {
          throw new Error("thrown")
        }
      ],
      ["returns", () => Effect.void],
      ["returns later", () => Effect.yieldNow],
      ["sends a header with a line break", sending({ ...start, headers: [["x-a", "a\r\nx-b: b"]] }, text(""))],
      ["sends a header without a proper name", sending({ ...start, headers: [["x a", ""]] }, text(""))],
      [
        "sends two lengths",
        sending({
          ...start,
          headers: [
            ["content-length", "1"],
            ["content-length", "2"]
          ]
        })
      ],
      ["sends a length that is none", sending({ ...start, headers: [["content-length", "-1"]] })],
      ["sends a body first", sending(text("body"))]
    ]

    it.effect.each(failures)("answers 500 for an application that %s", ([, handler]) =>
      Effect.gen(function* () {
        const response = yield* (yield* http(handler)).request({})
        assert.strictEqual(response.status, 500)
        assert.strictEqual(response.text, "internal server error\n")
        const head = yield* (yield* http(handler)).request({ method: "HEAD" })
        assert.deepStrictEqual([head.status, head.text], [500, ""])
      })
    )

    it.effect("answers 500 for a scope type that the application does not handle", () =>
      Effect.gen(function* () {
        const client = yield* TestClient.make(PagiApp.make({ websocket: () => Effect.void }))
        assert.strictEqual((yield* client.request({})).status, 500)
      })
    )

    const truncations: ReadonlyArray<readonly [name: string, handler: HttpHandler, received: string]> = [
      ["fails", (...parts) => Effect.andThen(sending(start, text("part", true))(...parts), Effect.fail("why")), "part"],
      ["returns", sending(start, text("part", true)), "part"],
      ["leaves out its trailers", sending({ ...start, trailers: true }, text("whole")), "whole"],
      ["exceeds its length", sending({ ...start, headers: [["content-length", "2"]] }, text("abc")), ""],
      [
        "exceeds its length later",
        sending({ ...start, headers: [["content-length", "2"]] }, text("a", true), text("bc")),
        "a"
      ],
      ["falls short of its length", sending({ ...start, headers: [["content-length", "4"]] }, text("abc")), ""]
    ]

    it.effect.each(truncations)("breaks off the response of an application that %s", ([, handler, received]) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip((yield* http(handler)).request({}))
        assert.strictEqual(error._tag, "IncompleteResponse")
        assert.strictEqual(error.reason, "truncated")
        assert.strictEqual(error.received?.status, 200)
        assert.strictEqual(error.received?.text, received)
      })
    )

    it.effect("accepts a body of exactly the announced length, and repeated equal lengths", () =>
      Effect.gen(function* () {
        const headers = [
          ["content-length", "3"],
          ["Content-Length", "3"]
        ] as const
        const client = yield* http(sending({ ...start, headers }, text("ab", true), text("c")))
        assert.strictEqual((yield* client.request({})).text, "abc")
      })
    )

    it.effect("is complete with its head where there is no body, and tells the application", () =>
      Effect.gen(function* () {
        const client = yield* http(({ connection }, receive, send) =>
          Effect.gen(function* () {
            yield* send(start)
            yield* receive
            assert.strictEqual((yield* receive).type, "http.disconnect")
            assert.isTrue(connection.responseComplete)
            yield* send(text("late", true))
            yield* send(text("later"))
            return "went on"
          })
        )
        const exchange = yield* client.open({ method: "HEAD" })
        assert.deepStrictEqual([(yield* exchange.response).status, (yield* exchange.response).text], [200, ""])
        assert.deepStrictEqual(yield* exchange.exit, Exit.succeed("went on"))
        assert.strictEqual((yield* (yield* http(sending({ ...start, status: 204 }))).request({})).status, 204)
      })
    )

    it.effect("starts anew when its file cannot be opened", () =>
      Effect.gen(function* () {
        for (const method of ["GET", "HEAD"]) {
          const client = yield* http((_scope, _receive, send) =>
            Effect.andThen(
              send({ ...start, headers: [["x-a", "1"]] }),
              Effect.catch(send({ type: "http.response.body", file: "/absent" }), () =>
                Effect.andThen(
                  Effect.yieldNow,
                  sending({ ...start, status: 404 }, text("absent"))(_scope, _receive, send)
                )
              )
            )
          )
          const response = yield* client.request({ method })
          assert.deepStrictEqual([response.status, response.header("x-a")], [404, undefined])
          assert.strictEqual(response.text, method === "HEAD" ? "" : "absent")
        }
      })
    )

    it.effect("drops the body where there is none, whatever its length", () =>
      Effect.gen(function* () {
        const headers = [["content-length", "10"]] as const
        const head = yield* (yield* http(sending({ ...start, headers }, text("abc")))).request({ method: "HEAD" })
        assert.deepStrictEqual([head.text, head.header("content-length")], ["", "10"])
        for (const status of [204, 304]) {
          const response = yield* (yield* http(sending({ ...start, status }, text("abc")))).request({})
          assert.strictEqual(response.text, "")
        }
      })
    )

    it.effect("drops the connection's own fields", () =>
      Effect.gen(function* () {
        const headers = [
          ["Transfer-Encoding", "chunked"],
          ["keep-alive", "5"],
          ["x-a", "1"]
        ] as const
        const response = yield* (yield* http(sending({ ...start, headers }, text("")))).request({})
        assert.deepStrictEqual(response.headers, [["x-a", "1"]])
      })
    )

    const malformed = [
      { path: "/%" },
      { path: "/%zz" },
      { path: "/%00" },
      { path: "relative" },
      { path: "" },
      { path: "*" },
      { method: "G T" },
      { method: "" },
      { headers: [["x a", "1"]] },
      { headers: [["x-a", "1\n"]] }
    ] as const

    it.effect.each(malformed)("answers 400 for the request %j, without the application", (request) =>
      Effect.gen(function* () {
        const client = yield* http(() => assert.fail("must not be run"))
        assert.strictEqual((yield* client.request(request)).status, 400)
        assert.deepStrictEqual(yield* (yield* client.open(request)).exit, Exit.void)
      })
    )

    it.effect("fails a refused send and lets the application do better", () =>
      Effect.gen(function* () {
        const errors: Array<SendError> = []
        const client = yield* http((_scope, _receive, send) =>
          Effect.gen(function* () {
            errors.push(yield* Effect.flip(send({ ...start, headers: [["x-a", "\0"]] })))
            yield* send({ ...start, status: 202, trailers: true })
            yield* send(text(""))
            errors.push(yield* Effect.flip(send({ type: "http.response.trailers", headers: [["a b", ""]] })))
            yield* send({ type: "http.response.trailers" })
          })
        )
        assert.strictEqual((yield* client.request({})).status, 202)
        assert.deepStrictEqual(
          errors.map(({ message }) => message),
          [
            `http.response.start: the value of header "x-a" has a forbidden character: NUL (U+0000) at position 1 of 1`,
            `http.response.trailers: header name "a b" is not a token: a space (U+0020) at position 2 of 3`
          ]
        )
      })
    )

    it.effect("refuses fullflush unless it is an extension", () =>
      Effect.gen(function* () {
        const handler = sending({ type: "http.fullflush" }, start, text("flushed"))
        assert.strictEqual((yield* (yield* http(handler, { extensions: {} })).request({})).status, 500)
        const client = yield* http(handler)
        assert.strictEqual((yield* client.request({})).text, "flushed")
      })
    )
  })

  describe("open", () => {
    it.effect("takes the response piece by piece", () =>
      Effect.gen(function* () {
        const client = yield* http((_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send({ ...start, headers: [["x-a", "1"]] })
            yield* send(text("one", true))
            yield* send(text("", true))
            yield* Effect.sleep("1 second")
            yield* send(text("two"))
          })
        )
        const exchange = yield* client.open({})
        assert.deepStrictEqual(yield* exchange.start, { status: 200, headers: [["x-a", "1"]] })
        assert.strictEqual(decode(yield* exchange.nextPiece), "one")
        const next = yield* Effect.forkChild(exchange.nextPiece, { startImmediately: true })
        assert.isUndefined(next.pollUnsafe())
        yield* TestClock.adjust("1 second")
        assert.strictEqual(decode(yield* Fiber.join(next)), "two")
        assert.isUndefined(yield* exchange.nextPiece)
        assert.isUndefined(yield* exchange.nextPiece)
        assert.deepStrictEqual(yield* exchange.exit, Exit.void)
        // The response is whole, with what was taken before.
        assert.strictEqual((yield* exchange.response).text, "onetwo")
      })
    )

    it.effect("sends the request body piece by piece", () =>
      Effect.gen(function* () {
        const client = yield* http(echo)
        const exchange = yield* client.open({ method: "POST", body: "first", more: true })
        assert.strictEqual(decode(yield* exchange.nextPiece), "first")
        yield* exchange.sendBody("second", true)
        assert.strictEqual(decode(yield* exchange.nextPiece), "second")
        yield* exchange.sendBody(new Uint8Array([0x21]))
        assert.strictEqual((yield* exchange.response).text, "firstsecond!")
        const exit = yield* Effect.exit(exchange.sendBody("too much"))
        assert.isTrue(Exit.hasDies(exit))
      })
    )

    it.effect("suspends send while the peer does not take what was sent", () =>
      Effect.gen(function* () {
        const sent: Array<number> = []
        const marks: Array<string> = []
        const client = yield* http(
          (scope, _receive, send) =>
            Effect.gen(function* () {
              scope.transport.onHighWater(() => marks.push(`high ${scope.transport.bufferedAmount}`))
              scope.transport.onDrain(() => marks.push(`drain ${scope.transport.bufferedAmount}`))
              yield* send(start)
              for (let piece = 1; piece <= 6; piece++) {
                yield* send({ type: "http.response.body", body: new Uint8Array(4), more: piece < 6 })
                sent.push(piece)
              }
            }),
          { writeHighWatermark: 8, writeLowWatermark: 4 }
        )
        const exchange = yield* client.open({})
        yield* exchange.start
        assert.deepStrictEqual([sent.length, marks], [2, ["high 12"]])
        yield* exchange.nextPiece
        assert.deepStrictEqual([sent.length, marks.length], [2, 1])
        yield* exchange.nextPiece
        assert.deepStrictEqual([sent.length, marks], [4, ["high 12", "drain 4", "high 12"]])
        assert.strictEqual((yield* exchange.response).bytes.length, 24)
        assert.deepStrictEqual(yield* exchange.exit, Exit.void)
      })
    )

    it.effect("tells the application that the peer has left", () =>
      Effect.gen(function* () {
        const seen: Array<unknown> = []
        const client = yield* http((scope, receive, send) =>
          Effect.gen(function* () {
            yield* receive
            yield* send(start)
            yield* send(text("part", true))
            seen.push(yield* scope.connection.disconnected)
            seen.push((yield* receive).type)
            yield* send(text("dropped"))
            seen.push(scope.connection.isConnected)
          })
        )
        const exchange = yield* client.open({})
        yield* exchange.start
        yield* exchange.disconnect()
        assert.deepStrictEqual(yield* exchange.exit, Exit.void)
        assert.deepStrictEqual(seen, ["client_closed", "http.disconnect", false])
        assert.strictEqual(decode(yield* exchange.nextPiece), "part")
        const error = yield* Effect.flip(exchange.nextPiece)
        assert.deepStrictEqual([error.reason, error.received?.text], ["disconnected", "part"])
        assert.strictEqual((yield* Effect.flip(exchange.response)).reason, "disconnected")
      })
    )

    it.effect("leaves with a reason, also before the response has started", () =>
      Effect.gen(function* () {
        const client = yield* http((scope, _receive, send) =>
          Effect.flatMap(scope.connection.disconnected, (reason) => Effect.andThen(send(start), Effect.succeed(reason)))
        )
        const exchange = yield* client.open({})
        const waiting = yield* Effect.forkChild(Effect.flip(exchange.start), { startImmediately: true })
        yield* exchange.disconnect("write_timeout")
        assert.deepStrictEqual(yield* exchange.exit, Exit.succeed("write_timeout"))
        const error = yield* Fiber.join(waiting)
        assert.strictEqual(error.reason, "disconnected")
        assert.isFalse("received" in error)
      })
    )

    it.effect("interrupts an application that runs on after the grace", () =>
      Effect.gen(function* () {
        const client = yield* http((_scope, receive) => Effect.andThen(receive, Effect.never), {
          disconnectGrace: "3 seconds"
        })
        const exchange = yield* client.open({})
        yield* exchange.disconnect()
        const exit = yield* Effect.forkChild(exchange.exit)
        yield* TestClock.adjust("2 seconds")
        assert.isUndefined(exit.pollUnsafe())
        yield* TestClock.adjust("1 second")
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.join(exit)))
      })
    )

    it.effect("answers the failure of the application", () =>
      Effect.gen(function* () {
        const exchange = yield* (yield* http(() => Effect.fail("why"))).open({})
        assert.deepStrictEqual(yield* exchange.exit, Exit.fail("why"))
        assert.deepStrictEqual((yield* exchange.start).status, 500)
      })
    )
  })

  describe("the lifespan", () => {
    it.effect("fills the state that every exchange copies", () =>
      Effect.gen(function* () {
        const app = PagiApp.make({
          lifespan: (scope, _receive, send) => {
            scope.state["count"] = 1
            return send({ type: "lifespan.startup.complete" })
          },
          http: (scope, _receive, send) => {
            const count = scope.state["count"]
            scope.state["count"] = "changed"
            return Effect.andThen(send(start), send(text(String(count))))
          }
        })
        const client = yield* TestClient.make(app)
        assert.deepStrictEqual(client.state, { count: 1 })
        for (let round = 0; round < 2; round++) assert.strictEqual((yield* client.request({})).text, "1")
      })
    )

    it.effect("is shut down when the scope closes, after the exchanges have ended", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const scope = yield* Scope.make()
        const app = PagiApp.make({
          lifespan: (_scope, receive, send) =>
            Effect.gen(function* () {
              yield* receive
              yield* send({ type: "lifespan.startup.complete" })
              order.push((yield* receive).type)
              yield* send({ type: "lifespan.shutdown.complete" })
            }),
          http: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => order.push("interrupted")))
        })
        const client = yield* TestClient.make(app).pipe(Scope.provide(scope))
        yield* client.open({})
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(order, ["interrupted", "lifespan.shutdown"])
      })
    )

    const failing = (type: "lifespan.startup.failed" | "lifespan.shutdown.failed") =>
      PagiApp.make({
        lifespan: Effect.fnUntraced(function* (_scope, receive, send) {
          yield* receive
          if (type === "lifespan.shutdown.failed") {
            yield* send({ type: "lifespan.startup.complete" })
            yield* receive
          }
          yield* send({ type, message: "no database" })
        })
      })

    it.effect("fails the client when the application does not start", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(TestClient.make(failing("lifespan.startup.failed")))
        assert.strictEqual(error.message, "application startup failed: no database")
      })
    )

    it.effect("fails the scope when the application does not stop as it should", () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Effect.scoped(TestClient.make(failing("lifespan.shutdown.failed"))))
        assert.isTrue(Exit.hasDies(exit))
      })
    )

    it.effect("follows the mode", () =>
      Effect.gen(function* () {
        const app = PagiApp.make({ http: sending(start, text("")) })
        assert.strictEqual((yield* (yield* TestClient.make(app)).request({})).status, 200)
        const error = yield* Effect.flip(TestClient.make(app, { lifespan: "on" }))
        assert.include(error.message, "does not handle lifespan events")
      })
    )
  })

  it.effect("tells of a drain", () =>
    Effect.gen(function* () {
      const client = yield* http((scope, _receive, send) =>
        Effect.andThen(scope.shuttingDown, Effect.andThen(send(start), send(text("goodbye"))))
      )
      const exchange = yield* client.open({})
      const waiting = yield* Effect.forkChild(exchange.start, { startImmediately: true })
      assert.isUndefined(waiting.pollUnsafe())
      yield* client.beginShutdown
      assert.strictEqual((yield* exchange.response).text, "goodbye")
    })
  )

  it.effect("refuses wrong options", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(http(echo, { writeLowWatermark: -1 }))
      assert.include(error.message, "option writeLowWatermark")
    })
  )

  it.effect("takes the application's services from the context", () =>
    Effect.gen(function* () {
      const app = PagiApp.make({
        http: (_scope, _receive, send) =>
          Effect.flatMap(Greeting, (greeting) => Effect.andThen(send(start), send(text(greeting))))
      })
      const made = TestClient.make(app)
      expectTypeOf(made).toEqualTypeOf<
        Effect.Effect<TestClient.TestClient, StartError | InvalidOption, Greeting | Scope.Scope>
      >()
      const client = yield* Effect.provideService(made, Greeting, "hello")
      assert.strictEqual((yield* client.request({})).text, "hello")
    })
  )

  it.effect.prop("echoes every body in the pieces that were sent", [Schema.Array(Schema.Uint8Array)], ([pieces]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const client = yield* http(echo, { writeHighWatermark: 3, writeLowWatermark: 1 })
        const response = yield* client.request({ body: pieces })
        assert.strictEqual(Buffer.compare(response.bytes, Buffer.concat(pieces)), 0)
      })
    )
  )
})
