/** WebSocket handshakes that are not accepted. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "../../src/contract/Event.ts"
import type { WebSocketHandler } from "../../src/contract/PagiApp.ts"
import { accept, close, handshake, receiveAll, serveSessions } from "./support/FakeWebSocket.ts"
import { assertCost, finish, type Harness, outcomes, readFor, turn } from "./support/Harness.ts"
import { type Client, type ClientExchange, valuesOf, type Version } from "./support/Version.ts"

const start = (status: number): WebSocketSendEvent => ({
  type: "websocket.http.response.start",
  status,
  headers: [["content-type", "text/plain"]]
})

const body = (text: string, more = false): WebSocketSendEvent => ({
  type: "websocket.http.response.body",
  body: text,
  more
})

/** Sends the events one after the other. */
const sending =
  (...events: ReadonlyArray<WebSocketSendEvent>): WebSocketHandler<unknown> =>
  (_scope, _receive, send) =>
    Effect.forEach(events, (event) => send(event), { discard: true })

/** What the access log has of each exchange but its request. */
const logged = ({ log }: Harness) => log.map(({ bytes, outcome, status }) => `${status} ${bytes} ${outcome}`)

export const testDenials = (version: Version): void => {
  it.effect("by websocket.close: 403 without content", () =>
    Effect.gen(function* () {
      const { harness } = yield* serveSessions(version, sending(close))
      const { client, exchange } = yield* handshake(harness)
      assert.deepInclude(exchange.response, { status: 403, body: "", state: "complete" })
      assert.deepStrictEqual(valuesOf(exchange.response.headers, "content-length"), ["0"])
      assert.deepStrictEqual(logged(harness), ["403 0 complete"])
      assert.deepStrictEqual(harness.errors, [])
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )

  it.effect("by a response of its own, at once or in pieces", () =>
    Effect.gen(function* () {
      for (const later of [Effect.void, turn]) {
        const { harness } = yield* serveSessions(version, (_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start(401))
            yield* send(body("who ", true))
            yield* later
            yield* send(body("are you?"))
          })
        )
        const { client, exchange } = yield* handshake(harness)
        yield* turn
        assert.deepInclude(exchange.response, { status: 401, body: "who are you?", state: "complete" })
        assert.deepStrictEqual(valuesOf(exchange.response.headers, "content-type"), ["text/plain"])
        assert.deepStrictEqual(logged(harness), ["401 12 complete"])
        assertCost(harness, client)
        yield* finish(harness, client)
      }
    })
  )

  it.effect("with a redirect or a success, which mean the same: there is no session", () =>
    Effect.gen(function* () {
      for (const status of [200, 204, 302, 599]) {
        const { harness, sessions } = yield* serveSessions(version, sending(start(status), body("")))
        const { client, exchange } = yield* handshake(harness)
        assert.deepInclude(exchange.response, { status, body: "", state: "complete" })
        assert.deepStrictEqual(sessions, [])
        assertCost(harness, client)
        yield* finish(harness, client)
      }
    })
  )

  it.effect("and receives that the exchange is over; nothing else may be sent", () =>
    Effect.gen(function* () {
      const events: Array<WebSocketReceiveEvent> = []
      const failures: Array<string> = []
      const { harness } = yield* serveSessions(version, (_scope, receive, send) =>
        Effect.gen(function* () {
          yield* send(close)
          events.push(...(yield* receiveAll(receive)))
          for (const event of [accept, close, start(200), body("")]) {
            failures.push((yield* Effect.flip(send(event))).reason._tag)
          }
        })
      )
      const { client } = yield* handshake(harness)
      assert.deepStrictEqual(events, [
        { type: "websocket.connect" },
        { type: "websocket.disconnect", code: 1006, reason: "closed" }
      ])
      assert.deepStrictEqual(
        failures,
        Array.from({ length: 4 }, () => "EventOutOfOrder")
      )
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, client)
    })
  )

  it.effect("with a body that suspends it while the peer is behind", () =>
    Effect.gen(function* () {
      let sent = 0
      const { harness } = yield* serveSessions(
        version,
        (_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start(403))
            for (; sent < 5; sent++) yield* send(body("x".repeat(20_000), true))
            yield* send(body(""))
          }),
        { writeHighWatermark: 1500, writeLowWatermark: 100 }
      )
      const client = harness.connect({ capacity: 100 })
      const exchange: ClientExchange = client.handshake()
      yield* turn
      assert.isAtMost(sent, 1)
      yield* readFor(client, 1100)
      assert.strictEqual(exchange.response.body.length, 100_000)
      assert.strictEqual(exchange.response.state, "complete")
      yield* finish(harness, client)
    })
  )
}

export const testUnansweredHandshakes = (version: Version): void => {
  for (const [how, ending] of [
    ["returns", Effect.void],
    ["fails", Effect.fail("broken")],
    ["dies", Effect.die("broken")],
    ["fails later", Effect.andThen(Effect.yieldNow, Effect.fail("broken"))]
  ] as const) {
    it.effect(`${how}: 500, logged once`, () =>
      Effect.gen(function* () {
        const { harness } = yield* serveSessions(version, () => ending)
        const { client, exchange } = yield* handshake(harness)
        assert.deepInclude(exchange.response, { status: 500, state: "complete" })
        assert.strictEqual(harness.errors.length, 1)
        assert.deepStrictEqual(outcomes(harness), ["500 server_error"])
        assertCost(harness, client)
        yield* finish(harness, client)
      })
    )

    it.effect(`${how} in the middle of its response: broken off, logged once`, () =>
      Effect.gen(function* () {
        const { harness } = yield* serveSessions(version, (_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start(403))
            yield* send(body("part", true))
            yield* Effect.yieldNow
            yield* ending
          })
        )
        const { client, exchange } = yield* handshake(harness)
        assert.deepInclude(exchange.response, { status: 403, body: "part", state: "broken" })
        assert.strictEqual(harness.errors.length, 1)
        assertCost(harness, client)
        yield* finish(harness, client)
      })
    )
  }

  const leaving: ReadonlyArray<
    readonly [how: string, leave: (client: Client, exchange: ClientExchange, harness: Harness) => void, reason: string]
  > = [
    ["the peer closes its side", ({ transport }) => transport.pushEnd(), "client_closed"],
    ["the peer resets", ({ transport }) => transport.fail("read_error"), "read_error"],
    ["the peer gives up", (_, exchange) => exchange.abandon(), "client_closed"],
    ["the server stops", (_, __, { server }) => server.registry.abort("server_shutdown"), "server_shutdown"]
  ]
  for (const [how, leave, reason] of leaving) {
    it.effect(`waits, and ${how}: it learns of that, and can accept no more, which is no failure`, () =>
      Effect.gen(function* () {
        const events: Array<WebSocketReceiveEvent> = []
        const { harness, sessions } = yield* serveSessions(version, (_scope, receive, send) =>
          Effect.gen(function* () {
            events.push(...(yield* receiveAll(receive)))
            for (const event of [accept, close, start(403), body("")]) yield* send(event)
            return yield* Effect.fail("broken")
          })
        )
        const { client, exchange } = yield* handshake(harness)
        leave(client, exchange, harness)
        yield* turn
        assert.deepStrictEqual(events, [
          { type: "websocket.connect" },
          { type: "websocket.disconnect", code: 1006, reason }
        ])
        assert.isUndefined(exchange.response.status)
        assert.deepStrictEqual(sessions, [])
        assert.deepStrictEqual(logged(harness), [`499 0 ${reason}`])
        assert.deepStrictEqual(harness.errors, [])
        yield* finish(harness, client)
      })
    )
  }
}
