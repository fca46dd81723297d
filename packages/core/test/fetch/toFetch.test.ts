import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as PagiApp from "../../src/PagiApp.ts"
import { MemoryFiles } from "../../src/testing/MemoryFiles.ts"
import { piece, reader, sending, start, textOf } from "../support/RawAnswers.ts"

const request = (path: string, init?: RequestInit) => new Request(`http://example.com${path}`, init)

/** A request whose body comes from a stream. */
const upload = (path: string, body: ReadableStream<unknown>) =>
  // The types of Node do not know the property, without which it refuses a stream.
  request(path, { method: "POST", body: body as ReadableStream<Uint8Array>, duplex: "half" } as RequestInit)

const call = (fetch: PagiApp.Fetch, sent: Request, ...platform: ReadonlyArray<unknown>) =>
  Effect.promise(() => fetch(sent, ...platform))

/** Keeps what is logged. */
const logged = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => void lines.push(String(Array.isArray(message) ? message[0] : message)))
  return { lines, layer: Layer.succeed(Logger.CurrentLoggers, new Set([logger])) }
}

describe("PagiApp.toFetch", () => {
  describe("tells the application", () => {
    it.effect("of the request what a server would", () =>
      Effect.gen(function* () {
        const fetch = yield* PagiApp.toFetch(
          PagiApp.make({
            http: (scope, _receive, send) => {
              const { client, extensions, headers, method, path, queryString, rawPath, rootPath, scheme, server } =
                scope
              const told = { client, server, extensions, headers, method, path, queryString, rawPath, rootPath, scheme }
              return Effect.andThen(send(start()), send(piece(JSON.stringify(told))))
            }
          }),
          {
            extensions: { common: 1 },
            connection: (sent, address: string) => ({
              client: [address, 4711],
              server: [new URL(sent.url).hostname, 443],
              extensions: { bindings: 2 }
            })
          }
        )
        const sent = new Request("https://example.com:8443/a%20b/%C3%A4?x=%20y#fragment", {
          method: "PUT",
          headers: [
            ["X-Two", "1"],
            ["x-two", "2"]
          ]
        })
        const response = yield* call(fetch, sent, "203.0.113.1")
        assert.deepStrictEqual(JSON.parse(yield* textOf(response)), {
          client: ["203.0.113.1", 4711],
          server: ["example.com", 443],
          extensions: { common: 1, bindings: 2 },
          headers: [
            ["host", "example.com:8443"],
            ["x-two", "1, 2"]
          ],
          method: "PUT",
          path: "/a b/ä",
          queryString: "x=%20y",
          rawPath: "/a%20b/%C3%A4",
          rootPath: "",
          scheme: "https"
        })
      })
    )

    it.effect("nothing of the connection when nobody knows it", () =>
      Effect.gen(function* () {
        const fetch = yield* PagiApp.toFetch(
          PagiApp.make({
            http: (scope, _receive, send) =>
              Effect.andThen(
                send(start()),
                send(piece(JSON.stringify(["client" in scope, "server" in scope, scope.extensions])))
              )
          })
        )
        const response = yield* call(fetch, request("/"))
        assert.deepStrictEqual(JSON.parse(yield* textOf(response)), [false, false, { fullflush: {} }])
      })
    )

    it.effect("what its lifespan left, and ends it with the scope", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const application = PagiApp.make({
          lifespan: Effect.fnUntraced(function* (scope, receive, send) {
            yield* receive
            scope.state["greeting"] = "hello"
            order.push("started")
            yield* send({ type: "lifespan.startup.complete" })
            yield* receive
            order.push("stopped")
            yield* send({ type: "lifespan.shutdown.complete" })
          }),
          http: (scope, _receive, send) => Effect.andThen(send(start()), send(piece(String(scope.state["greeting"]))))
        })
        const scope = yield* Scope.make()
        const fetch = yield* Scope.provide(PagiApp.toFetch(application), scope)
        assert.deepStrictEqual(order, ["started"])
        assert.strictEqual(yield* textOf(yield* call(fetch, request("/"))), "hello")
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(order, ["started", "stopped"])
        assert.strictEqual((yield* call(fetch, request("/"))).status, 503)
      })
    )
  })

  it.effect("fails when the application does not start, or an option is not allowed", () =>
    Effect.gen(function* () {
      const refusing = PagiApp.make({
        lifespan: (_scope, receive, send) =>
          Effect.andThen(receive, send({ type: "lifespan.startup.failed", message: "no database" }))
      })
      const failed = yield* Effect.flip(PagiApp.toFetch(refusing))
      assert.strictEqual(failed.message, "application startup failed: no database")
      const invalid = yield* Effect.flip(PagiApp.toFetch(sending(), { writeHighWatermark: -1 }))
      assert.strictEqual(invalid._tag, "InvalidOption")
    })
  )

  describe("answers", () => {
    it.effect("with a response that has a length when it is complete at once", () =>
      Effect.gen(function* () {
        const fetch = yield* PagiApp.toFetch(
          sending(
            start(201, [
              ["Set-Cookie", "a=1"],
              ["set-cookie", "b=2"],
              ["connection", "close"],
              ["content-type", "text/plain"]
            ]),
            piece("grüße")
          )
        )
        const response = yield* call(fetch, request("/"))
        assert.strictEqual(response.status, 201)
        assert.deepStrictEqual(
          [...response.headers],
          [
            ["content-length", "7"],
            ["content-type", "text/plain"],
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"]
          ]
        )
        assert.strictEqual(yield* textOf(response), "grüße")
      })
    )

    it.effect("HEAD, and what has no content, without any", () =>
      Effect.gen(function* () {
        const whole = yield* PagiApp.toFetch(sending(start(), piece("hello")))
        const head = yield* call(whole, request("/", { method: "HEAD" }))
        assert.deepStrictEqual([head.body, head.headers.get("content-length")], [null, "5"])
        for (const status of [204, 205, 304]) {
          const fetch = yield* PagiApp.toFetch(sending(start(status), piece("hello")))
          const response = yield* call(fetch, request("/"))
          assert.deepStrictEqual([response.status, response.body], [status, null])
        }
      })
    )

    it.effect("with a file of the option, and without one says what is missing", () =>
      Effect.gen(function* () {
        const failures: Array<string> = []
        const application = PagiApp.make({
          http: (_scope, _receive, send) =>
            Effect.andThen(
              send(start()),
              send({ type: "http.response.body", file: "/a", offset: 1, length: 100_000 })
            ).pipe(
              Effect.catch(({ message }) => {
                failures.push(message)
                return Effect.andThen(send(start(404)), send(piece("")))
              })
            )
        })
        const files = new MemoryFiles({ "/a": `x${"y".repeat(200_000)}` })
        const served = yield* call(yield* PagiApp.toFetch(application, { files }), request("/"))
        assert.strictEqual(served.headers.get("content-length"), "100000")
        assert.strictEqual(yield* textOf(served), "y".repeat(100_000))
        assert.strictEqual(files.closed, 1)
        const refused = yield* call(yield* PagiApp.toFetch(application), request("/"))
        assert.strictEqual(refused.status, 404)
        assert.deepStrictEqual(failures, [
          "http.response.body: there are no files here; provide Effect's FileSystem, or the option `files`"
        ])
      })
    )

    it.effect("a malformed path with 400, and a WebSocket handshake with 501", () =>
      Effect.gen(function* () {
        const fetch = yield* PagiApp.toFetch(
          PagiApp.make({ http: () => Effect.die("not called"), websocket: () => Effect.void })
        )
        assert.strictEqual((yield* call(fetch, request("/%zz"))).status, 400)
        const handshake = yield* call(fetch, request("/", { headers: { Upgrade: "WebSocket" } }))
        assert.strictEqual(handshake.status, 501)
        assert.include(yield* textOf(handshake), "WebSockets are not served here")
        // As with a server, who has no sessions sees an ordinary request.
        const plain = yield* PagiApp.toFetch(sending(start(426), piece("")))
        assert.strictEqual((yield* call(plain, request("/", { headers: { Upgrade: "websocket" } }))).status, 426)
      })
    )
  })

  describe("streams", () => {
    it.effect("the response, and suspends the application while nobody reads", () =>
      Effect.gen(function* () {
        let sent = 0
        const fetch = yield* PagiApp.toFetch(
          PagiApp.make({
            http: Effect.fnUntraced(function* (_scope, _receive, send) {
              yield* send(start())
              for (let index = 0; index < 20; index++) {
                yield* send(piece("x".repeat(1000), true))
                sent++
              }
              yield* send(piece("end"))
            })
          }),
          { writeHighWatermark: 2500, writeLowWatermark: 1000 }
        )
        const response = yield* call(fetch, request("/"))
        assert.isNull(response.headers.get("content-length"))
        assert.strictEqual(sent, 2)
        const pieces = reader(response)
        yield* pieces.next
        assert.strictEqual(sent, 2)
        yield* pieces.next
        yield* pieces.next
        assert.isAbove(sent, 3)
        assert.isBelow(sent, 8)
        let length = 3000
        let last = ""
        for (let next = yield* pieces.next; next !== undefined; next = yield* pieces.next) {
          length += next.length
          last = next
        }
        assert.deepStrictEqual([length, last], [20_003, "end"])
      })
    )

    it.effect("the body of the request, of which nothing is read before it is received", () =>
      Effect.gen(function* () {
        const go = yield* Deferred.make<void>()
        const fetch = yield* PagiApp.toFetch(
          PagiApp.make({
            http: Effect.fnUntraced(function* (_scope, receive, send) {
              yield* send(start())
              yield* send(piece("", true))
              yield* Deferred.await(go)
              for (;;) {
                const event = yield* receive
                if (event.type === "http.disconnect") return
                yield* send(piece(new TextDecoder().decode(event.body), event.more))
                if (!event.more) return
              }
            })
          })
        )
        let pulls = 0
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
        const response = yield* call(fetch, upload("/", body))
        assert.strictEqual(pulls, 0)
        yield* Deferred.succeed(go, undefined)
        assert.strictEqual(yield* textOf(response), "1;2;3;")
      })
    )

    it.effect("and tells of a body that cannot be read", () =>
      Effect.gen(function* () {
        const { layer, lines } = logged()
        const reasons: Array<unknown> = []
        const application = PagiApp.make({
          http: Effect.fnUntraced(function* (scope, receive) {
            yield* receive
            yield* receive
            reasons.push(scope.connection.disconnectReason)
          })
        })
        for (const second of [new Error("lost"), "text"]) {
          let pulls = 0
          const body = new ReadableStream<unknown>({
            pull: (controller) => {
              if (pulls++ === 0) controller.enqueue(new Uint8Array([1]))
              else if (second instanceof Error) controller.error(second)
              else controller.enqueue(second)
            }
          })
          const fetch = yield* Effect.provide(PagiApp.toFetch(application), layer)
          assert.strictEqual((yield* call(fetch, upload("/", body))).status, 499)
        }
        assert.deepStrictEqual(reasons, ["read_error", "read_error"])
        assert.deepStrictEqual(
          lines,
          Array.from(reasons, () => "the body of the request cannot be read")
        )
      })
    )

    it.effect("events, for whoever accepts them", () =>
      Effect.gen(function* () {
        const fetch = yield* PagiApp.toFetch(
          PagiApp.make({
            sse: Effect.fnUntraced(function* (_scope, _receive, send) {
              yield* send({ type: "sse.start" })
              yield* send({ type: "sse.send", data: "one" })
              yield* Effect.sleep("1 second")
              yield* send({ type: "sse.send", data: "two" })
            })
          })
        )
        const response = yield* call(fetch, request("/", { headers: { Accept: "text/event-stream" } }))
        assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
        const events = reader(response)
        assert.strictEqual(yield* events.next, "data: one\n\n")
        const second = yield* Effect.forkChild(events.next)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(second), "data: two\n\n")
        assert.isUndefined(yield* events.next)
      })
    )
  })

  describe("ends an exchange", () => {
    /** Starts a response, goes on for ever, and notes what it is told. */
    const lasting = (notes: Array<unknown>, starts = true) =>
      PagiApp.make({
        http: (scope, receive, send) =>
          Effect.gen(function* () {
            yield* Effect.addFinalizer(() => Effect.sync(() => notes.push("released")))
            scope.connection.onDisconnect((reason) => notes.push(reason))
            if (starts) {
              yield* send(start())
              yield* send(piece("begin", true))
            }
            yield* receive
            notes.push((yield* receive).type)
            yield* Effect.never
          }).pipe(Effect.onInterrupt(() => Effect.sync(() => notes.push("interrupted"))))
      })

    it.effect("whose reader cancels, and interrupts what runs on", () =>
      Effect.gen(function* () {
        const notes: Array<unknown> = []
        const fetch = yield* PagiApp.toFetch(lasting(notes), { disconnectGrace: "3 seconds" })
        const body = reader(yield* call(fetch, request("/")))
        assert.strictEqual(yield* body.next, "begin")
        yield* body.cancel
        yield* Effect.yieldNow
        assert.deepStrictEqual(notes, ["client_closed", "http.disconnect"])
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(notes, ["client_closed", "http.disconnect", "interrupted", "released"])
      })
    )

    it.effect("whose request is aborted, before its response and after it has begun", () =>
      Effect.gen(function* () {
        for (const starts of [false, true]) {
          const notes: Array<unknown> = []
          const fetch = yield* PagiApp.toFetch(lasting(notes, starts))
          const controller = new AbortController()
          const response = fetch(request("/", { signal: controller.signal }))
          if (starts) {
            const body = reader(yield* Effect.promise(() => response))
            assert.strictEqual(yield* body.next, "begin")
            const failure = yield* Effect.forkChild(body.failure)
            yield* Effect.yieldNow
            controller.abort(new Error("enough"))
            assert.deepStrictEqual(yield* Fiber.join(failure), new Error("enough"))
          } else {
            controller.abort()
            assert.strictEqual((yield* Effect.promise(() => response)).status, 499)
          }
          yield* Effect.yieldNow
          assert.deepStrictEqual(notes, ["client_closed", "http.disconnect"])
        }
        const aborted = yield* PagiApp.toFetch(PagiApp.make({ http: () => Effect.die("not called") }))
        const response = yield* call(aborted, request("/", { signal: AbortSignal.abort() }))
        assert.strictEqual(response.status, 499)
      })
    )

    it.effect("and keeps no timer of one that has ended after its client has gone", () =>
      Effect.gen(function* () {
        let sleepers = 0
        const clock = yield* Clock.Clock
        const counting: Clock.Clock = {
          ...clock,
          sleep: (duration) =>
            Effect.ensuring(
              Effect.suspend(() => {
                sleepers++
                return clock.sleep(duration)
              }),
              Effect.sync(() => sleepers--)
            )
        }
        const waiting = PagiApp.make({ http: (_scope, receive) => Effect.andThen(receive, receive) })
        const fetch = yield* Effect.provideService(PagiApp.toFetch(waiting), Clock.Clock, counting)
        const before = sleepers
        for (let count = 0; count < 10; count++) {
          const controller = new AbortController()
          const response = fetch(request("/", { signal: controller.signal }))
          controller.abort()
          yield* Effect.promise(() => response)
        }
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        assert.strictEqual(sleepers, before)
      })
    )

    it.effect("whose application fails, with 500 or by breaking off", () =>
      Effect.gen(function* () {
        const { layer, lines } = logged()
        const failing = PagiApp.make({
          http: (scope, _receive, send) =>
            scope.path === "/late"
              ? Effect.andThen(Effect.andThen(send(start()), send(piece("begin", true))), Effect.fail("late"))
              : scope.path === "/early"
                ? Effect.fail("early")
                : Effect.void
        })
        const fetch = yield* Effect.provide(PagiApp.toFetch(failing), layer)
        for (const path of ["/early", "/nothing"]) {
          const response = yield* call(fetch, request(path))
          assert.deepStrictEqual([response.status, yield* textOf(response)], [500, "internal server error\n"])
        }
        const body = reader(yield* call(fetch, request("/late")))
        assert.strictEqual(yield* body.next, "begin")
        assert.deepStrictEqual(yield* body.failure, new Error("the application broke off its response"))
        assert.deepStrictEqual(lines, [
          "the application failed",
          "the application returned without sending a response; a yield* may be missing before a send",
          "the application failed"
        ])
      })
    )

    /** An application whose exchanges do not end by themselves, and what happens to them. */
    const unending = () => {
      const notes: Array<string> = []
      const application = PagiApp.make({
        sse: Effect.fnUntraced(function* (scope, _receive, send) {
          yield* send({ type: "sse.start" })
          yield* Effect.forkScoped(
            Effect.andThen(
              scope.shuttingDown,
              Effect.sync(() => notes.push(`ready: ${scope.readiness.isReady}`))
            )
          )
          yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => notes.push("stream interrupted")))
        }),
        http: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => notes.push("hanging interrupted")))
      })
      return { application, notes }
    }

    it.effect("with the scope, if it is an event stream, also where time stands still", () =>
      Effect.gen(function* () {
        const { application, notes } = unending()
        const scope = yield* Scope.make()
        const fetch = yield* Scope.provide(PagiApp.toFetch(application, { shutdownTimeout: "1 hour" }), scope)
        const events = reader(yield* call(fetch, request("/", { headers: { accept: "text/event-stream" } })))
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(notes, ["ready: false", "stream interrupted"])
        assert.isUndefined(yield* events.next)
      })
    )

    it.effect("that hangs after shutdownTimeout, also where time stands still", () =>
      Effect.gen(function* () {
        const { application, notes } = unending()
        const scope = yield* Scope.make()
        const fetch = yield* Scope.provide(PagiApp.toFetch(application, { shutdownTimeout: "100 millis" }), scope)
        const hanging = fetch(request("/"))
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(notes, ["hanging interrupted"])
        assert.strictEqual((yield* Effect.promise(() => hanging)).status, 503)
      })
    )
  })

  it.effect("serves programs for other contracts as well", () =>
    Effect.gen(function* () {
      const HttpServerRequest = yield* Effect.promise(() => import("effect/http/HttpServerRequest"))
      const HttpServerResponse = yield* Effect.promise(() => import("effect/http/HttpServerResponse"))
      const application = PagiApp.fromHttpEffect(
        Effect.gen(function* () {
          const sent = yield* HttpServerRequest.HttpServerRequest
          return HttpServerResponse.text(`${sent.method} ${sent.url}: ${yield* sent.text}`)
        })
      )
      const fetch = yield* PagiApp.toFetch(application)
      const response = yield* call(fetch, request("/a?b", { method: "POST", body: "content" }))
      assert.strictEqual(yield* textOf(response), "POST /a?b: content")
    })
  )
})

describe("PagiApp.toFetchHandler", () => {
  class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}

  const application = PagiApp.make({
    http: (_scope, _receive, send) =>
      Effect.flatMap(Greeting, (greeting) => Effect.andThen(send(start()), send(piece(greeting))))
  })

  it.live("starts with the first request, and lets go of everything when it is disposed", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const greeting = Layer.effect(
        Greeting,
        Effect.acquireRelease(
          Effect.sync(() => {
            order.push("opened")
            return "hello"
          }),
          () => Effect.sync(() => order.push("closed"))
        )
      )
      const { dispose, fetch } = PagiApp.toFetchHandler(Layer.provide(PagiApp.layer(application), greeting))
      assert.deepStrictEqual(order, [])
      const responses = yield* Effect.promise(() => Promise.all([fetch(request("/")), fetch(request("/"))]))
      assert.deepStrictEqual(yield* Effect.forEach(responses, textOf), ["hello", "hello"])
      assert.deepStrictEqual(order, ["opened"])
      yield* Effect.promise(() => Promise.all([dispose(), dispose()]))
      assert.deepStrictEqual(order, ["opened", "closed"])
      assert.strictEqual((yield* call(fetch, request("/"))).status, 503)
    })
  )

  it.live("rejects requests when it cannot start, and tries again with the next", () =>
    Effect.gen(function* () {
      let isReachable = false
      const greeting = Layer.effect(
        Greeting,
        Effect.suspend(() => (isReachable ? Effect.succeed("hello") : Effect.fail(new Error("unreachable"))))
      )
      const { dispose, fetch } = PagiApp.toFetchHandler(Layer.provide(PagiApp.layer(application), greeting))
      const failure = yield* Effect.promise(() => fetch(request("/")).catch((error: unknown) => error))
      assert.deepStrictEqual(failure, new Error("unreachable"))
      isReachable = true
      assert.strictEqual(yield* textOf(yield* call(fetch, request("/"))), "hello")
      yield* Effect.promise(dispose)
    })
  )

  it.live("serves nothing that is asked for when it has been disposed", () =>
    Effect.gen(function* () {
      const { dispose, fetch } = PagiApp.toFetchHandler(
        Layer.provide(PagiApp.layer(application), Layer.succeed(Greeting, "hello"))
      )
      yield* Effect.promise(dispose)
      assert.strictEqual((yield* call(fetch, request("/"))).status, 503)
    })
  )
})
