/** How event streams end, and how long they last. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import type * as PagiApp from "../../src/contract/PagiApp.ts"
import { close, disconnected, event, getStream, sending, start, streaming, watching } from "./support/EventStreams.ts"
import { ask, assertCost, finish, makeHarness, outcomes, readFor, turn } from "./support/Harness.ts"
import type { Client, ClientExchange, Version } from "./support/Version.ts"

export const testStreamEndings = (version: Version): void => {
  it.effect("when the application returns: the stream is complete, and the connection serves on", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, streaming(sending(start, event("a"))))
      const { client, exchange } = yield* ask(harness, getStream)
      assert.deepInclude(exchange.response, { body: "data: a\n\n", state: "complete" })
      assert.deepStrictEqual(outcomes(harness), ["200 complete"])
      const next = client.request()
      yield* turn
      assert.strictEqual(next.response.body, "ordinary")
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, client)
    })
  )

  for (const [when, later] of [
    ["at once", Effect.void],
    ["later", Effect.yieldNow]
  ] as const) {
    it.effect(`when the application fails ${when}: it is broken off, and logged once`, () =>
      Effect.gen(function* () {
        const application = streaming((_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start)
            yield* send(event("a"))
            yield* later
            return yield* Effect.fail("broken")
          })
        )
        const harness = yield* makeHarness(version, application)
        const { client, exchange } = yield* ask(harness, getStream)
        assert.deepInclude(exchange.response, { body: "data: a\n\n", state: "broken" })
        assert.strictEqual(harness.errors.length, 1)
        assertCost(harness, client)
        yield* finish(harness, client)
      })
    )
  }

  it.effect("when the application ends before it has started: 500, logged", () =>
    Effect.gen(function* () {
      for (const ending of [Effect.void, Effect.fail("broken"), Effect.die("broken")]) {
        const harness = yield* makeHarness(
          version,
          streaming(() => ending)
        )
        const { client, exchange } = yield* ask(harness, getStream)
        assert.deepInclude(exchange.response, { status: 500, state: "complete" })
        assert.strictEqual(harness.errors.length, 1)
        yield* finish(harness, client)
      }
    })
  )

  it.effect("when the application ends in the middle of an ordinary response: it is broken off, and logged", () =>
    Effect.gen(function* () {
      const application = streaming(
        sending(
          { type: "sse.http.response.start", status: 200 },
          { type: "sse.http.response.body", body: "part", more: true }
        )
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, getStream)
      assert.deepInclude(exchange.response, { body: "part", state: "broken" })
      assert.strictEqual(harness.errors.length, 1)
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )

  const leaving: ReadonlyArray<
    readonly [how: string, leave: (client: Client, exchange: ClientExchange) => void, reason: string]
  > = [
    ["closes its side", ({ transport }) => transport.pushEnd(), "client_closed"],
    ["resets", ({ transport }) => transport.fail("read_error"), "read_error"],
    ["gives the stream up", (_, exchange) => exchange.abandon(), "client_closed"]
  ]
  for (const [how, leave, reason] of leaving) {
    it.effect(`when the peer ${how}: sse.disconnect with ${reason}, and nothing that follows is logged`, () =>
      Effect.gen(function* () {
        const notes: Array<string> = []
        const application = streaming((_scope, receive, send) =>
          Effect.gen(function* () {
            yield* send(start)
            yield* send(event("a"))
            notes.push(yield* disconnected(receive))
            yield* send(event("into the void"))
            return yield* Effect.fail("broken")
          })
        )
        const harness = yield* makeHarness(version, application)
        const { client, exchange } = yield* ask(harness, getStream)
        leave(client, exchange)
        yield* turn
        assert.deepStrictEqual(notes, [reason])
        assert.deepStrictEqual(outcomes(harness), [`200 ${reason}`])
        assert.deepStrictEqual(harness.errors, [])
        yield* finish(harness, client)
      })
    )
  }

  it.effect("when the peer leaves while the application waits for room: its send goes on", () =>
    Effect.gen(function* () {
      let sent = 0
      const application = streaming((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          for (; sent < 2; sent++) yield* send(event("x".repeat(40_000)))
          yield* disconnected(receive)
        })
      )
      const harness = yield* makeHarness(version, application, {
        options: { writeHighWatermark: 500, writeLowWatermark: 100 }
      })
      const { client } = yield* ask(harness, getStream, { capacity: 100 })
      assert.strictEqual(sent, 0)
      client.transport.fail()
      yield* turn
      assert.strictEqual(sent, 2)
      yield* finish(harness)
    })
  )

  it.effect("for an application that does not notice: it is interrupted after disconnectGrace", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const application = streaming((_scope, _receive, send) =>
        Effect.andThen(
          send(start),
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => notes.push("interrupted")))
        )
      )
      const harness = yield* makeHarness(version, application, { options: { disconnectGrace: "2 seconds" } })
      const { client } = yield* ask(harness, getStream)
      client.transport.fail()
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(notes, [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["interrupted"])
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness)
    })
  )
}

export const testStreamTime = (version: Version): void => {
  it.effect("send waits for a peer that is behind, and the stream stays bounded and whole", () =>
    Effect.gen(function* () {
      let sent = 0
      let maximum = 0
      const application = streaming(({ transport }, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          for (; sent < 500; sent++) {
            yield* send(event(`${sent} ${"x".repeat(100)}`))
            maximum = Math.max(maximum, transport.bufferedAmount)
          }
        })
      )
      const harness = yield* makeHarness(version, application, {
        options: { writeHighWatermark: 1000, writeLowWatermark: 100 }
      })
      const client = harness.connect({ capacity: 300 })
      const exchange = client.request(getStream)
      yield* turn
      assert.isBelow(sent, 200)
      yield* readFor(client, 500)
      const expected = Array.from({ length: 500 }, (_, index) => `data: ${index} ${"x".repeat(100)}\n\n`)
      assert.deepInclude(exchange.response, { body: expected.join(""), state: "complete" })
      assert.isAtMost(maximum, 1200)
      yield* finish(harness, client)
    })
  )

  it.effect("a peer that reads nothing is dropped after writeTimeout, keepalive or not", () =>
    Effect.gen(function* () {
      const { application, notes } = watching({ type: "sse.keepalive", interval: 1 }, event("x".repeat(1000)))
      const harness = yield* makeHarness(version, application, { options: { writeTimeout: "10 seconds" } })
      const { client } = yield* ask(harness, getStream, { capacity: 500 })
      yield* TestClock.adjust("9900 millis")
      assert.deepStrictEqual(notes, [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["write_timeout"])
      assert.strictEqual(client.transport.ending, "reset")
      yield* finish(harness)
    })
  )

  it.effect("keepalive comments reach the peer, and stop with the stream", () =>
    Effect.gen(function* () {
      const mayClose = Latch.makeUnsafe()
      const application = streaming((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* send({ type: "sse.keepalive", interval: 15, comment: "still here" })
          yield* mayClose.await
          yield* send(close)
        })
      )
      // Both would end a connection on which nothing happens.
      const options = { timeout: "7 seconds", requestTimeout: "5 seconds" } as const
      const harness = yield* makeHarness(version, application, { options })
      const { client, exchange } = yield* ask(harness, getStream)
      yield* TestClock.adjust("14900 millis")
      assert.strictEqual(exchange.response.body, "")
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(exchange.response.body, ":still here\n\n")
      yield* TestClock.adjust("15 seconds")
      mayClose.openUnsafe()
      yield* turn
      assert.deepInclude(exchange.response, { body: ":still here\n\n:still here\n\n", state: "complete" })
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(exchange.response.body, ":still here\n\n:still here\n\n")
      yield* finish(harness, client)
    })
  )

  it.effect("sseIdleTimeout ends a silent stream as if it were complete", () =>
    Effect.gen(function* () {
      const { application, notes } = watching(event("a"))
      const harness = yield* makeHarness(version, application, { options: { sseIdleTimeout: "20 seconds" } })
      const { client, exchange } = yield* ask(harness, getStream)
      yield* TestClock.adjust("19900 millis")
      assert.deepStrictEqual(notes, [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["idle_timeout"])
      assert.deepInclude(exchange.response, { body: "data: a\n\n", state: "complete" })
      assert.deepStrictEqual(harness.errors, [])
      assert.deepStrictEqual(outcomes(harness), ["200 idle_timeout"])
      assert.deepStrictEqual(harness.events, [
        "opened",
        "started GET /",
        "application",
        "limit sseIdleTimeout",
        "ended GET / 200 idle_timeout"
      ])
      assert.strictEqual(harness.log[0]?.kind, "sse")
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )

  it.effect("requestTimeout does not limit a stream, but what precedes it and what replaces it", () =>
    Effect.gen(function* () {
      const options = { requestTimeout: "10 seconds" } as const
      const { application, notes } = watching(event("a"))
      const stream = yield* makeHarness(version, application, { options })
      const { client: open } = yield* ask(stream, getStream)
      yield* TestClock.adjust("20 minutes")
      assert.deepStrictEqual([open.transport.ending, notes], ["open", []])
      yield* finish(stream, open)

      const handlers: ReadonlyArray<PagiApp.SseHandler<unknown>> = [
        (_scope, receive) => disconnected(receive),
        (_scope, receive, send) =>
          Effect.andThen(send({ type: "sse.http.response.start", status: 200 }), disconnected(receive))
      ]
      for (const handler of handlers) {
        const harness = yield* makeHarness(version, streaming(handler), { options })
        const request = { method: "POST", more: true, ...getStream }
        const { client, exchange } = yield* ask(harness, request)
        exchange.send("slow")
        yield* TestClock.adjust("9900 millis")
        assert.strictEqual(exchange.response.state, "pending")
        yield* TestClock.adjust("10300 millis")
        assert.strictEqual(exchange.response.state, "broken")
        assert.strictEqual(harness.log[0]?.outcome, "client_timeout")
        yield* finish(harness, client)
      }
    })
  )
}

export const testStoppedStreams = (version: Version): void => {
  it.effect("drain: the application can say goodbye, then the stream ends as if it were complete", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const application = streaming(({ shuttingDown }, receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* shuttingDown
          yield* send(event("goodbye"))
          notes.push(yield* disconnected(receive))
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, getStream)
      harness.server.registry.drain()
      yield* harness.server.beginShutdown
      yield* turn
      assert.deepInclude(exchange.response, { body: "data: goodbye\n\n", state: "pending" })
      assert.strictEqual(client.transport.ending, "open")
      yield* TestClock.adjust("200 millis")
      assert.deepInclude(exchange.response, { body: "data: goodbye\n\n", state: "complete" })
      assert.strictEqual(client.transport.ending, "ended")
      assert.deepStrictEqual(notes, ["server_shutdown"])
      assert.deepStrictEqual(harness.errors, [])
      assert.deepStrictEqual(outcomes(harness), ["200 server_shutdown"])
      yield* finish(harness, client)
    })
  )

  it.effect("drain: a stream that starts meanwhile is told to end; an application that runs on is interrupted", () =>
    Effect.gen(function* () {
      const mayStart = Latch.makeUnsafe()
      const notes: Array<string> = []
      const application = streaming((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* mayStart.await
          yield* send(start)
          yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => notes.push("interrupted")))
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, getStream)
      harness.server.registry.drain()
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(exchange.response, { status: undefined, state: "pending" })
      mayStart.openUnsafe()
      yield* turn
      yield* TestClock.adjust("200 millis")
      assert.deepInclude(exchange.response, { status: 200, body: "", state: "complete" })
      assert.isFalse(client.mayAskAgain)
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(client.transport.ending, "ended")
      client.transport.pushEnd()
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(notes, ["interrupted"])
      yield* finish(harness)
    })
  )

  it.effect("abort: broken off", () =>
    Effect.gen(function* () {
      const { application, notes } = watching(event("a"))
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, getStream)
      harness.server.registry.abort("server_shutdown")
      yield* turn
      assert.deepStrictEqual(notes, ["server_shutdown"])
      assert.strictEqual(exchange.response.state, "broken")
      assert.strictEqual(client.transport.ending, "destroyed")
      yield* finish(harness)
    })
  )
}
