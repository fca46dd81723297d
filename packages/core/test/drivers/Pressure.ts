/** More requests than may run at the same time, and requests that take too long. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import * as PagiApp from "../../src/PagiApp.ts"
import { piece, readBody, recorded, respond, start } from "./support/Applications.ts"
import * as Streams from "./support/EventStreams.ts"
import { accepting, fakeSessions } from "./support/FakeWebSocket.ts"
import { ask, finish, makeHarness, outcomes, turn } from "./support/Harness.ts"
import { type Client, type ClientExchange, valuesOf, type Version } from "./support/Version.ts"

/** An application whose requests end when the test says so, by their paths. */
const gated = () => {
  const begun: Array<string> = []
  const latches = new Map<string, Latch.Latch>()
  const interrupted: Array<string> = []
  const { application } = recorded<unknown>(({ path }, _, send) => {
    begun.push(path)
    const latch = Latch.makeUnsafe()
    latches.set(path, latch)
    return Effect.andThen(latch.await, respond(send, `done ${path}`)).pipe(
      Effect.onInterrupt(() => Effect.sync(() => interrupted.push(path)))
    )
  })
  const end = (path: string) =>
    Effect.suspend(() => {
      latches.get(path)?.openUnsafe()
      return turn
    })
  return { application, begun, end, interrupted }
}

const statuses = (exchanges: ReadonlyArray<ClientExchange>) => exchanges.map(({ response }) => response.status)

export const testPlaces = (version: Version): void => {
  it.effect("wait for one to end, and are served oldest first while the line is short", () =>
    Effect.gen(function* () {
      const { application, begun, end } = gated()
      const options = { maxConcurrentRequests: 2, maxQueuedRequests: 8 }
      const harness = yield* makeHarness(version, application, { options })
      const asked: Array<{ client: Client; exchange: ClientExchange }> = []
      for (const path of ["/a", "/b", "/c", "/d"]) asked.push(yield* ask(harness, { path }))
      assert.deepStrictEqual(begun, ["/a", "/b"])
      assert.strictEqual(harness.server.turns?.admission.waiting, 2)
      yield* end("/b")
      assert.deepStrictEqual(begun, ["/a", "/b", "/c"])
      for (const path of ["/a", "/c", "/d"]) yield* end(path)
      for (const { exchange } of asked) assert.strictEqual(exchange.response.state, "complete")
      assert.deepStrictEqual([harness.server.turns?.admission.running, harness.server.turns?.admission.waiting], [0, 0])
      yield* finish(harness, ...asked.map(({ client }) => client))
    })
  )

  it.effect("are served newest first once the line is long", () =>
    Effect.gen(function* () {
      const { application, begun, end } = gated()
      const options = { maxConcurrentRequests: 1, maxQueuedRequests: 4 }
      const harness = yield* makeHarness(version, application, { options })
      const clients: Array<Client> = []
      for (const path of ["/a", "/b", "/c", "/d", "/e"]) clients.push((yield* ask(harness, { path })).client)
      for (const path of ["/a", "/e", "/d", "/b", "/c"]) yield* end(path)
      assert.deepStrictEqual(begun, ["/a", "/e", "/d", "/b", "/c"])
      yield* finish(harness, ...clients)
    })
  )

  it.effect("one after the other on a connection all get their answers", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>(({ path }, _, send) => respond(send, path))
      const harness = yield* makeHarness(version, application, { options: { maxConcurrentRequests: 1 } })
      const client = harness.connect()
      const exchanges = ["/a", "/b", "/c"].map((path) => client.request({ path }))
      yield* turn
      assert.deepStrictEqual(
        exchanges.map(({ response }) => response.body),
        ["/a", "/b", "/c"]
      )
      yield* finish(harness, client)
    })
  )

  it.effect("get the content that came while they waited", () =>
    Effect.gen(function* () {
      const mayEnd = Latch.makeUnsafe()
      const { application } = recorded<unknown>(({ path }, receive, send) =>
        path === "/first"
          ? Effect.andThen(mayEnd.await, respond(send, "first"))
          : Effect.flatMap(readBody(receive), (body) => respond(send, `got ${body}`))
      )
      const harness = yield* makeHarness(version, application, { options: { maxConcurrentRequests: 1 } })
      const first = yield* ask(harness, { path: "/first" })
      const second = yield* ask(harness, { method: "POST", more: true })
      second.exchange.send("some ")
      second.exchange.end("content")
      yield* turn
      mayEnd.openUnsafe()
      yield* turn
      assert.strictEqual(second.exchange.response.body, "got some content")
      yield* finish(harness, first.client, second.client)
    })
  )

  it.effect("are dropped when their clients leave, and the application never sees them", () =>
    Effect.gen(function* () {
      const { application, begun, end } = gated()
      const harness = yield* makeHarness(version, application, { options: { maxConcurrentRequests: 1 } })
      const first = yield* ask(harness, { path: "/a" })
      const gone = yield* ask(harness, { path: "/gone" })
      const third = yield* ask(harness, { path: "/c" })
      gone.client.transport.pushEnd()
      yield* turn
      assert.strictEqual(harness.server.turns?.admission.waiting, 1)
      yield* end("/a")
      yield* end("/c")
      assert.deepStrictEqual(begun, ["/a", "/c"])
      assert.strictEqual(third.exchange.response.state, "complete")
      yield* finish(harness, first.client, gone.client, third.client)
    })
  )

  it.effect("are served by a server that drains, which has accepted them, and end their connections", () =>
    Effect.gen(function* () {
      const { application, end } = gated()
      const harness = yield* makeHarness(version, application, { options: { maxConcurrentRequests: 1 } })
      const first = yield* ask(harness, { path: "/a" })
      const second = yield* ask(harness, { path: "/b" })
      harness.server.registry.drain()
      yield* turn
      for (const path of ["/a", "/b"]) yield* end(path)
      for (const { client, exchange } of [first, second]) {
        client.read()
        assert.deepStrictEqual(statuses([exchange]), [200])
        assert.isFalse(client.mayAskAgain)
      }
      assert.deepStrictEqual([harness.server.turns?.admission.running, harness.server.turns?.admission.waiting], [0, 0])
      yield* TestClock.adjust("1200 millis")
      yield* finish(harness, first.client, second.client)
    })
  )

  it.effect("count until the application has ended, also when the client has left", () =>
    Effect.gen(function* () {
      const mayEnd = Latch.makeUnsafe()
      const { application } = recorded<unknown>(({ path }, _, send) =>
        path === "/slow" ? Effect.uninterruptible(mayEnd.await) : respond(send, path)
      )
      const harness = yield* makeHarness(version, application, { options: { maxConcurrentRequests: 1 } })
      const slow = yield* ask(harness, { path: "/slow" })
      const next = yield* ask(harness, { path: "/next" })
      slow.client.transport.pushEnd()
      yield* turn
      assert.strictEqual(next.exchange.response.state, "pending")
      mayEnd.openUnsafe()
      yield* turn
      assert.strictEqual(next.exchange.response.body, "/next")
      yield* finish(harness, slow.client, next.client)
    })
  )
}

export const testShedding = (version: Version): void => {
  it.effect("there is no line with a maxQueuedRequests of 0; the client is told when to come again, and may stay", () =>
    Effect.gen(function* () {
      const { application, end } = gated()
      const options = { maxConcurrentRequests: 1, maxQueuedRequests: 0 }
      const harness = yield* makeHarness(version, application, { options })
      const first = yield* ask(harness, { path: "/a" })
      const second = yield* ask(harness, { path: "/b" })
      assert.strictEqual(second.exchange.response.status, 503)
      assert.deepStrictEqual(valuesOf(second.exchange.response.headers, "retry-after"), ["1"])
      assert.isTrue(second.client.mayAskAgain)
      yield* end("/a")
      const third = second.client.request({ path: "/c" })
      yield* turn
      yield* end("/c")
      assert.strictEqual(third.response.body, "done /c")
      assert.include(harness.events, "limit maxConcurrentRequests")
      assert.deepStrictEqual(outcomes(harness), ["503 at_capacity", "200 complete", "200 complete"])
      yield* finish(harness, first.client, second.client)
    })
  )

  it.effect("for one more than there is room for, the one that has waited longest is refused", () =>
    Effect.gen(function* () {
      const { application, end } = gated()
      const options = { maxConcurrentRequests: 1, maxQueuedRequests: 2 }
      const harness = yield* makeHarness(version, application, { options })
      const asked: Array<{ client: Client; exchange: ClientExchange }> = []
      for (const path of ["/a", "/b", "/c", "/d"]) asked.push(yield* ask(harness, { path }))
      const exchanges = asked.map(({ exchange }) => exchange)
      assert.deepStrictEqual(statuses(exchanges), [undefined, 503, undefined, undefined])
      assert.include(harness.events, "limit maxQueuedRequests")
      for (const path of ["/a", "/d", "/c"]) yield* end(path)
      assert.deepStrictEqual(statuses(exchanges), [200, 503, 200, 200])
      yield* finish(harness, ...asked.map(({ client }) => client))
    })
  )

  it.effect("those that have waited for maxQueueTime are refused", () =>
    Effect.gen(function* () {
      const { application, begun, end } = gated()
      const options = { maxConcurrentRequests: 1, maxQueueTime: "1500 millis" } as const
      const harness = yield* makeHarness(version, application, { options })
      const first = yield* ask(harness, { path: "/a" })
      const second = yield* ask(harness, { path: "/b" })
      yield* TestClock.adjust("1499 millis")
      yield* turn
      assert.strictEqual(second.exchange.response.status, undefined)
      yield* TestClock.adjust("1 millis")
      yield* turn
      assert.strictEqual(second.exchange.response.status, 503)
      assert.deepStrictEqual(valuesOf(second.exchange.response.headers, "retry-after"), ["2"])
      assert.include(harness.events, "limit maxQueueTime")
      yield* end("/a")
      assert.deepStrictEqual(begun, ["/a"])
      yield* finish(harness, first.client, second.client)
    })
  )

  it.effect("healthPaths are served whatever else there is, and take no place", () =>
    Effect.gen(function* () {
      const { application, begun, end } = gated()
      const options = { maxConcurrentRequests: 1, maxQueuedRequests: 0, healthPaths: ["/health"] }
      const harness = yield* makeHarness(version, application, { options })
      const first = yield* ask(harness, { path: "/a" })
      const health = yield* ask(harness, { path: "/health?x" })
      assert.deepStrictEqual(begun, ["/a", "/health"])
      assert.strictEqual(harness.server.turns?.admission.running, 1)
      yield* end("/health")
      assert.strictEqual(harness.server.turns?.admission.running, 1)
      yield* end("/a")
      assert.deepStrictEqual(statuses([first.exchange, health.exchange]), [200, 200])
      yield* finish(harness, first.client, health.client)
    })
  )
}

export const testLastingExchanges = (version: Version): void => {
  it.effect("an event stream has no place once it has started, nor has one that an ordinary handler sends", () =>
    Effect.gen(function* () {
      const types = [["content-type", "text/event-stream"]] as const
      const application = PagiApp.make({
        sse: (scope, receive, send) =>
          Effect.andThen(Streams.sending(Streams.start)(scope, receive, send), Effect.never),
        http: (_scope, _receive, send) =>
          Effect.andThen(Effect.andThen(send(start(200, types)), send(piece("data: a\n\n"))), Effect.never)
      })
      const options = { maxConcurrentRequests: 1, maxQueuedRequests: 0, requestDeadline: "1 second" } as const
      const harness = yield* makeHarness(version, application, { options: { ...options, disconnectGrace: 0 } })
      const stream = yield* ask(harness, { fields: [["accept", "text/event-stream"]] })
      const second = yield* ask(harness)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(statuses([stream.exchange, second.exchange]), [200, 200])
      assert.deepStrictEqual([stream.exchange.response.state, second.exchange.response.state], ["pending", "pending"])
      assert.strictEqual(harness.server.turns?.admission.running, 0)
      yield* finish(harness, stream.client, second.client)
    })
  )

  it.effect("a WebSocket has none once it is accepted", () =>
    Effect.gen(function* () {
      const application = PagiApp.make({ websocket: accepting })
      const options = { maxConcurrentRequests: 1, maxQueuedRequests: 0, requestDeadline: "1 second" } as const
      const harness = yield* makeHarness(version, application, { options, webSocket: fakeSessions().make })
      const client = harness.connect()
      const session = client.handshake()
      yield* turn
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(session.response.status, version.acceptedStatus)
      assert.strictEqual(harness.server.turns?.admission.running, 0)
    })
  )
}

export const testDeadline = (version: Version): void => {
  it.effect("interrupts the application and answers 504", () =>
    Effect.gen(function* () {
      const { application, interrupted } = gated()
      const harness = yield* makeHarness(version, application, { options: { requestDeadline: "2 seconds" } })
      const { client, exchange } = yield* ask(harness, { path: "/a" })
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(interrupted, [])
      yield* TestClock.adjust("300 millis")
      yield* turn
      assert.deepStrictEqual(interrupted, ["/a"])
      assert.deepInclude(exchange.response, { status: 504, state: "complete" })
      assert.include(harness.events, "limit requestDeadline")
      assert.deepStrictEqual(outcomes(harness), ["504 request_deadline"])
      assert.deepStrictEqual(harness.errors, [])
      assert.strictEqual(harness.server.turns?.admission.running, 0)
      yield* finish(harness, client)
    })
  )

  it.effect("breaks off a response that has begun", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_scope, _receive, send) =>
        Effect.andThen(Effect.andThen(send(start()), send(piece("some"))), Effect.never)
      )
      const harness = yield* makeHarness(version, application, { options: { requestDeadline: "2 seconds" } })
      const { client, exchange } = yield* ask(harness)
      yield* TestClock.adjust("3 seconds")
      yield* turn
      assert.deepInclude(exchange.response, { status: 200, state: "broken" })
      assert.deepStrictEqual(outcomes(harness), ["200 request_deadline"])
      yield* finish(harness, client)
    })
  )

  it.effect("refuses a request that waits: it can be sent again, since the application has not seen it", () =>
    Effect.gen(function* () {
      const mayEnd = Latch.makeUnsafe()
      const { application, scopes } = recorded<unknown>(() => Effect.uninterruptible(mayEnd.await))
      const options = { maxConcurrentRequests: 1, requestDeadline: "2 seconds" } as const
      const harness = yield* makeHarness(version, application, { options })
      const first = yield* ask(harness)
      const second = yield* ask(harness)
      yield* TestClock.adjust("3 seconds")
      yield* turn
      assert.deepStrictEqual(statuses([first.exchange, second.exchange]), [504, 503])
      assert.strictEqual(harness.server.turns?.admission.running, 1)
      mayEnd.openUnsafe()
      yield* turn
      assert.strictEqual(scopes.length, 1)
      assert.strictEqual(harness.server.turns?.admission.running, 0)
      yield* finish(harness, first.client, second.client)
    })
  )

  it.effect("is over with the response: nothing stays armed, and the next request has all of its time", () =>
    Effect.gen(function* () {
      const { application, end } = gated()
      const harness = yield* makeHarness(version, application, { options: { requestDeadline: "2 seconds" } })
      const client = harness.connect()
      for (const path of ["/a", "/b", "/c"]) {
        const exchange = client.request({ path })
        yield* turn
        yield* TestClock.adjust("1500 millis")
        yield* end(path)
        assert.strictEqual(exchange.response.body, `done ${path}`)
      }
      yield* finish(harness, client)
    })
  )
}
