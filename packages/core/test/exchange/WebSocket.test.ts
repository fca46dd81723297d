import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { WebSocketSendEvent } from "../../src/contract/Event.ts"
import type { WebSocketExchange } from "../../src/exchange/WebSocket.ts"
import { FakeWebSocketHost } from "../support/FakeWebSocketHost.ts"
import { events, makeHost, sendAll, type Step, steps, take } from "../support/WebSocketSteps.ts"

const refusal = [
  ["start", 403, [], false],
  ["body", "", true]
]

const calls: Readonly<Record<Step, ReadonlyArray<ReadonlyArray<unknown>>>> = {
  accept: [["accept", "chat", [["x-a", "1"]]], ["begin"]],
  message: [["send", "hello"]],
  keepalive: [["keepAlive", 50, 20]],
  close: [["close", 3001, "enough"]],
  responseStart: [["start", 401, [["x-b", "2"]], false]],
  body: [["body", "piece", false]],
  lastBody: [["body", "end", true]]
}

/** Steps that an open session ignores. */
const ignored: ReadonlyArray<Step> = ["responseStart", "body", "lastBody"]

interface PhaseRow {
  readonly path: ReadonlyArray<Step>
  readonly next: ReadonlyArray<Step>
  readonly text: string
}

const connecting: PhaseRow = {
  path: [],
  next: ["close", "responseStart", "accept"],
  text: "neither websocket.accept nor websocket.http.response.start has been sent"
}
const open: PhaseRow = {
  path: ["accept"],
  next: ["close", "keepalive", ...ignored, "message"],
  text: "the session is open; only messages, websocket.keepalive and websocket.close may follow"
}
const denying: PhaseRow = {
  path: ["responseStart"],
  next: ["lastBody", "body"],
  text: "the handshake is being refused; only websocket.http.response.body may follow"
}
const closed: PhaseRow = { path: ["accept", "close"], next: [], text: "the application has closed the session" }
const denied: PhaseRow = { path: ["close"], next: [], text: "the handshake was refused" }

/** Each phase with the steps that lead to it, what may follow, and how an error describes it. */
const phases: Readonly<Record<string, PhaseRow>> = {
  connecting,
  open,
  "open, on": { ...open, path: ["accept", "message", "keepalive", ...ignored] },
  closed,
  "closed, after messages": { ...closed, path: ["accept", "message", "close"] },
  denying,
  "denying, on": { ...denying, path: ["responseStart", "body"] },
  denied,
  "denied by a response": { ...denied, path: ["responseStart", "body", "lastBody"] }
}

const snapshot = ({ bufferedAmount, queuedBytes, queuedMessages, state }: WebSocketExchange) => ({
  bufferedAmount,
  queuedBytes,
  queuedMessages,
  isConnected: state.isConnected,
  responseComplete: state.responseComplete
})

/** Events that the contract does not allow in any phase. */
const invalid: ReadonlyArray<readonly [event: unknown, problem: RegExp]> = [
  [{ type: "websocket.connect" }, /^websocket\.connect: unknown event type for the websocket scope/],
  [{ type: "http.response.start", status: 200 }, /^http\.response\.start: unknown event type/],
  [undefined, /^an event without a type: unknown event type/],
  [{ type: "websocket.send" }, /Expected string/],
  [{ type: "websocket.send", text: "a", bytes: new Uint8Array(1) }, /Expected text or bytes, not both/],
  [{ type: "websocket.send", text: 5 }, /at \["text"\]/],
  [{ type: "websocket.send", bytes: "a" }, /Expected Uint8Array/],
  [{ type: "websocket.accept", subprotocol: 5 }, /at \["subprotocol"\]/],
  [{ type: "websocket.accept", headers: [["x-a"]] }, /at \["headers"\]/],
  [{ type: "websocket.close", code: 999 }, /at \["code"\]/],
  [{ type: "websocket.close", code: 5000 }, /at \["code"\]/],
  [{ type: "websocket.close", code: 1000.5 }, /at \["code"\]/],
  [{ type: "websocket.close", reason: null }, /at \["reason"\]/],
  [{ type: "websocket.keepalive" }, /Expected a number of seconds/],
  [{ type: "websocket.keepalive", interval: -1 }, /at \["interval"\]/],
  [{ type: "websocket.keepalive", interval: Number.NaN }, /at \["interval"\]/],
  [{ type: "websocket.keepalive", interval: 1, timeout: Number.POSITIVE_INFINITY }, /at \["timeout"\]/],
  [{ type: "websocket.http.response.start" }, /Expected a status from 200 to 599/],
  [{ type: "websocket.http.response.start", status: 101 }, /at \["status"\]/],
  [{ type: "websocket.http.response.body", body: 5 }, /Expected string \| Uint8Array/]
]

/** Sends what the types do not allow. */
const sendUntyped = (exchange: WebSocketExchange, event: unknown) => exchange.send(event as WebSocketSendEvent)

describe("WebSocketExchange", () => {
  describe.each(Object.entries(phases))("in phase %s", (_, { path, next, text: expected }) => {
    it.effect.each(steps)("%s", (step) =>
      Effect.gen(function* () {
        const driver = makeHost()
        yield* sendAll(driver.exchange, path)
        const before = snapshot(driver.exchange)
        const callsBefore = driver.calls.length
        if (next.includes(step)) {
          yield* driver.exchange.send(events[step])
          const isIgnored = path.includes("accept") && ignored.includes(step)
          const isRefusal = path.length === 0 && step === "close"
          assert.deepStrictEqual(driver.calls.slice(callsBefore), isIgnored ? [] : isRefusal ? refusal : calls[step])
          return
        }
        const error = yield* Effect.flip(driver.exchange.send(events[step]))
        assert.strictEqual(error.reason._tag, "EventOutOfOrder")
        assert.strictEqual(error.message, `${events[step].type}: ${expected}`)
        assert.strictEqual(driver.calls.length, callsBefore)
        assert.deepStrictEqual(snapshot(driver.exchange), before)
        // What was allowed before is still allowed.
        for (const allowed of next.slice(-1)) yield* driver.exchange.send(events[allowed])
      })
    )

    it.effect.each(invalid)("refuses %j and stays as it was", ([event, problem]) =>
      Effect.gen(function* () {
        const driver = makeHost()
        yield* sendAll(driver.exchange, path)
        const before = snapshot(driver.exchange)
        const callsBefore = driver.calls.length
        const error = yield* Effect.flip(sendUntyped(driver.exchange, event))
        assert.strictEqual(error.reason._tag, "InvalidEvent")
        assert.match(error.message, problem)
        assert.strictEqual(driver.calls.length, callsBefore)
        assert.deepStrictEqual(snapshot(driver.exchange), before)
        for (const allowed of next.slice(-1)) yield* driver.exchange.send(events[allowed])
      })
    )

    it.effect("says so once the peer has gone, or does nothing", () =>
      Effect.gen(function* () {
        const driver = makeHost()
        yield* sendAll(driver.exchange, path)
        driver.exchange.disconnect("client_closed")
        const callsBefore = driver.calls.length
        const isEnded = next.length === 0
        for (const step of steps) {
          const exit = yield* Effect.exit(driver.exchange.send(events[step]))
          assert.strictEqual(Exit.isSuccess(exit), !isEnded, step)
        }
        if (!isEnded) for (const [event] of invalid) yield* sendUntyped(driver.exchange, event)
        assert.strictEqual(driver.calls.length, callsBefore)
      })
    )
  })

  /** An independent statement of the order: the accepted letters always form the beginning of a word of this language. */
  const language = /^(a[mkrbl]*x?|x|r(b*l?))?$/
  const letters: Readonly<Record<Step, string>> = {
    accept: "a",
    message: "m",
    keepalive: "k",
    close: "x",
    responseStart: "r",
    body: "b",
    lastBody: "l"
  }

  it.effect.prop(
    "agrees with a grammar for every sequence of events, whatever invalid ones are between them",
    [Schema.Array(Schema.Literals([...steps, "invalid"]))],
    ([sequence]) =>
      Effect.gen(function* () {
        const { exchange } = makeHost({ highWaterMark: 1_000_000 })
        let accepted = ""
        for (const [index, step] of sequence.entries()) {
          if (step === "invalid") {
            const error = yield* Effect.flip(sendUntyped(exchange, invalid[index % invalid.length]?.[0]))
            assert.strictEqual(error.reason._tag, "InvalidEvent")
            continue
          }
          const exit = yield* Effect.exit(exchange.send(events[step]))
          const isWord = language.test(accepted + letters[step])
          assert.strictEqual(Exit.isSuccess(exit), isWord, `${accepted}, then ${letters[step]}`)
          if (isWord) accepted += letters[step]
        }
        assert.strictEqual(exchange.state.responseComplete, /^(x|rb*l)$/.test(accepted))
      })
  )

  it.effect("fills in what an event leaves out", () =>
    Effect.gen(function* () {
      const driver = makeHost()
      yield* driver.exchange.send({ type: "websocket.accept" })
      yield* driver.exchange.send({ type: "websocket.keepalive", interval: 0.01 })
      yield* driver.exchange.send({ type: "websocket.close" })
      assert.deepStrictEqual(driver.calls, [
        ["accept", undefined, []],
        ["begin"],
        ["keepAlive", 1, 0],
        ["close", 1000, ""]
      ])
      const declining = makeHost()
      yield* declining.exchange.send({ type: "websocket.http.response.start", status: 404 })
      yield* declining.exchange.send({ type: "websocket.http.response.body" })
      assert.deepStrictEqual(declining.calls, [
        ["start", 404, [], false],
        ["body", "", true]
      ])
    })
  )

  it.effect("hands every kind of message on as it is", () =>
    Effect.gen(function* () {
      const driver = makeHost()
      const bytes = new Uint8Array([0, 255])
      yield* driver.exchange.send(events.accept)
      yield* driver.exchange.send({ type: "websocket.send", text: "" })
      yield* driver.exchange.send({ type: "websocket.send", bytes })
      yield* driver.exchange.send({ type: "websocket.send", bytes: new Uint8Array(0) })
      assert.deepStrictEqual(driver.calls.slice(2), [
        ["send", ""],
        ["send", bytes],
        ["send", new Uint8Array(0)]
      ])
      assert.strictEqual(driver.calls[3]?.[1], bytes)
    })
  )

  describe("accept", () => {
    it.effect("takes only a subprotocol that the client offers, as it is written", () =>
      Effect.gen(function* () {
        for (const subprotocol of ["mqtt", "Chat", "", "soap, chat"]) {
          const driver = makeHost()
          const error = yield* Effect.flip(driver.exchange.send({ type: "websocket.accept", subprotocol }))
          assert.strictEqual(error.reason._tag, "ResponseRefused")
          assert.strictEqual(
            error.message,
            `websocket.accept: the client did not offer the subprotocol ${JSON.stringify(subprotocol)}`
          )
          assert.deepStrictEqual(driver.calls, [])
          yield* driver.exchange.send({ type: "websocket.accept", subprotocol: "soap" })
        }
        const plain = new FakeWebSocketHost()
        assert.strictEqual((yield* Effect.flip(plain.exchange.send(events.accept))).reason._tag, "ResponseRefused")
        yield* plain.exchange.send({ type: "websocket.accept" })
      })
    )

    it.effect("leaves the fields of the handshake to the server", () =>
      Effect.gen(function* () {
        for (const name of [
          "Connection",
          "UPGRADE",
          "Sec-WebSocket-Accept",
          "sec-websocket-extensions",
          "Sec-WebSocket-Protocol",
          "content-length"
        ]) {
          const driver = makeHost()
          const headers = [
            ["x-a", "1"],
            [name, "1"]
          ] as const
          const error = yield* Effect.flip(driver.exchange.send({ type: "websocket.accept", headers }))
          assert.strictEqual(error.message, `websocket.accept: the header "${name}" is the server's to write`)
          assert.deepStrictEqual(driver.calls, [])
          yield* driver.exchange.send(events.accept)
        }
      })
    )

    it.effect("may be tried again, or replaced by a response, when the driver refuses it", () =>
      Effect.gen(function* () {
        for (const better of ["accept", "responseStart", "close"] as const) {
          const driver = makeHost()
          driver.problem = "no"
          const error = yield* Effect.flip(driver.exchange.send(events.accept))
          assert.strictEqual(error.message, "websocket.accept: no")
          assert.deepStrictEqual(driver.calls, [])
          driver.problem = undefined
          yield* driver.exchange.send(events[better])
        }
      })
    )
  })

  describe("close", () => {
    it.effect("with what a close frame cannot say leaves the session open", () =>
      Effect.gen(function* () {
        const driver = makeHost()
        yield* driver.exchange.send(events.accept)
        driver.channel.closeProblem = "1005 is not a code that can be sent"
        const error = yield* Effect.flip(driver.exchange.send({ type: "websocket.close", code: 1005 }))
        assert.strictEqual(error.reason._tag, "ResponseRefused")
        assert.strictEqual(error.message, "websocket.close: 1005 is not a code that can be sent")
        yield* sendAll(driver.exchange, ["message", "close"])
        assert.deepStrictEqual(driver.calls.slice(2), [...calls.message, ...calls.close])
      })
    )

    it.effect("before the accept refuses with an empty 403, whatever its code", () =>
      Effect.gen(function* () {
        for (const event of [{}, { code: 1005 }, { code: 4000, reason: "x".repeat(1000) }]) {
          const driver = makeHost()
          yield* driver.exchange.send({ type: "websocket.close", ...event })
          assert.deepStrictEqual(driver.calls, refusal)
          assert.isTrue(driver.exchange.state.responseComplete)
          assert.deepStrictEqual(yield* take(driver.exchange, 3), [
            "connect",
            "disconnect 1006 closed",
            "disconnect 1006 closed"
          ])
        }
      })
    )
  })

  describe("a response in place of a session", () => {
    it.effect("is complete with its head when it has no content; what follows goes nowhere", () =>
      Effect.gen(function* () {
        const host = makeHost()
        yield* host.exchange.send({ type: "websocket.http.response.start", status: 204 })
        assert.isTrue(host.exchange.state.responseComplete)
        assert.deepStrictEqual(yield* take(host.exchange, 2), ["connect", "disconnect 1006 closed"])
        yield* sendAll(host.exchange, ["body", "lastBody"])
        host.exchange.onApplicationExit(Exit.void)
        assert.deepStrictEqual(host.calls, [
          ["start", 204, [], false],
          ["body", "", true],
          ["end", "complete"]
        ])
        assert.deepStrictEqual(host.logged, [])
      })
    )

    it.effect("is complete with its last piece", () =>
      Effect.gen(function* () {
        const driver = makeHost()
        yield* sendAll(driver.exchange, ["responseStart", "body"])
        assert.isFalse(driver.exchange.state.responseComplete)
        yield* driver.exchange.send(events.lastBody)
        assert.isTrue(driver.exchange.state.responseComplete)
        assert.deepStrictEqual(yield* take(driver.exchange, 2), ["connect", "disconnect 1006 closed"])
        driver.exchange.disconnect("write_timeout")
        assert.deepStrictEqual(yield* take(driver.exchange, 1), ["disconnect 1006 closed"])
      })
    )

    it.effect("stays as it was when the driver refuses a part of it", () =>
      Effect.gen(function* () {
        const driver = makeHost()
        for (const step of ["responseStart", "lastBody"] as const) {
          driver.problem = "no"
          assert.strictEqual(
            (yield* Effect.flip(driver.exchange.send(events[step]))).message,
            `${events[step].type}: no`
          )
          driver.problem = undefined
          yield* driver.exchange.send(events[step])
        }
        assert.isTrue(driver.exchange.state.responseComplete)
      })
    )

    it.effect("ends with its connection", () =>
      Effect.gen(function* () {
        const driver = makeHost()
        yield* driver.exchange.send(events.responseStart)
        driver.exchange.disconnect("client_closed")
        assert.deepStrictEqual(yield* take(driver.exchange, 2), ["connect", "disconnect 1006 client_closed"])
        yield* driver.exchange.send(events.lastBody)
        assert.isFalse(driver.exchange.state.responseComplete)
      })
    )
  })

  it("may stall before it is a session", () => {
    assert.isTrue(makeHost().exchange.mayStall)
  })
})
