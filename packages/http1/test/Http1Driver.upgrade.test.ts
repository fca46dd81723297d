import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as EffectScope from "effect/Scope"
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
import { accept, accepting, chatting, fakeWebSocket, handshake, receiveAll } from "./support/FakeWebSocket.ts"
import { get, lines } from "./support/Machine.ts"

/** A server with sessions, whose applications do as the handler says. */
const open = (websocket: PagiApp.WebSocketHandler<unknown>, options: Input = {}) =>
  Effect.gen(function* () {
    const webSocket = fakeWebSocket()
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
  it.effect("gets a websocket scope, and becomes a session when it is accepted", () =>
    Effect.gen(function* () {
      const { harness, scopes, sessions } = yield* open((_scope, receive, send) =>
        Effect.andThen(send({ ...accept, subprotocol: "chat", headers: [["Set-Cookie", "a=b"]] }), receiveAll(receive))
      )
      const transport = yield* converse(harness, handshake("X-Field: 1").replace("GET / ", "GET /a%20b?c=d "))
      const [scope] = scopes
      assert.isDefined(scope)
      assert.deepInclude(scope, {
        type: "websocket",
        scheme: "ws",
        path: "/a b",
        rawPath: "/a%20b",
        queryString: "c=d"
      })
      assert.deepStrictEqual(scope.subprotocols, ["chat", "superchat"])
      assert.deepInclude(scope.headers, ["x-field", "1"])
      assert.deepStrictEqual(scope.extensions["websocket.http.response"], {})

      const [{ headers, status }, rest] = readResponse(
        transport.text,
        { method: "GET", httpVersion: "1.1", keepAlive: true },
        false
      )
      assert.strictEqual(status, 101)
      assert.strictEqual(rest, "")
      assert.deepStrictEqual(headers.filter(([name]) => name !== "date").toSorted(), [
        ["connection", "upgrade"],
        ["set-cookie", "a=b"],
        ["upgrade", "websocket"],
        ["x-subprotocol", "chat"]
      ])
      const [session] = sessions
      assert.strictEqual(session?.connection.entry?.status, 101)
      assert.strictEqual(session?.connection.running, 1)
      assert.isFalse(session?.connection.isBlocked)
      assert.deepStrictEqual(session?.notes, ["begin"])
      assert.deepStrictEqual(harness.log, [])
      yield* end(harness, transport)
      assert.deepStrictEqual(harness.log.length, 1)
    })
  )

  it.effect("over TLS has the scheme wss, and the host has to be the expected one", () =>
    Effect.gen(function* () {
      const { harness, scopes } = yield* open(accepting)
      const transport = harness.connect({ secure: true })
      const misdirected = harness.connect({ secure: true, expectedHost: "b" })
      for (const one of [transport, misdirected]) one.push(handshake())
      yield* turn
      assert.deepStrictEqual(
        scopes.map(({ scheme }) => scheme),
        ["wss"]
      )
      assert.deepStrictEqual(statuses(misdirected.text), [421])
      yield* end(harness, transport, misdirected)
    })
  )

  it.effect("leaves no time limit of HTTP behind", () =>
    Effect.gen(function* () {
      const limits: Input = { headersTimeout: "1 second", requestTimeout: "1 second", timeout: "1 second" }
      const { harness } = yield* open(accepting, limits)
      const transport = yield* converse(harness, handshake())
      assert.strictEqual(harness.server.deadlines.size, 0)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(transport.ending, "open")
      yield* end(harness, transport)
    })
  )

  it.effect("is waited for no longer than requestTimeout", () =>
    Effect.gen(function* () {
      const { harness } = yield* open(() => Effect.never, { requestTimeout: "3 seconds" })
      const transport = yield* converse(harness, handshake())
      yield* TestClock.adjust("2900 millis")
      assert.strictEqual(transport.ending, "open")
      yield* TestClock.adjust("300 millis")
      assert.notStrictEqual(transport.ending, "open")
      assert.deepStrictEqual(summaries(harness), [[499, "client_timeout", "/"]])
      yield* end(harness)
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
      const { make, requests } = fakeWebSocket()
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

  it.effect("is not read beyond 64 KiB before the answer, and is read again behind it", () =>
    Effect.gen(function* () {
      const mayAccept = Latch.makeUnsafe()
      const { harness, sessions } = yield* open((...exchange) =>
        Effect.andThen(mayAccept.await, accepting(...exchange))
      )
      const transport = yield* converse(harness, handshake())
      for (let sent = 0; sent < 5; sent++) transport.push("x".repeat(30_000))
      assert.isTrue(transport.isPaused)
      assert.isAtLeast(transport.unreadLength, 60_000)
      mayAccept.openUnsafe()
      yield* turn
      assert.isFalse(transport.isPaused)
      assert.strictEqual(sessions[0]?.received.length, 150_000)
      yield* end(harness, transport)
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
      const webSocket = fakeWebSocket()
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

  it.effect("is drained in place of the connection, also when the drain began before", () =>
    Effect.gen(function* () {
      const mayAccept = Latch.makeUnsafe()
      const { harness, sessions } = yield* open((...exchange) =>
        Effect.andThen(exchange[0].path === "/later" ? mayAccept.await : Effect.void, accepting(...exchange))
      )
      const early = yield* converse(harness, handshake())
      const late = yield* converse(harness, handshake().replace("GET / ", "GET /later "))
      harness.server.registry.drain()
      assert.deepStrictEqual(sessions[0]?.notes, ["begin", "drain"])
      mayAccept.openUnsafe()
      yield* turn
      assert.deepStrictEqual(sessions[1]?.notes, ["drain", "begin"])
      assert.deepStrictEqual(statuses(late.text), [101])
      yield* end(harness, early, late)
    })
  )

  it.effect("is told in place of the connection that the server ends", () =>
    Effect.gen(function* () {
      const { harness, sessions } = yield* open(accepting)
      yield* converse(harness, handshake())
      yield* EffectScope.close(harness.connections, Exit.void)
      yield* turn
      assert.isTrue(sessions[0]?.notes.includes("abort server_shutdown"))
      assertNothingLeft(harness)
    })
  )
})

describe("an accept that cannot be", () => {
  it.effect("fails and may be repeated: what is the server's to write, and what HTTP cannot carry", () =>
    Effect.gen(function* () {
      const failures: Array<string> = []
      const { harness } = yield* open((_scope, receive, send) =>
        Effect.gen(function* () {
          for (const headers of [[["Upgrade", "h2c"]], [["x-field", "a\r\nb"]], [["not a token", "a"]]] as const) {
            failures.push((yield* Effect.flip(send({ type: "websocket.accept", headers }))).reason._tag)
          }
          yield* send(accept)
          yield* receiveAll(receive)
        })
      )
      const transport = yield* converse(harness, handshake())
      assert.deepStrictEqual(failures, ["ResponseRefused", "ResponseRefused", "ResponseRefused"])
      assert.deepStrictEqual(statuses(transport.text), [101])
      yield* end(harness, transport)
    })
  )
})
