import { assert, describe, it } from "@effect/vitest"
import type { SseSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import type { SseScope } from "@pagi/core/Scope"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import { hello, textOf, type Send as HttpSend, respond } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import {
  close,
  event,
  getStream,
  getStream10,
  readStream,
  type Receive,
  type Send,
  sending,
  start,
  streaming
} from "./support/EventStreams.ts"
import { chunked, get, lines, post } from "./support/Machine.ts"

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
    ["sse GET", get("Accept: text/event-stream")],
    ["sse GET", get("ACCEPT: Text/Event-Stream")],
    ["sse GET", get("Accept: text/html, text/event-stream;q=0.5, */*")],
    ["sse GET", get("Accept: text/html", "Accept: text/event-stream")],
    ["sse GET", get("Accept: text/event-stream", "Accept: text/html")],
    ["sse GET", get("Accept:\ttext/event-stream\t")],
    ["sse GET", lines("GET / HTTP/1.0", "Accept: text/event-stream")],
    ["sse POST", post("Accept: text/event-stream", "Content-Length: 0")],
    ["sse DELETE", lines("DELETE / HTTP/1.1", "Host: a", "Accept: text/event-stream")],
    ["sse GET", get("Accept: text/event-stream", "Upgrade: websocket")],
    ["sse GET", get("Accept: text/event-stream", "Connection: upgrade", "Upgrade: websocket")],
    ["sse GET", get("Accept: text/event-stream", "Connection: Upgrade", "Upgrade: TLS/1.0, h2c")],
    [
      "sse POST",
      post(
        "Connection: Upgrade, HTTP2-Settings",
        "Content-Length: 0",
        "HTTP2-Settings: AAEAAEAAAAIAAAAA",
        "Upgrade: h2c",
        "Accept: text/event-stream"
      )
    ],
    ["http", get()],
    ["http", get("Accept: */*")],
    ["http", get("Accept: text/*")],
    ["http", get("Accept: text/event-stream;q=0")],
    ["http", get("Accept: text/event-stream; q=0.000, text/html")],
    ["http", get("Accept: text/event-streams")],
    ["http", get("X-Accept: text/event-stream")]
  ]

  it.effect.each(requests)("%s: %j", ([type, request]) =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(typed)
      const transport = yield* converse(harness, request)
      assert.isTrue(transport.text.endsWith(`\r\n\r\n${type}`), transport.text)
      yield* finish(harness, transport)
    })
  )

  it.effect("http for an application that says it has no streams, sse for one that says nothing", () =>
    Effect.gen(function* () {
      const without = yield* makeHarness(PagiApp.make({ http: hello }))
      const ordinary = yield* converse(without, getStream())
      assert.isTrue(ordinary.text.endsWith("hello /"))
      yield* finish(without, ordinary)
      const types: Array<string> = []
      const silent = yield* makeHarness((scope) => Effect.sync(() => types.push(scope.type)))
      const unanswered = yield* converse(silent, getStream())
      assert.deepStrictEqual([types, statuses(unanswered.text)], [["sse"], [500]])
      yield* finish(silent, unanswered)
    })
  )

  it.effect("the scope tells of the request, and has no connection state", () =>
    Effect.gen(function* () {
      const scopes: Array<SseScope> = []
      const application = streaming((scope, _receive, send) => {
        scopes.push(scope)
        return Effect.andThen(send(start), send(close))
      })
      const harness = yield* makeHarness(application, { state: { count: 1 } })
      const request = lines("POST /a%20b?c=%20 HTTP/1.1", "Host: x", "Accept: text/event-stream", "Last-Event-ID: 7")
      const transport = yield* converse(harness, request)
      const [scope] = scopes
      if (scope === undefined) return assert.fail("the application was not run")
      const { shuttingDown, transport: writeBuffer, ...rest } = scope
      assert.isTrue(Effect.isEffect(shuttingDown))
      assert.strictEqual(writeBuffer.bufferedAmount, 0)
      assert.deepStrictEqual(rest, {
        type: "sse",
        pagi: { version: "0.3", specVersion: "0.3" },
        httpVersion: "1.1",
        scheme: "http",
        method: "POST",
        path: "/a b",
        rawPath: "/a%20b",
        queryString: "c=%20",
        rootPath: "",
        headers: [
          ["host", "x"],
          ["accept", "text/event-stream"],
          ["last-event-id", "7"]
        ],
        client: ["127.0.0.1", 54321],
        server: ["127.0.0.1", 5000],
        state: { count: 1 },
        extensions: { fullflush: {} },
        readiness: harness.server.readiness
      })
      yield* finish(harness, transport)
    })
  )
})

describe("the bytes of a stream", () => {
  it.effect("are chunks, behind a head of its own, and the head does not wait for an event", () =>
    Effect.gen(function* () {
      const application = streaming((_scope, _receive, send) => Effect.andThen(send(start), Effect.never))
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream())
      const [head = "", ...fields] = transport.text.split("\r\n")
      assert.strictEqual(head, "HTTP/1.1 200 OK")
      assert.deepStrictEqual(fields.map((field) => field.replace(/^date: .*/, "date")).toSorted(), [
        "",
        "",
        "cache-control: no-cache",
        "content-type: text/event-stream",
        "date",
        "transfer-encoding: chunked"
      ])
      transport.fail()
      yield* turn
      assert.strictEqual(harness.log.length, 1)
    })
  )

  it.effect("are exactly the events, one chunk for each of them", () =>
    Effect.gen(function* () {
      const application = streaming(
        sending(
          { type: "sse.start", headers: [["X-A", "1"]] },
          { type: "sse.send", data: "a\nb\r\nc\rd", event: "e", id: "7", retry: 50 },
          { type: "sse.comment", comment: "hm" },
          { type: "sse.send", data: "ä" },
          close
        )
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream())
      const body = transport.text.slice(transport.text.indexOf("\r\n\r\n") + 4)
      const chunks = [
        "event: e\nid: 7\nretry: 50\ndata: a\ndata: b\ndata: c\ndata: d\n\n",
        ":hm\n\n",
        "data: \xc3\xa4\n\n",
        ""
      ]
      const size = (chunk: string) => chunk.length.toString(16)
      assert.strictEqual(body, chunks.map((chunk) => `${size(chunk)}\r\n${chunk}\r\n`).join(""))
      assert.include(transport.text, "x-a: 1\r\n")
      yield* finish(harness, transport)
      assert.deepStrictEqual(harness.errors, [])
    })
  )

  const injections: ReadonlyArray<SseSendEvent> = [
    { type: "sse.send", data: "", event: "a\ndata: evil" },
    { type: "sse.send", data: "", event: "a\rdata: evil" },
    { type: "sse.send", data: "", id: "a\r\ndata: evil" },
    { type: "sse.send", data: "", id: "a\0" },
    { type: "sse.comment", comment: "a\ndata: evil\n\ndata: evil" },
    { type: "sse.comment", comment: "a\r\rdata: evil" },
    { type: "sse.send", data: "a\n\nevent: evil" },
    { type: "sse.keepalive", interval: 60, comment: "a\ndata: evil" }
  ]

  it.effect.each(injections)("no line of its own out of %j", (injection) =>
    Effect.gen(function* () {
      const application = streaming((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* Effect.ignore(send(injection))
          yield* send(close)
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream())
      assert.notMatch(readStream(transport.text)[0].body, /(^|[\r\n])(data|event): evil/)
      yield* finish(harness, transport)
    })
  )

  it.effect("a header with a line break is refused, and so is a content-length", () =>
    Effect.gen(function* () {
      const errors: Array<SendError> = []
      const application = streaming((_scope, _receive, send) =>
        Effect.gen(function* () {
          for (const field of [
            ["x-a", "1\r\nx-b: 2"],
            ["x a", "1"],
            ["content-length", "3"]
          ] as const) {
            errors.push(yield* Effect.flip(send({ type: "sse.start", headers: [field] })))
          }
          yield* send(start)
          yield* send(close)
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream())
      assert.deepStrictEqual(
        errors.map((error) => error.reason._tag),
        ["ResponseRefused", "ResponseRefused", "ResponseRefused"]
      )
      assert.deepStrictEqual(statuses(transport.text), [200])
      yield* finish(harness, transport)
    })
  )

  it.effect("HTTP/1.0: until the connection closes", () =>
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

  it.effect("none for HEAD, and the application's events go nowhere", () =>
    Effect.gen(function* () {
      const reasons: Array<string> = []
      const application = streaming((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* Effect.forEach([start, event("a"), event("b"), close, close], (event) => send(event))
          const end = yield* receive
          if (end.type === "sse.disconnect") reasons.push(end.reason)
        })
      )
      const harness = yield* makeHarness(application)
      const head = lines("HEAD / HTTP/1.1", "Host: a", "Accept: text/event-stream")
      const transport = yield* converse(harness, head + get())
      const [response, rest] = readStream(transport.text, "HEAD")
      assert.deepStrictEqual([response.status, response.body], [200, ""])
      assert.include(response.headers.join("\n"), "content-type,text/event-stream")
      assert.strictEqual(readStream(rest)[0].body, "ordinary")
      assert.deepStrictEqual(reasons, ["closed"])
      yield* finish(harness, transport)
      assert.deepStrictEqual(harness.errors, [])
    })
  )

  it.effect.each([204, 205, 304])("none with status %i, and the connection goes on", (status) =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(streaming(sending({ type: "sse.start", status }, event("a"), event("b"))))
      const transport = yield* converse(harness, getStream() + get())
      const [response, rest] = readStream(transport.text)
      assert.deepStrictEqual([response.status, response.body], [status, ""])
      assert.strictEqual(readStream(rest)[0].body, "ordinary")
      yield* finish(harness, transport)
      assert.deepStrictEqual(harness.errors, [])
    })
  )
})

describe("the request body", () => {
  /** Sends back what it receives, piece by piece. */
  const echoing = streaming((_scope, receive: Receive, send) =>
    Effect.gen(function* () {
      yield* send(start)
      for (let more = true; more;) {
        const piece = yield* receive
        if (piece.type === "sse.disconnect") return
        more = piece.more
        yield* send(event(`${textOf(piece.body)}${more ? "…" : ""}`))
      }
    })
  )

  it.effect("arrives in sse.request, with a length and in chunks", () =>
    Effect.gen(function* () {
      const requests = [
        `${post("Accept: text/event-stream", "Content-Length: 5")}hello`,
        chunked("5\r\nhello\r\n0\r\n\r\n").replace("\r\n\r\n", "\r\nAccept: text/event-stream\r\n\r\n")
      ]
      for (const request of requests) {
        const harness = yield* makeHarness(echoing)
        const transport = yield* converse(harness, request)
        const data = [...readStream(transport.text)[0].body.matchAll(/^data: (.*)$/gm)].map((line) => line[1])
        assert.strictEqual(data.join("").replaceAll(/[^a-z]/g, ""), "hello")
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("is one empty piece for a GET", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(echoing)
      const transport = yield* converse(harness, getStream())
      assert.strictEqual(readStream(transport.text)[0].body, "data: \n\n")
      yield* finish(harness, transport)
    })
  )

  it.effect("may go on during the stream; 100 Continue comes with the first receive", () =>
    Effect.gen(function* () {
      const application = streaming((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* receive
          yield* send(start)
          yield* send(event("got it"))
          yield* receive
          yield* send(event("got that too"))
        })
      )
      const harness = yield* makeHarness(application)
      const request = post("Accept: text/event-stream", "Content-Length: 2", "Expect: 100-continue")
      const transport = yield* converse(harness, request)
      assert.strictEqual(transport.read(), "HTTP/1.1 100 Continue\r\n\r\n")
      transport.push("a")
      yield* turn
      assert.isTrue(transport.text.endsWith("data: got it\n\n\r\n"))
      transport.push("b")
      yield* turn
      assert.include(readStream(transport.text)[0].body, "data: got that too\n\n")
      yield* finish(harness, transport)
    })
  )

  it.effect("that is malformed breaks the stream off", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(echoing)
      const request = lines("POST / HTTP/1.1", "Host: a", "Accept: text/event-stream", "Transfer-Encoding: chunked")
      const transport = yield* converse(harness, request)
      transport.push("oops\r\n")
      yield* turn
      assert.notInclude(transport.text, "\r\n0\r\n\r\n")
      assert.notStrictEqual(transport.ending, "open")
      yield* finish(harness, transport)
      assert.deepStrictEqual(harness.errors, [])
    })
  )
})
