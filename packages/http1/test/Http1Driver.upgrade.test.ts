import { assert, describe, it } from "@effect/vitest"
import type { WebSocketSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { hello, respond } from "@pagi/core/test/drivers/support/Applications"
import { readResponse } from "./support/ClientConnection.ts"
import {
  assertNothingLeft,
  converse,
  finish,
  type Harness,
  makeHarness,
  statuses,
  turn
} from "./support/DriverHarness.ts"
import {
  accept,
  accepting,
  chatting,
  close,
  fakeSessions,
  receiveAll
} from "@pagi/core/test/drivers/support/FakeWebSocket"
import { get, handshake, lines } from "./support/Machine.ts"

/** A server with sessions, whose applications do as the handler says. */
const open = (websocket: PagiApp.WebSocketHandler<unknown>, options: Input = {}) =>
  Effect.gen(function* () {
    const webSocket = fakeSessions()
    const { application, scopes } = chatting(websocket)
    const harness = yield* makeHarness(application, { options, webSocket: webSocket.make })
    return { harness, scopes, ...webSocket }
  })

/** Ends the sessions; then nothing may be left. */
const end = (harness: Harness, ...transports: ReadonlyArray<MemoryTransport>) =>
  Effect.gen(function* () {
    for (const transport of transports) transport.pushEnd()
    yield* TestClock.adjust("6 seconds")
    assertNothingLeft(harness)
    assert.strictEqual(harness.server.deadlines.size, 0)
  })

const summaries = ({ log }: Harness) => log.map(({ outcome, request, status }) => [status, outcome, request?.target])

describe("a handshake", () => {
  it.effect("is accepted with 101 and the fields of the protocol", () =>
    Effect.gen(function* () {
      const { harness } = yield* open((_scope, receive, send) =>
        Effect.andThen(send({ ...accept, headers: [["Set-Cookie", "a=b"]] }), receiveAll(receive))
      )
      const transport = yield* converse(harness, handshake())
      const request = { method: "GET", httpVersion: "1.1", keepAlive: true } as const
      const [{ headers, status }, rest] = readResponse(transport.text, request, false)
      assert.deepStrictEqual([status, rest], [101, ""])
      assert.deepStrictEqual(headers.filter(([name]) => name !== "date").toSorted(), [
        ["connection", "upgrade"],
        ["set-cookie", "a=b"],
        ["upgrade", "websocket"]
      ])
      assert.strictEqual(harness.server.deadlines.size, 0)
      yield* end(harness, transport)
    })
  )

  it.effect("is refused when it has a body, since that could not be told from frames", () =>
    Effect.gen(function* () {
      const { harness, scopes } = yield* open(accepting)
      for (const [field, body] of [
        ["Content-Length: 3", "abc"],
        ["Transfer-Encoding: chunked", "0\r\n\r\n"]
      ] as const) {
        const transport = yield* converse(harness, handshake(field) + body + get())
        assert.match(
          transport.text,
          /^HTTP\/1\.1 400 [^]*connection: close\r\n[^]*A WebSocket handshake has no body\n$/
        )
        yield* finish(harness, transport)
      }
      assert.deepStrictEqual(scopes, [])
      const transport = yield* converse(harness, handshake("Content-Length: 0"))
      assert.deepStrictEqual(statuses(transport.text), [101])
      yield* end(harness, transport)
    })
  )

  it.effect("that the protocol refuses is answered with its status and fields, and nothing behind it is read", () =>
    Effect.gen(function* () {
      const { harness, scopes, sessions } = yield* open(accepting)
      const transport = yield* converse(harness, get() + handshake("X-Refuse: yes") + get())
      transport.push(get())
      assert.deepStrictEqual(statuses(transport.text), [200, 426])
      assert.match(transport.text, /\r\nconnection: close\r\n[^]*\r\nx-another: yes\r\n\r\nAnother one, please\n$/)
      assert.strictEqual(transport.ending, "ended")
      assert.deepStrictEqual(summaries(harness), [
        [200, "complete", "/"],
        [426, "protocol_error", "/"]
      ])
      assert.deepStrictEqual([...scopes, ...sessions], [])
      yield* finish(harness, transport)
    })
  )
})

describe("a request is an ordinary one", () => {
  const requests: Readonly<Record<string, string>> = {
    "that asks for another protocol": get("Connection: Upgrade", "Upgrade: h2c"),
    "whose Connection does not list Upgrade": get("Upgrade: websocket"),
    "that has no Upgrade": get("Connection: Upgrade"),
    "of HTTP/1.0": lines("GET / HTTP/1.0", "Connection: Upgrade", "Upgrade: websocket")
  }
  for (const [name, request] of Object.entries(requests)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { harness, scopes, sessions } = yield* open(accepting)
        const transport = yield* converse(harness, request)
        assert.match(transport.text, /^HTTP\/1\.1 200 [^]*hello \/$/)
        assert.deepStrictEqual([...scopes, ...sessions], [])
        yield* finish(harness, transport)
      })
    )
  }

  it.effect("for an application that says that it has no sessions, and for a server without the protocol", () =>
    Effect.gen(function* () {
      const { make, requests } = fakeSessions()
      const harnesses = [
        yield* makeHarness(PagiApp.make({ http: hello }), { webSocket: make }),
        yield* makeHarness(chatting(accepting).application)
      ]
      for (const harness of harnesses) {
        const transport = yield* converse(harness, handshake("Content-Length: 1") + "x" + get())
        assert.deepStrictEqual(statuses(transport.text), [200, 200])
        yield* finish(harness, transport)
      }
      assert.deepStrictEqual(requests, [])
    })
  )
})

describe("what comes behind a handshake", () => {
  const frames = "\x81\x83not a request" + "\xff".repeat(1000)

  it.effect("is handed over, wherever it is split, and whether it is accepted at once or later", () =>
    Effect.gen(function* () {
      const text = handshake() + frames
      for (const delay of [Effect.void, Effect.sleep("1 second")]) {
        const { harness, sessions } = yield* open((...exchange) => Effect.andThen(delay, accepting(...exchange)))
        const transports: Array<MemoryTransport> = []
        for (let cut = handshake().length - 3; cut < handshake().length + 40; cut++) {
          const transport = harness.connect()
          transports.push(transport)
          for (const piece of [text.slice(0, cut), text.slice(cut, cut + 7), text.slice(cut + 7)]) transport.push(piece)
        }
        yield* TestClock.adjust("1 second")
        for (const transport of transports) transport.push("more")
        assert.deepStrictEqual(
          sessions.map(({ received }) => received),
          transports.map(() => `${frames}more`)
        )
        yield* end(harness, ...transports)
      }
    })
  )

  it.effect("is never taken for a request when that is denied, or not answered", () =>
    Effect.gen(function* () {
      const denials: ReadonlyArray<readonly [status: number, events: ReadonlyArray<WebSocketSendEvent>]> = [
        [403, [close]],
        [
          401,
          [
            { type: "websocket.http.response.start", status: 401 },
            { type: "websocket.http.response.body", body: "no" }
          ]
        ],
        [500, []]
      ]
      for (const [status, events] of denials) {
        const { harness } = yield* open((_scope, _receive, send) => Effect.forEach(events, (event) => send(event)))
        const transport = yield* converse(harness, handshake() + get())
        transport.push(get())
        yield* turn
        assert.deepStrictEqual(statuses(transport.text), [status])
        assert.match(transport.text, /\r\nconnection: close\r\n/)
        assert.strictEqual(harness.log.length, 1)
        yield* finish(harness, transport)
      }
    })
  )
})

describe("the session", () => {
  it.effect("follows requests that were answered before, in order", () =>
    Effect.gen(function* () {
      const { harness, sessions } = yield* open(accepting)
      const transport = yield* converse(harness, get() + get() + handshake() + get())
      assert.deepStrictEqual(statuses(transport.text), [200, 200, 101])
      assert.strictEqual(sessions[0]?.received, get())
      yield* end(harness, transport)
    })
  )

  it.effect("is told of applications of earlier requests that run on, and the connection waits for them", () =>
    Effect.gen(function* () {
      const mayEnd = Latch.makeUnsafe()
      const webSocket = fakeSessions()
      const application = PagiApp.make({
        http: (_scope, _receive, send) => Effect.andThen(respond(send, "ok"), mayEnd.await),
        websocket: (_scope, receive, send) => Effect.andThen(Effect.andThen(receive, send(accept)), receive)
      })
      const harness = yield* makeHarness(application, { webSocket: webSocket.make })
      const transport = yield* converse(harness, get() + handshake())
      const [session] = webSocket.sessions
      assert.strictEqual(session?.connection.running, 2)
      transport.pushEnd()
      yield* turn
      assert.deepStrictEqual(session?.notes, ["begin", "abort client_closed", "application ended"])
      assert.strictEqual(harness.server.registry.size, 1)
      mayEnd.openUnsafe()
      yield* turn
      assert.strictEqual(session?.notes.at(-1), "application ended")
      yield* finish(harness)
    })
  )

  it.effect("takes over what the peer has not read, also while it is behind", () =>
    Effect.gen(function* () {
      const { harness, sessions } = yield* open(accepting, { writeTimeout: "1 second" })
      const transport = harness.connect({ capacity: 50 })
      transport.push(get())
      transport.push(handshake())
      yield* turn
      assert.isTrue(sessions[0]?.connection.isBlocked)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(transport.ending, "open", "the session has to limit the time")
      let text = ""
      for (let reads = 0; reads < 5; reads++) text += transport.read()
      assert.deepStrictEqual(statuses(text), [200, 101])
      assert.isTrue(sessions[0]?.notes.includes("drained"))
      yield* end(harness, transport)
    })
  )
})
