/** Fetch handlers themselves: how they end, what they are told, and what is beside them. */
import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { open } from "./support/Client.ts"
import { at, endless, isServed, plain, serveFetch, withErrors } from "./support/FetchServers.ts"
import { attempt, fetch as request } from "./support/HttpSuiteClient.ts"
import { serveWay } from "./support/HttpSuiteWay.ts"
import { serve } from "./support/Server.ts"
import { pattern } from "./support/Traffic.ts"
import { until } from "./support/Until.ts"
import { connect as connectWebSocket } from "./support/WebSocketClient.ts"

describe.each(plain)("a fetch handler over HTTP/$version", (way) => {
  describe("a handler", () => {
    const failing: Readonly<Record<string, readonly [PagiApp.FetchFunction, RegExp]>> = {
      throws: [
        () => {
          throw new Error("on purpose")
        },
        /the application failed .*on purpose/s
      ],
      rejects: [() => Promise.reject(new Error("on purpose")), /the application failed .*on purpose/s],
      "rejects without an error": [() => Promise.reject("a"), /the fetch handler threw a string, which is no Error/],
      "returns nothing": [() => undefined as never, /returned undefined, not a Response; return the Response/],
      "resolves to nothing": [async () => undefined as never, /returned undefined, not a Response/],
      "returns an error": [() => Response.error(), /returned Response\.error\(\), which has no status/],
      "returns what was read": [
        async () => {
          const response = new Response("a")
          await response.text()
          return response
        },
        /was read already, or is being read; return another Response/
      ],
      "returns a bad field": [
        () => new Response("a", { headers: { "x-a": "a\u0001b" } }),
        /cannot be sent: the value of header "x-a" has a forbidden character/
      ]
    }
    for (const [name, [handler, expected]] of Object.entries(failing)) {
      it.live(`that ${name} is answered for with 500, and the log says why`, () =>
        withErrors((errors) =>
          Effect.gen(function* () {
            const { client } = yield* serveFetch(way, at("/", handler))
            const { status, text } = yield* attempt(client)
            assert.deepStrictEqual([status, text], [500, "internal server error\n"])
            assert.strictEqual(errors.length, 1, errors.join("\n"))
            assert.match(errors[0] ?? "", expected)
            yield* isServed(client)
          })
        )
      )
    }

    it.live("is an object's own method", () =>
      Effect.gen(function* () {
        class Greeter {
          readonly greeting = "Hello"
          fetch(given: Request): Response {
            return new Response(`${this.greeting} ${new URL(given.url).pathname}`)
          }
        }
        const { client } = yield* serveWay(way, PagiApp.fromFetch(new Greeter()))
        assert.strictEqual((yield* request(client, { path: "/a" })).text, "Hello /a")
      })
    )

    it.live("has what the lifespan handler left", () =>
      Effect.gen(function* () {
        const { client } = yield* serveWay(
          way,
          PagiApp.make({
            lifespan: Effect.fnUntraced(function* ({ state }, receive, send) {
              state["greeting"] = "Hello"
              yield* receive
              yield* send({ type: "lifespan.startup.complete" })
              yield* receive
              yield* send({ type: "lifespan.shutdown.complete" })
            }),
            http: PagiApp.fromFetch((_given, { state }) => {
              const response = new Response(String(state["greeting"]))
              state["greeting"] = "changed"
              return response
            })
          })
        )
        for (let time = 0; time < 2; time++) assert.strictEqual((yield* request(client)).text, "Hello")
      })
    )

    it.live("is told when the client leaves, and nobody minds what it does then", () =>
      withErrors((errors) =>
        Effect.gen(function* () {
          const reasons: Array<string> = []
          let isRunning = false
          const { client, server } = yield* serveFetch(
            way,
            at(
              "/",
              ({ signal }) =>
                new Promise((_resolve, reject) => {
                  isRunning = true
                  signal.addEventListener("abort", () => {
                    reasons.push(String(signal.reason))
                    reject(new Error("too late"))
                  })
                })
            )
          )
          const exchange = client.begin({})
          yield* until("the handler runs", () => isRunning)
          exchange.abort()
          yield* until("the signal is aborted", () => reasons.length > 0)
          assert.deepStrictEqual(reasons, ["AbortError: The client has gone before the end of its request."])
          yield* isServed(client)
          yield* until("one connection is left", () => Effect.runSync(server.server.connectionCount) === 1)
          assert.deepStrictEqual(errors, [])
        })
      )
    )

    it.live("that ends late for a client that has left is not waited for", () =>
      Effect.gen(function* () {
        let isRunning = false
        const { response, seen } = endless(pattern(10))
        let finish: (given: Response) => void = () => {}
        const { client, server } = yield* serveFetch(
          way,
          at(
            "/",
            () =>
              new Promise((resolve) => {
                isRunning = true
                finish = resolve
              })
          ),
          { disconnectGrace: "100 millis" }
        )
        const exchange = client.begin({})
        yield* until("the handler runs", () => isRunning)
        exchange.abort()
        yield* isServed(client)
        yield* until("one connection is left", () => Effect.runSync(server.server.connectionCount) === 1)
        finish(response())
        yield* until("its stream is cancelled", () => seen.cancelled !== undefined)
      })
    )

    it.live("can end what goes on and on when the server stops", () =>
      Effect.gen(function* () {
        const { client, server } = yield* serveFetch(
          way,
          (_given, { shuttingDown }) =>
            new Response(
              new ReadableStream({
                start: (controller) => {
                  controller.enqueue(Buffer.from("Hello"))
                  shuttingDown.addEventListener("abort", () => {
                    controller.enqueue(Buffer.from(" and goodbye"))
                    controller.close()
                  })
                }
              })
            )
        )
        const exchange = client.begin({})
        yield* exchange.receives("Hello")
        const stopping = yield* Effect.forkChild(server.server.shutdown, { startImmediately: true })
        yield* exchange.ended
        assert.deepStrictEqual([exchange.text, exchange.outcome], ["Hello and goodbye", "complete"])
        yield* Fiber.join(stopping)
      })
    )
  })
})

describe("a fetch handler", () => {
  it.live.each(["1.1", "2"] as const)("sees over TLS that it is HTTPS, with HTTP/%s", (version) =>
    Effect.gen(function* () {
      const { client } = yield* serveFetch({ version, over: "TLS" }, ({ url }, { secure, tls }) =>
        Response.json([url, secure, tls?.tlsVersion])
      )
      assert.deepStrictEqual(JSON.parse((yield* request(client, { path: "/a" })).text), [
        "https://localhost/a",
        true,
        0x0304
      ])
    })
  )

  it.live.each(["1.1", "2"] as const)("sees no address over a Unix socket, with HTTP/%s", (version) =>
    Effect.gen(function* () {
      const { client } = yield* serveFetch(
        { version, over: "a Unix socket" },
        ({ url }, { remoteAddress, remotePort }) => Response.json([url, remoteAddress ?? null, remotePort ?? null])
      )
      assert.deepStrictEqual(JSON.parse((yield* request(client)).text), ["http://test/", null, null])
    })
  )

  it.live("has a URL for a client of HTTP/1.0 that names no host, and for a request about the server", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(PagiApp.fromFetch(({ method, url }) => new Response(`${method} ${url}`)))
      const client = yield* open(port)
      client.send("GET /a HTTP/1.0\r\n\r\n")
      yield* client.endsWith(`GET http://127.0.0.1:${port}/a`)
      const other = yield* open(port)
      other.send("OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n")
      yield* other.endsWith("OPTIONS http://test/")
      other.send("GET http://other.example:81/a?b HTTP/1.1\r\nHost: test\r\n\r\n")
      yield* other.endsWith("GET http://other.example:81/a?b")
      other.send("TRACE /c HTTP/1.1\r\nHost: test\r\n\r\n")
      yield* other.endsWith("TRACE http://test/c")
    })
  )

  it.live("refuses a WebSocket, and the log says what to do", () =>
    withErrors((messages) =>
      Effect.gen(function* () {
        const { port } = yield* serve(PagiApp.fromFetch(() => new Response("good")))
        const socket = yield* connectWebSocket(`ws://127.0.0.1:${port}/chat`)
        yield* socket.refused
        assert.deepStrictEqual(
          [socket.refusal?.response.statusCode, socket.refusal?.body],
          [501, "There are no WebSockets here.\n"]
        )
        assert.strictEqual(messages.length, 1, messages.join("\n"))
        assert.match(
          messages[0] ?? "",
          /^Warn a WebSocket was asked for at \/chat, .*PagiApp\.make\(\{ http: PagiApp\.fromFetch\(app\), websocket \}\)/
        )
      })
    )
  )

  it.live("has handlers for WebSockets and event streams beside it", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        PagiApp.make({
          http: PagiApp.fromFetch(() => new Response("fetched")),
          websocket: Effect.fnUntraced(function* (_scope, receive, send) {
            yield* receive
            yield* send({ type: "websocket.accept" })
            yield* send({ type: "websocket.send", text: "Hello" })
            yield* receive
          }),
          sse: Effect.fnUntraced(function* (_scope, _receive, send) {
            yield* send({ type: "sse.start" })
            yield* send({ type: "sse.send", data: "tick" })
          })
        })
      )
      const socket = yield* connectWebSocket(`ws://127.0.0.1:${port}/`)
      yield* socket.received(1)
      assert.deepStrictEqual(socket.messages, ["Hello"])
      const url = `http://127.0.0.1:${port}/`
      const texts = yield* Effect.promise(async () => [
        await (await fetch(url)).text(),
        await (await fetch(url, { headers: { accept: "text/event-stream" } })).text()
      ])
      assert.deepStrictEqual(texts, ["fetched", "data: tick\n\n"])
    })
  )
})
