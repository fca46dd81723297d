import { assert, describe, it } from "@effect/vitest"
import type { SseReceiveEvent, SseSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import type { SseScope } from "@pagi/core/Scope"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { CANCEL } from "../../src/protocol/wire/ErrorCode.ts"
import { respond, type Send as HttpSend } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"
import { fieldOf } from "./support/Peer.ts"

type Receive = PagiApp.Receive<SseReceiveEvent>

const get = { fields: [["accept", "text/event-stream"]] } as const

/** An application with streams; it answers ordinary requests with the word "ordinary". */
const streaming = (sse: PagiApp.SseHandler<unknown>) =>
  PagiApp.make({ http: (_scope, _receive, send: HttpSend) => respond(send, "ordinary"), sse })

const start: SseSendEvent = { type: "sse.start" }
const event = (data: string): SseSendEvent => ({ type: "sse.send", data })

/** Waits for the end and yields its reason. */
const disconnected = Effect.fnUntraced(function* (receive: Receive) {
  for (;;) {
    const received = yield* receive
    if (received.type === "sse.disconnect") return received.reason
  }
})

/** A stream that is open until it ends from outside; notes why that was. */
const watching = (...events: ReadonlyArray<SseSendEvent>) => {
  const notes: Array<string> = []
  const scopes: Array<SseScope> = []
  const application = streaming((scope, receive, send) =>
    Effect.gen(function* () {
      scopes.push(scope)
      yield* Effect.forEach([start, ...events], (event) => send(event), { discard: true })
      notes.push(yield* disconnected(receive))
    })
  )
  return { application, notes, scopes }
}

describe("an event stream", () => {
  it.effect("has an sse scope, a content type, and events that go out at once", () =>
    Effect.gen(function* () {
      const { application, scopes } = watching(event("a"), { type: "sse.comment", comment: "b" })
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request({ ...get, path: "/events?x" })
      const ordinary = peer.request()
      yield* turn
      assert.deepStrictEqual(
        scopes.map(({ headers, httpVersion, method, path, queryString, type }) => [
          type,
          httpVersion,
          method,
          path,
          queryString,
          headers
        ]),
        [
          [
            "sse",
            "2",
            "GET",
            "/events",
            "x",
            [
              ["host", "a"],
              ["accept", "text/event-stream"]
            ]
          ]
        ]
      )
      const { body, headers, isComplete } = peer.response(id)
      assert.deepStrictEqual(headers, [
        ["content-type", "text/event-stream"],
        ["cache-control", "no-cache"],
        ["date", "Thu, 01 Jan 1970 00:00:00 GMT"]
      ])
      assert.strictEqual(body, "data: a\n\n:b\n\n")
      assert.isFalse(isComplete)
      assert.strictEqual(peer.response(ordinary).body, "ordinary")
      yield* finish(harness, peer)
    })
  )

  it.effect("sends its head alone when no event follows in the turn", () =>
    Effect.gen(function* () {
      const { application } = watching()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(get)
      yield* turn
      assert.strictEqual(peer.response(id).status, 200)
      assert.deepStrictEqual(peer.all("DATA"), [])
      yield* finish(harness, peer)
    })
  )

  it.effect("ends with its application", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(streaming((_, __, send) => Effect.andThen(send(start), send(event("a")))))
      const peer = harness.connect()
      const id = peer.request(get)
      yield* turn
      const { body, isComplete, reset } = peer.response(id)
      assert.deepStrictEqual([body, isComplete, reset], ["data: a\n\n", true, undefined])
      assert.strictEqual(harness.log[0]?.outcome, "complete")
      yield* finish(harness, peer)
    })
  )

  it.effect("is reset when its application fails", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(
        streaming((_, __, send) => Effect.andThen(send(start), Effect.andThen(Effect.yieldNow, Effect.fail("broken"))))
      )
      const peer = harness.connect()
      const id = peer.request(get)
      yield* turn
      assert.strictEqual(peer.response(id).reset, "INTERNAL_ERROR")
      assert.isFalse(peer.response(id).isComplete)
      assert.strictEqual(harness.errors.length, 1)
      yield* finish(harness, peer)
    })
  )

  it.effect("with HEAD is a head", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(watching(event("a")).application)
      const peer = harness.connect()
      const id = peer.request({ ...get, method: "HEAD" })
      yield* turn
      const { body, isComplete, status } = peer.response(id)
      assert.deepStrictEqual([status, body, isComplete], [200, "", true])
      yield* finish(harness, peer)
    })
  )

  it.effect("may be declined", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(
        streaming((_, __, send) =>
          Effect.andThen(
            send({ type: "sse.http.response.start", status: 404 }),
            send({ type: "sse.http.response.body", body: "none" })
          )
        )
      )
      const peer = harness.connect()
      const id = peer.request(get)
      yield* turn
      const { body, headers, status } = peer.response(id)
      assert.deepStrictEqual([status, body, fieldOf(headers, "content-length")], [404, "none", ["4"]])
      yield* finish(harness, peer)
    })
  )

  it.effect("whose peer resets it is told client_closed, and nothing is logged as an error", () =>
    Effect.gen(function* () {
      const { application, notes } = watching(event("a"))
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(get)
      yield* turn
      peer.reset(id, CANCEL)
      yield* turn
      assert.deepStrictEqual(notes, ["client_closed"])
      assert.deepStrictEqual(harness.errors, [])
      assert.deepStrictEqual(
        harness.log.map(({ outcome, status }) => [status, outcome]),
        [[200, "client_closed"]]
      )
      yield* finish(harness, peer)
    })
  )

  it.effect("keeps itself alive, and so its connection", () =>
    Effect.gen(function* () {
      const { application } = watching({ type: "sse.keepalive", interval: 10, comment: "still" })
      const harness = yield* makeHarness(application, {
        options: { timeout: "7 seconds", requestTimeout: "5 seconds" }
      })
      const peer = harness.connect()
      const id = peer.request(get)
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(peer.response(id).body, ":still\n\n".repeat(3))
      assert.strictEqual(peer.transport.ending, "open")
      yield* finish(harness, peer)
    })
  )

  it.effect("that is silent for sseIdleTimeout ends as if it were complete, and the connection goes on", () =>
    Effect.gen(function* () {
      const { application, notes } = watching(event("a"))
      const harness = yield* makeHarness(application, { options: { sseIdleTimeout: "20 seconds" } })
      const peer = harness.connect()
      const id = peer.request(get)
      yield* TestClock.adjust("19900 millis")
      assert.deepStrictEqual(notes, [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["idle_timeout"])
      assert.isTrue(peer.response(id).isComplete)
      const next = peer.request()
      yield* turn
      assert.strictEqual(peer.response(next).body, "ordinary")
      yield* finish(harness, peer)
    })
  )

  it.effect("that the server ends is logged with the reason, as over HTTP/1.1", () =>
    Effect.gen(function* () {
      const idle = yield* makeHarness(watching().application, { options: { sseIdleTimeout: "20 seconds" } })
      const first = idle.connect()
      first.request(get)
      yield* TestClock.adjust("21 seconds")
      assert.deepStrictEqual(
        idle.log.map(({ outcome, status }) => [status, outcome]),
        [[200, "idle_timeout"]]
      )
      yield* finish(idle, first)
      const draining = yield* makeHarness(watching().application)
      const second = draining.connect()
      second.request(get)
      yield* turn
      draining.server.registry.drain()
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(
        draining.log.map(({ outcome, status }) => [status, outcome]),
        [[200, "server_shutdown"]]
      )
      yield* finish(draining, second)
    })
  )

  it.effect("ends when the server drains, so that its client connects again", () =>
    Effect.gen(function* () {
      const { application, notes } = watching(event("a"))
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(get)
      yield* turn
      harness.server.registry.drain()
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["server_shutdown"])
      assert.isTrue(peer.response(id).isComplete)
      peer.ping("\0".repeat(8), true)
      yield* turn
      assert.strictEqual(peer.transport.ending, "ended")
      yield* finish(harness, peer)
    })
  )
})
