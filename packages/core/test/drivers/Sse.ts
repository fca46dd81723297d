/** Event streams: which requests get one, and its bytes. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { SseSendEvent } from "../../src/contract/Event.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import type { SseScope } from "../../src/contract/Scope.ts"
import type { SendError } from "../../src/contract/SendError.ts"
import { hello, respond, type Send as HttpSend } from "./support/Applications.ts"
import { close, event, getStream, type Send, sending, start, streaming } from "./support/EventStreams.ts"
import { ask, finish, makeHarness, turn } from "./support/Harness.ts"
import { type Fields, type RequestOptions, valuesOf, type Version } from "./support/Version.ts"

const accept = (...values: ReadonlyArray<string>): Fields => values.map((value) => ["accept", value] as const)

export const testStreamScopes = (version: Version): void => {
  const typed = PagiApp.make({
    http: (_scope, _receive, send: HttpSend) => respond(send, "http"),
    sse: (scope, _receive, send: Send) =>
      Effect.andThen(
        send({ type: "sse.http.response.start", status: 200 }),
        send({ type: "sse.http.response.body", body: `sse ${scope.method}` })
      )
  })

  const requests: ReadonlyArray<readonly [type: string, request: RequestOptions]> = [
    ["sse GET", { fields: accept("text/event-stream") }],
    ["sse GET", { fields: accept("Text/Event-Stream") }],
    ["sse GET", { fields: accept("text/html, text/event-stream;q=0.5, */*") }],
    ["sse GET", { fields: accept("text/html", "text/event-stream") }],
    ["sse GET", { fields: accept("text/event-stream", "text/html") }],
    ["sse POST", { method: "POST", fields: [...accept("text/event-stream"), ["content-length", "0"]] }],
    ["sse DELETE", { method: "DELETE", fields: accept("text/event-stream") }],
    ["http", {}],
    ["http", { fields: accept("*/*") }],
    ["http", { fields: accept("text/*") }],
    ["http", { fields: accept("text/event-stream;q=0") }],
    ["http", { fields: accept("text/event-stream; q=0.000, text/html") }],
    ["http", { fields: accept("text/event-streams") }],
    ["http", { fields: [["x-accept", "text/event-stream"]] }]
  ]

  it.effect.each(requests)("%s: %j", ([type, request]) =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, typed)
      const { client, exchange } = yield* ask(harness, request)
      assert.strictEqual(exchange.response.body, type)
      yield* finish(harness, client)
    })
  )

  it.effect("http for an application that says it has no streams, sse for one that says nothing", () =>
    Effect.gen(function* () {
      const without = yield* makeHarness(version, PagiApp.make({ http: hello }))
      const ordinary = yield* ask(without, getStream)
      assert.strictEqual(ordinary.exchange.response.body, "hello /")
      yield* finish(without, ordinary.client)
      const types: Array<string> = []
      const silent = yield* makeHarness(version, (scope) => Effect.sync(() => types.push(scope.type)))
      const unanswered = yield* ask(silent, getStream)
      assert.deepStrictEqual([types, unanswered.exchange.response.status], [["sse"], 500])
      yield* finish(silent, unanswered.client)
    })
  )

  it.effect("the scope tells of the request, and has no connection state", () =>
    Effect.gen(function* () {
      const scopes: Array<SseScope> = []
      const application = streaming((scope, _receive, send) => {
        scopes.push(scope)
        return Effect.andThen(send(start), send(close))
      })
      const harness = yield* makeHarness(version, application, { state: { count: 1 } })
      const { client } = yield* ask(harness, {
        method: "POST",
        path: "/a%20b?c=%20",
        authority: "x",
        fields: [...getStream.fields, ["last-event-id", "7"]]
      })
      const [scope] = scopes
      if (scope === undefined) return assert.fail("the application was not run")
      const { shuttingDown, transport: writeBuffer, ...rest } = scope
      assert.isTrue(Effect.isEffect(shuttingDown))
      assert.strictEqual(writeBuffer.bufferedAmount, 0)
      assert.deepStrictEqual(rest, {
        type: "sse",
        pagi: { version: "0.3", specVersion: "0.3" },
        httpVersion: version.httpVersion,
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
      yield* finish(harness, client)
    })
  )
}

export const testStreamBytes = (version: Version): void => {
  it.effect("have a head of their own, which does not wait for an event", () =>
    Effect.gen(function* () {
      const application = streaming((_scope, _receive, send) => Effect.andThen(send(start), Effect.never))
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, getStream)
      assert.deepInclude(exchange.response, { status: 200, body: "", state: "pending" })
      assert.deepStrictEqual(exchange.response.headers.toSorted(), [
        ["cache-control", "no-cache"],
        ["content-type", "text/event-stream"],
        ["date", "Thu, 01 Jan 1970 00:00:00 GMT"]
      ])
      client.transport.fail()
      yield* turn
      assert.strictEqual(harness.log.length, 1)
    })
  )

  it.effect("are exactly the events, each of which goes out at once", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const application = streaming((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send({ type: "sse.start", headers: [["X-A", "1"]] })
          for (const one of [
            { type: "sse.send", data: "a\nb\r\nc\rd", event: "e", id: "7", retry: 50 },
            { type: "sse.comment", comment: "hm" },
            { type: "sse.send", data: "ä" }
          ] as const) {
            yield* send(one)
            yield* turn
            seen.push(exchange.response.body)
          }
          yield* send(close)
        })
      )
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      const exchange = client.request(getStream)
      yield* Effect.repeat(turn, { times: 5 })
      const events = [
        "event: e\nid: 7\nretry: 50\ndata: a\ndata: b\ndata: c\ndata: d\n\n",
        ":hm\n\n",
        "data: \xc3\xa4\n\n"
      ]
      assert.deepStrictEqual(
        seen,
        events.map((_, index) => events.slice(0, index + 1).join(""))
      )
      assert.deepInclude(exchange.response, { body: events.join(""), state: "complete" })
      assert.deepStrictEqual(valuesOf(exchange.response.headers, "x-a"), ["1"])
      yield* finish(harness, client)
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

  it.effect.each(injections)("have no line of its own out of %j", (injection) =>
    Effect.gen(function* () {
      const application = streaming((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* Effect.ignore(send(injection))
          yield* send(close)
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, getStream)
      assert.strictEqual(exchange.response.state, "complete")
      assert.notMatch(exchange.response.body, /(^|[\r\n])(data|event): evil/)
      yield* finish(harness, client)
    })
  )

  it.effect("have no field with a line break before them, and no content-length", () =>
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
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, getStream)
      assert.deepStrictEqual(
        errors.map((error) => error.reason._tag),
        ["ResponseRefused", "ResponseRefused", "ResponseRefused"]
      )
      assert.deepInclude(exchange.response, { status: 200, state: "complete" })
      yield* finish(harness, client)
    })
  )

  it.effect("are none for HEAD, and the application's events go nowhere", () =>
    Effect.gen(function* () {
      const reasons: Array<string> = []
      const application = streaming((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* Effect.forEach([start, event("a"), event("b"), close, close], (event) => send(event))
          const end = yield* receive
          if (end.type === "sse.disconnect") reasons.push(end.reason)
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, { ...getStream, method: "HEAD" })
      const { body, headers, state, status } = exchange.response
      assert.deepStrictEqual([status, body, state], [200, "", "complete"])
      assert.deepStrictEqual(valuesOf(headers, "content-type"), ["text/event-stream"])
      const next = client.request()
      yield* turn
      assert.strictEqual(next.response.body, "ordinary")
      assert.deepStrictEqual(reasons, ["closed"])
      yield* finish(harness, client)
      assert.deepStrictEqual(harness.errors, [])
    })
  )

  it.effect.each([204, 205, 304])("are none with status %i, and the connection goes on", (status) =>
    Effect.gen(function* () {
      const application = streaming(sending({ type: "sse.start", status }, event("a"), event("b")))
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, getStream)
      assert.deepInclude(exchange.response, { status, body: "", state: "complete" })
      const next = client.request()
      yield* turn
      assert.strictEqual(next.response.body, "ordinary")
      yield* finish(harness, client)
      assert.deepStrictEqual(harness.errors, [])
    })
  )
}
