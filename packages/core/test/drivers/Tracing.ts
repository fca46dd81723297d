/** The span of an exchange, on a server whose program has a tracer. */
import { assert, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import type * as PagiApp from "../../src/contract/PagiApp.ts"
import { last, piece, readBody, recorded, respond, sendAll, start } from "./support/Applications.ts"
import * as Streams from "./support/EventStreams.ts"
import { accept, close, endSessions, handshake, receiveAll, serveSessions } from "./support/FakeWebSocket.ts"
import { ask, finish, makeHarness, turn } from "./support/Harness.ts"
import { attributesOf, eventNames, exitOf, parentOf, RecordingTracer } from "./support/RecordingTracer.ts"
import type { Version } from "./support/Version.ts"

class Broken extends Error {
  override readonly name = "Broken"
}

/** Ends in the way that the path names. */
const handler: PagiApp.HttpHandler<unknown> = (scope, receive, send) => {
  switch (scope.path) {
    case "/child":
      return Effect.withSpan(respond(send, "ok"), "child")
    case "/missing":
      return sendAll(send, [start(404), last()])
    case "/unavailable":
      return sendAll(send, [start(503), last()])
    case "/fail":
      return Effect.fail(new Broken("why"))
    case "/nothing":
      return Effect.void
    case "/breaks":
      return Effect.andThen(sendAll(send, [start(201), piece("part")]), Effect.die(new Broken("why")))
    case "/read":
      return Effect.andThen(readBody(receive), respond(send, "read"))
    case "/never":
      return Effect.never
    default:
      return respond(send, "ok")
  }
}

const { application } = recorded<unknown>(handler)

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"

/** How spans end, with the attributes that say so. */
const endOf = (recording: RecordingTracer) =>
  recording.spans.map((span) => {
    const exit = exitOf(span)
    const { "error.type": errorType, "http.response.status_code": status } = attributesOf(span)
    const end =
      exit === undefined
        ? "open"
        : Exit.isSuccess(exit)
          ? "ok"
          : Cause.hasInterruptsOnly(exit.cause)
            ? "interrupted"
            : Cause.prettyErrors(exit.cause)[0]?.message
    return [span.attributes.get("url.path"), status, errorType, end]
  })

export const testSpans = (version: Version): void => {
  it.effect("says what the request and the response are, and is the parent of the application's", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const harness = yield* recording.provide(makeHarness(version, application))
      yield* TestClock.setTime(5)
      const { client } = yield* ask(harness, {
        method: "POST",
        path: "/child?a=b&sig=secret",
        authority: "example.com:8080",
        fields: [["user-agent", "curl/8"]]
      })
      const [span, child] = recording.spans
      assert.isDefined(span)
      assert.isDefined(child)
      assert.deepInclude(span, { name: "POST", kind: "server", sampled: true })
      assert.isUndefined(parentOf(span))
      assert.strictEqual(parentOf(child), span)
      assert.deepStrictEqual(attributesOf(span), {
        "http.request.method": "POST",
        "url.path": "/child",
        "url.query": "a=b&sig=REDACTED",
        "url.scheme": "http",
        "server.address": "example.com",
        "server.port": 8080,
        "client.address": "127.0.0.1",
        "client.port": 54321,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": 54321,
        "network.protocol.name": "http",
        "network.protocol.version": version.httpVersion,
        "user_agent.original": "curl/8",
        "http.response.status_code": 200
      })
      assert.deepStrictEqual(span.status, {
        _tag: "Ended",
        startTime: 5_000_000n,
        endTime: 5_000_000n,
        exit: Exit.void
      })
      assert.deepStrictEqual(span.events, [])
      yield* finish(harness, client)
    })
  )

  it.effect("is below the span of the caller", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const harness = yield* recording.provide(makeHarness(version, application))
      const headers = [
        ["traceparent", `00-${traceId}-${spanId}-01`],
        ["b3", `${traceId}-${spanId}-0`],
        ["traceparent", `00-${traceId}-${spanId}-00`]
      ] as const
      const client = harness.connect()
      for (const field of headers) client.request({ fields: [field] })
      client.request()
      yield* turn
      const told = { traceId, spanId, _tag: "ExternalSpan" } as const
      const [w3c, b3, unsampled, none] = recording.spans
      assert.isDefined(w3c)
      assert.isDefined(b3)
      assert.isDefined(unsampled)
      assert.isDefined(none)
      assert.deepInclude(parentOf(w3c), { ...told, sampled: true })
      assert.deepInclude(parentOf(b3), { ...told, sampled: false })
      assert.deepInclude(parentOf(unsampled), { ...told, sampled: false })
      assert.isUndefined(parentOf(none))
      assert.deepStrictEqual([w3c.traceId, unsampled.traceId], [traceId, traceId])
      assert.notStrictEqual(none.traceId, traceId)
      // Nobody looks at it.
      assert.deepStrictEqual([unsampled.sampled, attributesOf(unsampled)], [false, {}])
      assert.deepStrictEqual(exitOf(unsampled), Exit.void)
      yield* finish(harness, client)
    })
  )

  it.effect("has the status error for 5xx, for failures, and for what was broken off", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const harness = yield* recording.provide(makeHarness(version, application, { options: { maxBodySize: 5 } }))
      const paths = ["/", "/missing", "/unavailable", "/fail", "/nothing", "/breaks"]
      const asked = yield* Effect.forEach(paths, (path) => ask(harness, { path }))
      const { client, exchange } = yield* ask(harness, { method: "POST", path: "/read", more: true })
      exchange.send("123456")
      yield* turn
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(endOf(recording), [
        ["/", 200, undefined, "ok"],
        ["/missing", 404, undefined, "ok"],
        ["/unavailable", 503, "503", "the response has the status 503"],
        ["/fail", 500, "Broken", "why"],
        ["/nothing", 500, "500", "the response has the status 500"],
        ["/breaks", 201, "Broken", "why"],
        ["/read", 413, "body_too_large", "the exchange was broken off: body_too_large"]
      ])
      yield* finish(harness, client, ...asked.map(({ client }) => client))
    })
  )

  it.effect("is interrupted by a client that leaves, and ends with the application", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const options = { disconnectGrace: "2 seconds" } as const
      const harness = yield* recording.provide(makeHarness(version, application, { options }))
      const { client, exchange } = yield* ask(harness, { path: "/never" })
      exchange.abandon()
      yield* turn
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(endOf(recording), [["/never", undefined, undefined, "open"]])
      yield* TestClock.adjust("2 seconds")
      yield* turn
      assert.deepStrictEqual(endOf(recording), [["/never", undefined, "client_closed", "interrupted"]])
      yield* finish(harness, client)
    })
  )

  it.effect("ends with an application that runs on behind its response", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const latch = yield* Latch.make()
      const { application } = recorded<unknown>((_, __, send) => Effect.andThen(respond(send, "ok"), latch.await))
      const harness = yield* recording.provide(makeHarness(version, application))
      const { client, exchange } = yield* ask(harness)
      assert.strictEqual(exchange.response.state, "complete")
      assert.deepStrictEqual(endOf(recording), [["/", undefined, undefined, "open"]])
      yield* latch.open
      yield* turn
      assert.deepStrictEqual(endOf(recording), [["/", 200, undefined, "ok"]])
      yield* finish(harness, client)
    })
  )

  it.effect("is not made without a tracer, nor where tracing is turned off", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const off = Effect.provideService(References.TracerEnabled, false)
      for (const harness of [
        yield* makeHarness(version, application),
        yield* recording.provide(off(makeHarness(version, application)))
      ]) {
        assert.isUndefined(harness.server.tracer)
        const { client, exchange } = yield* ask(harness, { path: "/child" })
        assert.strictEqual(exchange.response.body, "ok")
        yield* finish(harness, client)
      }
      assert.deepStrictEqual(recording.spans, [])
    })
  )

  it.effect("is of no request that the server refuses before the application", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const harness = yield* recording.provide(makeHarness(version, application))
      const client = harness.connect({ secure: true, expectedHost: "b" })
      const { response } = client.request()
      yield* turn
      assert.strictEqual(response.status, 421)
      assert.deepStrictEqual(recording.spans, [])
      yield* finish(harness, client)
    })
  )
}

export const testSessionSpans = (version: Version): void => {
  it.effect("of an event stream tells its beginning, its first event and its end", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const { application } = Streams.watching(Streams.event("a"), Streams.event("b"))
      const harness = yield* recording.provide(makeHarness(version, application))
      const { client, exchange } = yield* ask(harness, Streams.getStream)
      const [span] = recording.spans
      assert.isDefined(span)
      assert.deepStrictEqual(eventNames(span), ["sse.start", "sse.send"])
      assert.isUndefined(exitOf(span))
      exchange.abandon()
      yield* turn
      assert.deepStrictEqual(eventNames(span), ["sse.start", "sse.send", "sse.close"])
      assert.deepStrictEqual(span.events[2]?.[2], { outcome: "client_closed" })
      // As most streams do.
      assert.deepStrictEqual(endOf(recording), [["/", 200, undefined, "ok"]])
      yield* finish(harness, client)
    })
  )

  it.effect("of an ordinary response in its place has no events", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const application = Streams.streaming((_, __, send) =>
        Effect.andThen(
          send({ type: "sse.http.response.start", status: 404 }),
          send({ type: "sse.http.response.body", body: "no" })
        )
      )
      const harness = yield* recording.provide(makeHarness(version, application))
      const { client } = yield* ask(harness, Streams.getStream)
      const [span] = recording.spans
      assert.deepStrictEqual(span?.events, [])
      assert.deepStrictEqual(endOf(recording), [["/", 404, undefined, "ok"]])
      yield* finish(harness, client)
    })
  )

  it.effect("of a WebSocket tells its beginning and its end", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const { harness } = yield* recording.provide(
        serveSessions(version, (_, receive, send) =>
          Effect.andThen(send(accept), Effect.withSpan(receiveAll(receive), "session"))
        )
      )
      const { client } = yield* handshake(harness, { path: "/a?b" })
      const span = recording.span(version.httpVersion === "2" ? "CONNECT" : "GET")
      assert.deepInclude(span, { kind: "server" })
      assert.strictEqual(parentOf(recording.span("session")), span)
      assert.deepStrictEqual(eventNames(span), ["websocket.accept"])
      assert.isUndefined(exitOf(span))
      yield* endSessions(harness, client)
      assert.deepStrictEqual(eventNames(span), ["websocket.accept", "websocket.close"])
      assert.deepInclude(attributesOf(span), {
        "url.path": "/a",
        "url.query": "b",
        "url.scheme": "http",
        "http.response.status_code": version.acceptedStatus
      })
      assert.deepStrictEqual(exitOf(span), Exit.void)
    })
  )

  it.effect("of a handshake that is refused has no events", () =>
    Effect.gen(function* () {
      const recording = new RecordingTracer()
      const { harness } = yield* recording.provide(serveSessions(version, (_, __, send) => send(close)))
      const { client } = yield* handshake(harness)
      const [span] = recording.spans
      assert.isDefined(span)
      assert.deepStrictEqual(endOf(recording), [["/", 403, undefined, "ok"]])
      assert.deepStrictEqual(span.events, [])
      yield* endSessions(harness, client)
    })
  )
}
