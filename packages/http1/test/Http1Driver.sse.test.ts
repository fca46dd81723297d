import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import { respond, type Send as HttpSend } from "@pagi/core/test/drivers/support/Applications"
import {
  close,
  event,
  type Send,
  sending,
  start,
  streaming,
  watching
} from "@pagi/core/test/drivers/support/EventStreams"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { converse, finish, makeHarness, turn } from "./support/DriverHarness.ts"
import { get, lines, post } from "./support/Machine.ts"

const acceptStream = "Accept: text/event-stream"

/** A request for an event stream. */
const getStream = (...fields: ReadonlyArray<string>): string => get(acceptStream, ...fields)

/** The same with HTTP/1.0. */
const getStream10 = (...fields: ReadonlyArray<string>): string => lines("GET / HTTP/1.0", acceptStream, ...fields)

describe("which scope a request gets", () => {
  const typed = PagiApp.make({
    http: (_scope, _receive, send: HttpSend) => respond(send, "http"),
    sse: (scope, _receive, send: Send) =>
      Effect.andThen(
        send({ type: "sse.http.response.start", status: 200 }),
        send({ type: "sse.http.response.body", body: `sse ${scope.method}` })
      )
  })

  const requests: ReadonlyArray<readonly [type: string, request: string]> = [
    ["sse GET", get("ACCEPT: Text/Event-Stream")],
    ["sse GET", get("Accept:\ttext/event-stream\t")],
    ["sse GET", getStream10()],
    ["sse GET", getStream("Upgrade: websocket")],
    ["sse GET", getStream("Connection: upgrade", "Upgrade: websocket")],
    ["sse GET", getStream("Connection: Upgrade", "Upgrade: TLS/1.0, h2c")],
    [
      "sse POST",
      post(
        "Connection: Upgrade, HTTP2-Settings",
        "Content-Length: 0",
        "HTTP2-Settings: AAEAAEAAAAIAAAAA",
        "Upgrade: h2c",
        acceptStream
      )
    ]
  ]

  it.effect.each(requests)("%s: %j", ([type, request]) =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(typed)
      const transport = yield* converse(harness, request)
      assert.isTrue(transport.text.endsWith(`\r\n\r\n${type}`), transport.text)
      yield* finish(harness, transport)
    })
  )
})

describe("the bytes of a stream", () => {
  it.effect("are chunks, one for each event", () =>
    Effect.gen(function* () {
      const application = streaming(
        sending(start, { type: "sse.send", data: "a\nb", id: "7" }, { type: "sse.comment", comment: "hm" }, close)
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream())
      assert.include(transport.text, "\r\ntransfer-encoding: chunked\r\n")
      const body = transport.text.slice(transport.text.indexOf("\r\n\r\n") + 4)
      const chunks = ["id: 7\ndata: a\ndata: b\n\n", ":hm\n\n", ""]
      assert.strictEqual(body, chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join(""))
      yield* finish(harness, transport)
    })
  )

  it.effect("of HTTP/1.0 go on until the connection closes", () =>
    Effect.gen(function* () {
      for (const request of [getStream10(), getStream10("Connection: keep-alive")]) {
        const harness = yield* makeHarness(streaming(sending(start, event("a"), close)))
        const transport = yield* converse(harness, request)
        assert.match(transport.text, /^HTTP\/1\.1 200 OK\r\n/)
        assert.notMatch(transport.text, /transfer-encoding|content-length|connection: keep-alive/)
        assert.isTrue(transport.text.endsWith("\r\n\r\ndata: a\n\n"))
        assert.notStrictEqual(transport.ending, "open")
        assert.notStrictEqual(transport.ending, "reset")
        yield* finish(harness, transport)
      }
    })
  )
})

describe("a stream ends", () => {
  it.effect("and the connection too, when the client asks for it", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(streaming(sending(start, event("a"), close)))
      const transport = yield* converse(harness, getStream("Connection: close"))
      assert.isTrue(transport.text.endsWith("data: a\n\n\r\n0\r\n\r\n"))
      assert.strictEqual(transport.ending, "closed")
      yield* finish(harness)
    })
  )

  it.effect("over HTTP/1.0 by a reset when its application fails, so that it cannot be taken for complete", () =>
    Effect.gen(function* () {
      const application = streaming((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* send(event("a"))
          yield* Effect.yieldNow
          return yield* Effect.fail("broken")
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream10())
      assert.strictEqual(transport.ending, "reset")
      yield* finish(harness)
    })
  )

  it.effect("over HTTP/1.0 in order when it is silent for sseIdleTimeout", () =>
    Effect.gen(function* () {
      const { application } = watching(event("a"))
      const harness = yield* makeHarness(application, { options: { sseIdleTimeout: "20 seconds" } })
      const transport = yield* converse(harness, getStream10())
      yield* TestClock.adjust("21 seconds")
      assert.isTrue(transport.text.endsWith("data: a\n\n"))
      assert.include(["ended", "closed"], transport.ending)
      yield* finish(harness, transport)
    })
  )

  it.effect("not because of bytes of a request that follows, which has no time limit meanwhile", () =>
    Effect.gen(function* () {
      const { application, notes } = watching(event("a"))
      const harness = yield* makeHarness(application, { options: { requestTimeout: "10 seconds" } })
      const transport = yield* converse(harness, getStream())
      yield* TestClock.adjust("10 minutes")
      transport.push("bytes of a request that follows")
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual([transport.ending, notes], ["open", []])
      transport.pushEnd()
      yield* turn
      assert.deepStrictEqual(notes, ["client_closed"])
      yield* finish(harness)
    })
  )
})
