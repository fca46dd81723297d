import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { SseReceiveEvent, SseSendEvent } from "../../src/contract/Event.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import type { SseScope } from "../../src/contract/Scope.ts"
import * as TestClient from "../../src/testing/TestClient.ts"
import { EventSourceParser } from "../support/EventSource.ts"

type SseHandler = PagiApp.SseHandler<unknown>

const request = { headers: [["Accept", "text/event-stream"]] } as const

const sse = (handler: SseHandler, options?: TestClient.Options) =>
  TestClient.make(PagiApp.make({ sse: handler }), options)

const start = { type: "sse.start" } as const
const event = (data: string): SseSendEvent => ({ type: "sse.send", data })

const decode = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes)

const disconnected = Effect.fnUntraced(function* (receive: PagiApp.Receive<SseReceiveEvent>) {
  for (;;) {
    const received = yield* receive
    if (received.type === "sse.disconnect") return received.reason
  }
})

describe("TestClient with event streams", () => {
  it.effect("answers a stream that ends, as a client parses it", () =>
    Effect.gen(function* () {
      const scopes: Array<SseScope> = []
      const client = yield* sse((scope, _receive, send) =>
        Effect.gen(function* () {
          scopes.push(scope)
          yield* send(start)
          yield* send({ type: "sse.send", event: "e", id: "7", data: "one\ntwo", retry: 50 })
          yield* send(event("ä"))
        })
      )
      const response = yield* client.request({ ...request, path: "/events?a=b" })
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(response.headers, [
        ["content-type", "text/event-stream"],
        ["cache-control", "no-cache"]
      ])
      const parser = new EventSourceParser().push(response.bytes)
      assert.deepStrictEqual(parser.events, [
        { type: "e", data: "one\ntwo", lastEventId: "7" },
        { type: "message", data: "ä", lastEventId: "7" }
      ])
      assert.strictEqual(parser.retry, 50)
      assert.deepStrictEqual(
        scopes.map(({ type, path, queryString }) => [type, path, queryString]),
        [["sse", "/events", "a=b"]]
      )
    })
  )

  it.effect("chooses the scope as a server does", () =>
    Effect.gen(function* () {
      const both = PagiApp.make({
        http: (_scope, _receive, send) =>
          Effect.andThen(
            send({ type: "http.response.start", status: 200 }),
            send({ type: "http.response.body", body: "http" })
          ),
        sse: (_scope, _receive, send) =>
          Effect.andThen(
            send({ type: "sse.http.response.start", status: 403 }),
            send({ type: "sse.http.response.body", body: "sse" })
          )
      })
      const client = yield* TestClient.make(both)
      const textFor = (accept: string, method = "GET") =>
        Effect.map(client.request({ method, headers: [["accept", accept]] }), ({ text }) => text)
      assert.strictEqual(yield* textFor("text/html, Text/Event-Stream;q=0.1"), "sse")
      assert.strictEqual(yield* textFor("text/event-stream", "POST"), "sse")
      assert.strictEqual(yield* textFor("text/event-stream;q=0"), "http")
      assert.strictEqual(yield* textFor("*/*"), "http")
      assert.strictEqual((yield* client.request(request)).status, 403)
    })
  )

  it.effect("takes events one by one, and sends the request body", () =>
    Effect.gen(function* () {
      const client = yield* sse((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          for (let more = true; more;) {
            const piece = yield* receive
            if (piece.type === "sse.disconnect") return
            more = piece.more
            yield* send(event(decode(piece.body) ?? ""))
          }
          yield* send({ type: "sse.keepalive", interval: 10 })
          yield* disconnected(receive)
        })
      )
      const exchange = yield* client.open({ ...request, method: "POST", body: "one", more: true })
      assert.strictEqual(decode(yield* exchange.nextPiece), "data: one\n\n")
      yield* exchange.sendBody("two")
      assert.strictEqual(decode(yield* exchange.nextPiece), "data: two\n\n")
      const next = yield* Effect.forkChild(exchange.nextPiece, { startImmediately: true })
      yield* TestClock.adjust("9900 millis")
      assert.isUndefined(next.pollUnsafe())
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(decode(yield* Fiber.join(next)), ":\n\n")
      yield* exchange.disconnect()
      assert.deepStrictEqual(yield* exchange.exit, Exit.void)
    })
  )

  it.effect("a stream whose application fails is truncated", () =>
    Effect.gen(function* () {
      const client = yield* sse((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* send(event("one"))
          return yield* Effect.fail("why")
        })
      )
      const error = yield* Effect.flip(client.request(request))
      assert.deepStrictEqual([error.reason, error.received?.text], ["truncated", "data: one\n\n"])
    })
  )

  it.effect("tells the application that the client has left", () =>
    Effect.gen(function* () {
      const client = yield* sse((_scope, receive, send) => Effect.andThen(send(start), disconnected(receive)))
      const exchange = yield* client.open(request)
      yield* exchange.disconnect("write_timeout")
      assert.deepStrictEqual(yield* exchange.exit, Exit.succeed("write_timeout"))
    })
  )

  it.effect("HEAD and 204 have no body, whatever is sent", () =>
    Effect.gen(function* () {
      for (const [method, status] of [
        ["HEAD", 200],
        ["GET", 204]
      ] as const) {
        const client = yield* sse((_scope, receive, send) =>
          Effect.gen(function* () {
            yield* send({ type: "sse.start", status })
            yield* send(event("one"))
            return yield* disconnected(receive)
          })
        )
        const exchange = yield* client.open({ ...request, method })
        const response = yield* exchange.response
        assert.deepStrictEqual([response.status, response.text], [status, ""])
        assert.deepStrictEqual(yield* exchange.exit, Exit.succeed("closed"))
      }
    })
  )

  it.effect("a shutdown tells the application, and ends the stream 100 ms later", () =>
    Effect.gen(function* () {
      const client = yield* sse(({ shuttingDown }, receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* shuttingDown
          yield* send(event("goodbye"))
          return yield* disconnected(receive)
        })
      )
      const exchange = yield* client.open(request)
      const response = yield* Effect.forkChild(exchange.response, { startImmediately: true })
      yield* client.beginShutdown
      yield* TestClock.adjust("99 millis")
      assert.isUndefined(response.pollUnsafe())
      yield* TestClock.adjust("200 millis")
      assert.strictEqual((yield* Fiber.join(response)).text, "data: goodbye\n\n")
      assert.deepStrictEqual(yield* exchange.exit, Exit.succeed("server_shutdown"))
    })
  )

  it.effect("sseIdleTimeout ends a silent stream", () =>
    Effect.gen(function* () {
      const client = yield* sse((_scope, receive, send) => Effect.andThen(send(start), disconnected(receive)), {
        sseIdleTimeout: "1 minute"
      })
      const exchange = yield* client.open(request)
      const response = yield* Effect.forkChild(exchange.response, { startImmediately: true })
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(response.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(response)).text, "")
      assert.deepStrictEqual(yield* exchange.exit, Exit.succeed("idle_timeout"))
    })
  )
})
