/** What goes wrong in an exchange costs this exchange alone, whatever the version of HTTP. */
import { assert, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import type { HttpHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Logger from "effect/Logger"
import { attempt, fetch, type HttpClient } from "./HttpSuiteClient.ts"
import { serveHttpWay, type Way } from "./HttpSuiteWay.ts"
import { answer } from "./Server.ts"
import { endless, mebibyte, pattern, settled } from "./Traffic.ts"
import { until } from "./Until.ts"

const isServed = (client: HttpClient) =>
  Effect.map(fetch(client, { path: "/good" }), ({ text }) => assert.strictEqual(text, "good"))

/** One handler for `/good`, another for the rest. */
const besides =
  (handler: HttpHandler<unknown>): HttpHandler<unknown> =>
  (scope, receive, send) =>
    scope.path === "/good" ? answer("good")(scope, receive, send) : handler(scope, receive, send)

/** Gives the messages that are logged instead of writing them. */
const withLog = <A, E, R>(run: (messages: ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const messages: Array<string> = []
    const logger = Logger.make(({ message }) => {
      messages.push(String(message))
    })
    return Effect.provide(run(messages), Logger.layer([logger]))
  })

/** Requests that are beyond a limit. */
export const testLimits = (way: Way): void => {
  const options = { maxHeaderSize: 2048, h2MaxHeaderListSize: 2048, maxHeaderCount: 20, maxBodySize: 100_000 }
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x-${index}`, "1"]))
  for (const [name, headers] of Object.entries({
    "with a large field": { "x-large": "a".repeat(2200) },
    "with many fields": many
  })) {
    it.live(`a request ${name} is refused with 431, and the next one is served`, () =>
      Effect.gen(function* () {
        const { client } = yield* serveHttpWay(way, answer("good"), options)
        for (const method of ["GET", "POST"]) {
          const { status } = yield* attempt(client, { method, headers })
          assert.strictEqual(status, 431)
        }
        yield* isServed(client)
      })
    )
  }

  /** Takes all that comes; the server answers when it is too much. */
  const drained: HttpHandler<unknown> = Effect.fnUntraced(function* (scope, receive, send) {
    for (let more = true; more;) {
      const event = yield* receive
      if (event.type === "http.disconnect") return
      more = event.more
    }
    yield* answer("all")(scope, receive, send)
  })

  for (const [name, content] of Object.entries({
    "of a length that says so": pattern(100_001),
    "of a length that is not told": Array.from({ length: 11 }, (_, index) => pattern(10_000, index))
  })) {
    it.live(`a content beyond the limit, ${name}, is refused with 413`, () =>
      Effect.gen(function* () {
        const { client } = yield* serveHttpWay(way, besides(drained), options)
        const { status, text } = yield* attempt(client, { method: "POST", content })
        assert.strictEqual(status, 413)
        assert.strictEqual(text, "The request body is too large\n")
        yield* isServed(client)
        const { text: all } = yield* fetch(client, { method: "POST", content: pattern(100_000) })
        assert.strictEqual(all, "all")
      })
    )
  }
}

/** Applications that fail. */
export const testFailures = (way: Way): void => {
  for (const [name, handler] of Object.entries<HttpHandler<unknown>>({
    fails: () => Effect.fail(new Error("on purpose")),
    dies: () => Effect.die("on purpose"),
    "returns without a response": () => Effect.void,
    "fails before the first piece of the body": (_scope, _receive, send) =>
      Effect.andThen(send({ type: "http.response.start", status: 200 }), Effect.fail("on purpose"))
  })) {
    it.live(`an application that ${name} is answered for with 500`, () =>
      withLog((messages) =>
        Effect.gen(function* () {
          const { client } = yield* serveHttpWay(way, besides(handler))
          const { status, text } = yield* attempt(client)
          assert.strictEqual(status, 500)
          assert.strictEqual(text, "internal server error\n")
          assert.strictEqual(messages.length, 1, messages.join())
          yield* isServed(client)
        })
      )
    )
  }

  const broken =
    (headers: ReadonlyArray<readonly [string, string]>, then: Effect.Effect<void, string>) =>
    (isSeen: Latch.Latch): HttpHandler<unknown> =>
    (_scope, _receive, send) =>
      send({ type: "http.response.start", status: 200, headers }).pipe(
        Effect.andThen(send({ type: "http.response.body", body: "half", more: true })),
        // The client shall see the first half in any case.
        Effect.andThen(isSeen.await),
        Effect.andThen(then)
      )
  for (const [name, make] of Object.entries({
    "whose application returns": broken([], Effect.void),
    "whose application fails": broken([], Effect.fail("on purpose")),
    "shorter than its content-length": broken([["content-length", "8"]], Effect.void)
  })) {
    it.live(`a response ${name} is no complete one for the client`, () =>
      withLog(() =>
        Effect.gen(function* () {
          const isSeen = Latch.makeUnsafe()
          const { client } = yield* serveHttpWay(way, besides(make(isSeen)))
          const exchange = client.begin({})
          yield* exchange.receives("half")
          yield* isSeen.open
          yield* exchange.ended
          const { outcome, status, text } = exchange
          assert.deepStrictEqual([status, text, outcome], [200, "half", "failed"])
          yield* isServed(client)
        })
      )
    )
  }
}

/** Peers that leave, or stay behind. */
export const testPeers = (way: Way): void => {
  const waiting = (reasons: Array<DisconnectReason | string>, started: { count: number }): HttpHandler<unknown> =>
    Effect.fnUntraced(function* (scope, receive) {
      started.count++
      reasons.push(yield* scope.connection.disconnected)
      for (let isOver = false; !isOver;) isOver = (yield* receive).type === "http.disconnect"
      reasons.push("disconnect")
    })

  for (const [name, request] of Object.entries({
    "a GET": {},
    "an upload": { method: "POST", content: [pattern(1000), pattern(1000)], headers: { expect: "100-continue" } }
  })) {
    it.live(`a client that leaves in the middle of ${name} is noticed by the application`, () =>
      Effect.gen(function* () {
        const reasons: Array<string> = []
        const started = { count: 0 }
        const { client, server } = yield* serveHttpWay(way, besides(waiting(reasons, started)))
        const exchange = client.begin(request)
        yield* until("the application runs", () => started.count === 1)
        exchange.abort()
        yield* until("it is told", () => reasons.length === 2)
        assert.deepStrictEqual(reasons, ["client_closed", "disconnect"])
        yield* isServed(client)
        yield* until("one connection is left", () => Effect.runSync(server.server.connectionCount) === 1)
      })
    )
  }

  it.live("a client that leaves in the middle of a response is noticed by the application", () =>
    Effect.gen(function* () {
      const { handler, sent } = endless(pattern(10_000))
      const { client } = yield* serveHttpWay(way, besides(handler))
      const exchange = client.begin({})
      yield* until("some of the response arrives", () => exchange.received > mebibyte)
      exchange.abort()
      yield* until("the application is told", () => sent.scope?.connection.isConnected === false)
      assert.strictEqual(sent.scope?.connection.disconnectReason, "client_closed")
      yield* isServed(client)
    })
  )

  it.live("an application waits for a client that reads nothing", () =>
    Effect.gen(function* () {
      const { handler, sent } = endless(pattern(16_384))
      const { client } = yield* serveHttpWay(way, handler)
      const exchange = client.begin({})
      yield* exchange.started
      exchange.pause()
      yield* settled("the number of sent pieces", () => sent.pieces)
      const before = sent.pieces
      assert.isAtMost(sent.highest, 65_536 + 16_384 + 65_536)
      exchange.resume()
      yield* until("it goes on", () => sent.pieces > before + 100)
      exchange.abort()
    })
  )

  it.live("a response before the end of the request arrives whole", () =>
    Effect.gen(function* () {
      const { client } = yield* serveHttpWay(way, answer("good"))
      const content = pattern(2 * mebibyte)
      for (let time = 0; time < 3; time++) {
        const { status, text } = yield* attempt(client, { method: "POST", content })
        assert.deepStrictEqual([status, text], [200, "good"])
      }
      yield* isServed(client)
    })
  )

  it.live("what was begun is finished when the server stops", () =>
    Effect.gen(function* () {
      let isRunning = false
      const { client, server } = yield* serveHttpWay(way, (scope, receive, send) =>
        Effect.suspend(() => {
          isRunning = true
          return Effect.andThen(scope.shuttingDown, answer("finished")(scope, receive, send))
        })
      )
      const exchange = client.begin({})
      yield* until("the application runs", () => isRunning)
      const stopping = yield* Effect.forkChild(server.server.shutdown, { startImmediately: true })
      yield* exchange.ended
      assert.deepStrictEqual([exchange.text, exchange.outcome], ["finished", "complete"])
      yield* Fiber.join(stopping)
    })
  )
}
