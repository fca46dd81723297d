/** Fetch handlers as clients see them, over both versions of HTTP. */
import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { attempt, fetch as request, type HttpClient } from "./support/HttpSuiteClient.ts"
import { serveWay, type Way } from "./support/HttpSuiteWay.ts"
import { mebibyte, pattern, settled } from "./support/Traffic.ts"
import { turns, until } from "./support/Until.ts"
import { connect as connectWebSocket } from "./support/WebSocketClient.ts"
import { answer, serve } from "./support/Server.ts"
import { open } from "./support/Client.ts"

const serveFetch = (way: Way, handler: PagiApp.FetchFunction, options?: Parameters<typeof serveWay>[2]) =>
  serveWay(way, PagiApp.fromFetch(handler), options)

/** Gives what is logged as an error instead of writing it. */
const withErrors = <A, E, R>(run: (messages: ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const messages: Array<string> = []
    const logger = Logger.make(({ logLevel, message, cause }) => {
      messages.push([logLevel, ...[message].flat(), ...cause.reasons].map(String).join(" "))
    })
    return Effect.provide(run(messages), Logger.layer([logger]))
  })

const at =
  (path: string, handler: PagiApp.FetchFunction): PagiApp.FetchFunction =>
  (given, info) =>
    new URL(given.url).pathname === path ? handler(given, info) : new Response("good")

const isServed = (client: HttpClient) =>
  Effect.map(request(client, { path: "/good" }), ({ text }) => assert.strictEqual(text, "good"))

/** A stream that never ends, of which can be seen how much was asked for and how it ended. */
const endless = (piece: Uint8Array) => {
  const seen = { pieces: 0, cancelled: undefined as unknown }
  const response = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          seen.pieces++
          controller.enqueue(piece)
        },
        cancel: (reason) => {
          seen.cancelled = reason
        }
      })
    )
  return { seen, response }
}

const plain: ReadonlyArray<Way> = [
  { version: "1.1", over: "TCP" },
  { version: "2", over: "TCP" }
]

describe.each(plain)("a fetch handler over HTTP/$version", (way) => {
  it.live("sees the request", () =>
    Effect.gen(function* () {
      const { client, server } = yield* serveFetch(way, (given, info) =>
        Response.json({
          is: given instanceof Request,
          method: given.method,
          url: given.url,
          headers: [given.headers.get("X-A"), given.headers.get("x-none")],
          body: given.body,
          info: [info.remoteAddress, typeof info.remotePort, info.httpVersion, info.secure, info.readiness.isReady]
        })
      )
      const { headers, status, text } = yield* request(client, { path: "/a/b?c=d&c=e", headers: { "x-a": ["1", "2"] } })
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["content-type"], "application/json")
      assert.strictEqual(headers["content-length"], String(text.length))
      assert.deepStrictEqual(JSON.parse(text), {
        is: true,
        method: "GET",
        url: "http://test/a/b?c=d&c=e",
        headers: ["1, 2", null],
        body: null,
        info: ["127.0.0.1", "number", way.version, false, true]
      })
      assert.isAbove(server.port, 0)
    })
  )

  it.live("may have a very long URL", () =>
    Effect.gen(function* () {
      const { client } = yield* serveFetch(way, ({ url }) => new Response(url))
      const path = `/${"a/".repeat(2000)}?${"b=c&".repeat(800)}`
      const { text } = yield* request(client, { path })
      assert.strictEqual(text, `http://test${path}`)
      const { status } = yield* attempt(client, { path: `/${"a".repeat(100_000)}` })
      assert.include([414, 431], status)
    })
  )

  describe("the content of a request", () => {
    const content = pattern(3 * mebibyte)

    for (const [name, read] of Object.entries<(given: Request) => Promise<Uint8Array>>({
      "bytes()": (given) => given.bytes(),
      "arrayBuffer()": async (given) => new Uint8Array(await given.arrayBuffer()),
      "blob()": async (given) => new Uint8Array(await (await given.blob()).arrayBuffer()),
      "a stream": async (given) => {
        const pieces: Array<Uint8Array> = []
        for await (const piece of given.body ?? []) pieces.push(piece)
        return Buffer.concat(pieces)
      },
      "a clone": async (given) => {
        const clone = given.clone()
        await given.bytes()
        return clone.bytes()
      },
      "another request": async (given) => new Request(given).bytes()
    })) {
      it.live(`arrives as ${name}`, () =>
        Effect.gen(function* () {
          const { client } = yield* serveFetch(way, async (given) => {
            const bytes = await read(given)
            return Response.json([bytes.length, Buffer.compare(bytes, content), given.bodyUsed])
          })
          const { text } = yield* request(client, { method: "POST", content })
          assert.deepStrictEqual(JSON.parse(text), [content.length, 0, true])
        })
      )
    }

    it.live("is a form with a file", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, async (given) => {
          const form = await given.formData()
          const file = form.get("file")
          return Response.json([form.get("a"), file instanceof File ? [file.name, file.type, await file.text()] : file])
        })
        const form = new FormData()
        form.set("a", "ä")
        form.set("file", new File(["Hello"], "a.css", { type: "text/css" }))
        const sent = new Response(form)
        const { text } = yield* request(client, {
          method: "POST",
          headers: { "content-type": sent.headers.get("content-type") ?? "" },
          content: yield* Effect.promise(() => sent.bytes())
        })
        assert.deepStrictEqual(JSON.parse(text), ["ä", ["a.css", "text/css", "Hello"]])
      })
    )

    it.live("is asked for when it is read, and not before", () =>
      Effect.gen(function* () {
        let go = (): void => {}
        let isWaiting = false
        const { client } = yield* serveFetch(way, async (given) => {
          await new Promise<void>((resolve) => {
            go = resolve
            isWaiting = true
          })
          return new Response(await given.text())
        })
        // Node's client of HTTP/2 sees no 100 that it has not asked for.
        const exchange = client.begin({
          method: "POST",
          content: ["a", "b"].map((text) => Buffer.from(text)),
          headers: { expect: "100-continue" }
        })
        yield* until("the handler runs", () => isWaiting)
        yield* turns(20)
        assert.isUndefined(exchange.status)
        go()
        yield* exchange.ended
        assert.strictEqual(exchange.text, "ab")
      })
    )

    it.live("waits in the network until it is read", () =>
      Effect.gen(function* () {
        let read = (): void => {}
        let received = 0
        const piece = pattern(mebibyte)
        const { client } = yield* serveFetch(way, async (given) => {
          const reader = given.body?.getReader()
          const first = await reader?.read()
          received += first?.value?.length ?? 0
          await new Promise<void>((resolve) => {
            read = resolve
          })
          for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
            received += next.value.length
          }
          return new Response(String(received))
        })
        let sent = 0
        const pieces = Array.from({ length: 40 }, () => piece)
        const exchange = client.begin({
          method: "POST",
          content: new Proxy(pieces, {
            get: (target, key, receiver) => {
              if (key === Symbol.iterator) sent++
              return Reflect.get(target, key, receiver)
            }
          })
        })
        yield* until("something arrives", () => received > 0)
        yield* settled("what was received", () => received)
        assert.isAtMost(received, mebibyte)
        assert.isAtLeast(sent, 1)
        read()
        yield* exchange.ended
        assert.strictEqual(exchange.text, String(40 * mebibyte))
      })
    )

    it.live("need not be read", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, () => new Response("good"))
        for (let time = 0; time < 3; time++) {
          const { text } = yield* request(client, { method: "POST", content })
          assert.strictEqual(text, "good")
        }
      })
    )

    it.live("is read once", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, async (given) => {
          await given.text()
          return new Response(await given.text().catch(String))
        })
        const { text } = yield* request(client, { method: "POST", content: "a" })
        assert.strictEqual(text, "TypeError: Body is unusable: Body has already been read")
      })
    )

    it.live("beyond the limit is refused with 413", () =>
      Effect.gen(function* () {
        let error: unknown
        const { client } = yield* serveFetch(
          way,
          async (given) => {
            await given.bytes().catch((reason) => {
              error = reason
            })
            return new Response("too late")
          },
          { maxBodySize: 1000 }
        )
        const { status } = yield* attempt(client, { method: "POST", content: [pattern(600), pattern(600)] })
        assert.strictEqual(status, 413)
        yield* until("the handler is told", () => error !== undefined)
        assert.match(String(error), /^AbortError/)
      })
    )
  })

  describe("a response", () => {
    it.live("has a status, and fields of which several are cookies", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, () => {
          const headers = new Headers({ "X-A": "1" })
          headers.append("set-cookie", "a=1; Path=/")
          headers.append("set-cookie", "b=2")
          return new Response("Hello ä", { status: 418, headers })
        })
        const { headers, status, text } = yield* request(client)
        assert.deepStrictEqual([status, text, headers["x-a"]], [418, "Hello ä", "1"])
        assert.deepStrictEqual(headers["set-cookie"], ["a=1; Path=/", "b=2"])
        assert.strictEqual(headers["content-length"], "8")
        assert.isString(headers["date"])
      })
    )

    it.live.each([200, 204, 205, 304])("with status %s may be without content", (status) =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(
          way,
          at("/", () => new Response(null, { status, headers: { etag: '"a"' } }))
        )
        const exchange = yield* request(client)
        assert.deepStrictEqual([exchange.status, exchange.text, exchange.headers["etag"]], [status, "", '"a"'])
        assert.isUndefined(exchange.headers["content-type"])
        yield* isServed(client)
      })
    )

    it.live("to HEAD has no content", () =>
      Effect.gen(function* () {
        const { response, seen } = endless(pattern(1000))
        const { client } = yield* serveFetch(way, ({ url }) =>
          url.endsWith("/stream") ? response() : new Response("Hello", { headers: { "content-length": "5" } })
        )
        const exchange = yield* request(client, { method: "HEAD" })
        assert.deepStrictEqual([exchange.status, exchange.text, exchange.headers["content-length"]], [200, "", "5"])
        const stream = yield* request(client, { method: "HEAD", path: "/stream" })
        assert.deepStrictEqual([stream.status, stream.text, stream.headers["content-length"]], [200, "", undefined])
        yield* until("the stream is cancelled", () => seen.cancelled !== undefined)
        assert.isAtMost(seen.pieces, 1)
      })
    )

    it.live("is sent as it comes", () =>
      Effect.gen(function* () {
        let controller: ReadableStreamDefaultController<Uint8Array> | undefined
        const { client } = yield* serveFetch(
          way,
          () =>
            new Response(
              new ReadableStream({
                start: (given) => {
                  controller = given
                }
              })
            )
        )
        const exchange = client.begin({})
        yield* exchange.started
        assert.strictEqual(exchange.text, "")
        for (const text of ["one", "two"]) {
          controller?.enqueue(Buffer.from(text))
          yield* exchange.receives(text)
        }
        controller?.close()
        yield* exchange.ended
        assert.deepStrictEqual([exchange.text, exchange.outcome], ["onetwo", "complete"])
      })
    )

    it.live("can be the response of another server", () =>
      Effect.gen(function* () {
        const content = pattern(mebibyte)
        const upstream = yield* serve(PagiApp.make({ http: answer(content) }))
        const { client } = yield* serveFetch(way, () => fetch(`http://127.0.0.1:${upstream.port}/`))
        const exchange = yield* request(client)
        assert.strictEqual(Buffer.compare(exchange.content, content), 0)
      })
    )

    it.live("can be that of the same request to another server", () =>
      Effect.gen(function* () {
        const upstream = yield* serve(
          PagiApp.fromFetch(async (given) =>
            Response.json([given.method, given.headers.get("x-a"), await given.text()])
          )
        )
        const { client } = yield* serveFetch(way, (given) => {
          const { pathname } = new URL(given.url)
          const target = new Request(`http://127.0.0.1:${upstream.port}${pathname}`, given)
          target.headers.delete("host")
          return fetch(target)
        })
        const { text } = yield* request(client, {
          method: "PUT",
          path: "/a",
          headers: { "x-a": "1" },
          content: "Hello"
        })
        assert.deepStrictEqual(JSON.parse(text), ["PUT", "1", "Hello"])
      })
    )

    it.live("waits for a client that reads nothing", () =>
      Effect.gen(function* () {
        const { response, seen } = endless(pattern(16_384))
        const { client } = yield* serveFetch(way, response)
        const exchange = client.begin({})
        yield* exchange.started
        exchange.pause()
        yield* settled("the number of pieces", () => seen.pieces)
        const before = seen.pieces
        exchange.resume()
        yield* until("it goes on", () => seen.pieces > before + 100)
        exchange.abort()
        yield* until("the stream is cancelled", () => seen.cancelled !== undefined)
      })
    )

    it.live("of a stream that breaks is no complete one for the client", () =>
      withErrors((errors) =>
        Effect.gen(function* () {
          let fail = (): void => {}
          const { client } = yield* serveFetch(
            way,
            at(
              "/",
              () =>
                new Response(
                  new ReadableStream({
                    start: (controller) => {
                      controller.enqueue(Buffer.from("half"))
                      fail = () => controller.error(new Error("on purpose"))
                    }
                  })
                )
            )
          )
          const exchange = client.begin({})
          yield* exchange.receives("half")
          fail()
          yield* exchange.ended
          assert.deepStrictEqual([exchange.status, exchange.text, exchange.outcome], [200, "half", "failed"])
          assert.strictEqual(errors.length, 1, errors.join("\n"))
          assert.match(errors[0] ?? "", /Error .*on purpose/s)
          yield* isServed(client)
        })
      )
    )

    it.live("shorter than its content-length is no complete one for the client", () =>
      withErrors((errors) =>
        Effect.gen(function* () {
          const { client } = yield* serveFetch(
            way,
            at("/", () => new Response("half", { headers: { "content-length": "8" } }))
          )
          const { outcome } = yield* attempt(client)
          assert.strictEqual(outcome, "failed")
          assert.match(errors.join("\n"), /the body ends 4 bytes before its content-length/)
          yield* isServed(client)
        })
      )
    )

    it.live("has others before it", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, (_given, info) => {
          info.informational(103, { link: "</a.css>; rel=preload" })
          return new Response("Hello")
        })
        const { informational, text } = yield* request(client)
        assert.strictEqual(text, "Hello")
        assert.deepStrictEqual(
          informational.map(({ headers, status }) => [status, headers["link"]]),
          [[103, "</a.css>; rel=preload"]]
        )
      })
    )
  })

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

  it("has to be one", () => {
    for (const app of [undefined, null, {}, { fetch: 1 }, "a"]) {
      assert.throws(
        () => PagiApp.fromFetch(app as never),
        /PagiApp\.fromFetch takes a function \(request\) => Response/
      )
    }
  })
})
