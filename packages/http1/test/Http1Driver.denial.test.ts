import { assert, describe, it } from "@effect/vitest"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import type { WebSocketHandler } from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { converse, finish, type Harness, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { accept, chatting, close, fakeWebSocket, handshake, receiveAll } from "./support/FakeWebSocket.ts"
import { get } from "./support/Machine.ts"

const open = (websocket: WebSocketHandler<unknown>, options: Input = {}) =>
  Effect.gen(function* () {
    const webSocket = fakeWebSocket()
    const harness = yield* makeHarness(chatting(websocket).application, { options, webSocket: webSocket.make })
    return { harness, sessions: webSocket.sessions }
  })

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

const logged = ({ log }: Harness) => log.map(({ bytes, outcome, status }) => `${status} ${bytes} ${outcome}`)

describe("an application denies a handshake", () => {
  it.effect("by websocket.close: 403 without content", () =>
    Effect.gen(function* () {
      const { harness } = yield* open(sending(close))
      const transport = yield* converse(harness, handshake())
      assert.match(transport.text, /^HTTP\/1\.1 403 Forbidden\r\n[^]*\r\n\r\n$/)
      assert.match(transport.text, /\r\ncontent-length: 0\r\n/)
      assert.match(transport.text, /\r\nconnection: close\r\n/)
      assert.strictEqual(transport.ending, "ended")
      assert.deepStrictEqual(logged(harness), ["403 0 complete"])
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, transport)
    })
  )

  it.effect("by a response of its own, at once or in pieces", () =>
    Effect.gen(function* () {
      for (const later of [Effect.void, turn]) {
        const { harness } = yield* open((_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start(401))
            yield* send(body("who ", true))
            yield* later
            yield* send(body("are you?"))
          })
        )
        const transport = harness.connect()
        transport.push(handshake())
        for (let turns = 0; turns < 3; turns++) yield* turn
        assert.match(transport.text, /^HTTP\/1\.1 401 Unauthorized\r\ncontent-type: text\/plain\r\n/)
        assert.match(transport.text, /\r\nconnection: close\r\n/)
        assert.match(transport.text, /\r\n4\r\nwho \r\n8\r\nare you\?\r\n0\r\n\r\n$/)
        assert.strictEqual(transport.ending, "ended")
        assert.deepStrictEqual(logged(harness), ["401 12 complete"])
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("with a redirect or a success, which mean the same: there is no session", () =>
    Effect.gen(function* () {
      for (const status of [200, 204, 302, 599]) {
        const { harness, sessions } = yield* open(sending(start(status), body("")))
        const transport = yield* converse(harness, handshake())
        assert.deepStrictEqual(statuses(transport.text), [status])
        assert.match(transport.text, /\r\nconnection: close\r\n/)
        assert.deepStrictEqual(sessions, [])
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("and then what comes behind the handshake is never taken for a request", () =>
    Effect.gen(function* () {
      for (const events of [[close], [start(401), body("no")]]) {
        const { harness } = yield* open(sending(...events))
        const transport = yield* converse(harness, handshake() + get())
        transport.push(get())
        yield* turn
        assert.strictEqual(statuses(transport.text).length, 1)
        assert.strictEqual(harness.log.length, 1)
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("and receives that the exchange is over; nothing else may be sent", () =>
    Effect.gen(function* () {
      const events: Array<WebSocketReceiveEvent> = []
      const failures: Array<string> = []
      const { harness } = yield* open((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* send(close)
          events.push(...(yield* receiveAll(receive)))
          for (const event of [accept, close, start(200), body("")]) {
            failures.push((yield* Effect.flip(send(event))).reason._tag)
          }
        })
      )
      const transport = yield* converse(harness, handshake())
      assert.deepStrictEqual(events, [
        { type: "websocket.connect" },
        { type: "websocket.disconnect", code: 1006, reason: "closed" }
      ])
      assert.deepStrictEqual(
        failures,
        Array.from({ length: 4 }, () => "EventOutOfOrder")
      )
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, transport)
    })
  )

  it.effect("with a body that suspends it while the peer is behind", () =>
    Effect.gen(function* () {
      let sent = 0
      const { harness } = yield* open(
        (_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start(403))
            for (; sent < 5; sent++) yield* send(body("x".repeat(1000), true))
            yield* send(body(""))
          }),
        { writeHighWatermark: 1500, writeLowWatermark: 100 }
      )
      const transport = harness.connect({ capacity: 100 })
      transport.push(handshake())
      yield* turn
      assert.strictEqual(sent, 1)
      let text = ""
      for (let reads = 0; reads < 60; reads++) {
        text += transport.read()
        yield* turn
      }
      assert.match(text, /\r\n0\r\n\r\n$/)
      assert.strictEqual(transport.ending, "ended")
      yield* finish(harness, transport)
    })
  )
})

describe("an application that does not answer a handshake", () => {
  for (const [how, ending] of [
    ["returns", Effect.void],
    ["fails", Effect.fail("broken")],
    ["dies", Effect.die("broken")],
    ["fails later", Effect.andThen(Effect.yieldNow, Effect.fail("broken"))]
  ] as const) {
    it.effect(`${how}: 500, logged, and nothing behind it is read`, () =>
      Effect.gen(function* () {
        const { harness } = yield* open(() => ending)
        const transport = yield* converse(harness, handshake() + get())
        assert.deepStrictEqual(statuses(transport.text), [500])
        assert.match(transport.text, /\r\nconnection: close\r\n/)
        assert.strictEqual(harness.errors.length, 1)
        assert.deepStrictEqual(
          harness.log.map(({ outcome, status }) => [status, outcome]),
          [[500, "server_error"]]
        )
        yield* finish(harness, transport)
      })
    )

    it.effect(`${how} in the middle of its response: truncated, logged`, () =>
      Effect.gen(function* () {
        const { harness } = yield* open((_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start(403))
            yield* send(body("part", true))
            yield* Effect.yieldNow
            yield* ending
          })
        )
        const transport = yield* converse(harness, handshake())
        assert.match(transport.text, /\r\n\r\n4\r\npart\r\n$/)
        assert.strictEqual(transport.ending, "closed")
        assert.strictEqual(harness.errors.length, 1)
        yield* finish(harness)
      })
    )
  }
})

describe("a peer that leaves during the handshake", () => {
  for (const [how, reason] of [
    ["closes its side", "client_closed"],
    ["resets", "read_error"]
  ] as const) {
    it.effect(`${how}: the application learns of it, and can accept no more, which is no failure`, () =>
      Effect.gen(function* () {
        const events: Array<WebSocketReceiveEvent> = []
        const { harness, sessions } = yield* open((_scope, receive, send) =>
          Effect.gen(function* () {
            events.push(...(yield* receiveAll(receive)))
            for (const event of [accept, close, start(403), body("")]) yield* send(event)
            return yield* Effect.fail("broken")
          })
        )
        const transport = yield* converse(harness, handshake())
        if (reason === "read_error") transport.fail(reason)
        else transport.pushEnd()
        yield* turn
        assert.deepStrictEqual(events, [
          { type: "websocket.connect" },
          { type: "websocket.disconnect", code: 1006, reason }
        ])
        assert.strictEqual(transport.text, "")
        assert.deepStrictEqual(sessions, [])
        assert.deepStrictEqual(logged(harness), [`499 0 ${reason}`])
        assert.deepStrictEqual(harness.errors, [])
        yield* finish(harness)
      })
    )
  }

  it.effect("and a server that stops: the same with server_shutdown", () =>
    Effect.gen(function* () {
      const events: Array<WebSocketReceiveEvent> = []
      const { harness } = yield* open((_scope, receive) =>
        Effect.map(receiveAll(receive), (received) => events.push(...received))
      )
      yield* converse(harness, handshake())
      harness.server.registry.abort("server_shutdown")
      yield* turn
      assert.deepStrictEqual(events.at(-1), { type: "websocket.disconnect", code: 1006, reason: "server_shutdown" })
      assert.deepStrictEqual(logged(harness), ["499 0 server_shutdown"])
      yield* finish(harness)
    })
  )
})
