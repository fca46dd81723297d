/** WebSocket handshakes, up to where the session takes over. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { Input } from "../../src/options/ServerOptions.ts"
import { accept, accepting, endSessions, handshake, receiveAll, serveSessions } from "./support/FakeWebSocket.ts"
import { assertCost, assertNothingLeft, finish, outcomes, readFor, turn } from "./support/Harness.ts"
import { valuesOf, type Version } from "./support/Version.ts"

export const testHandshakes = (version: Version): void => {
  it.effect("gets a websocket scope, and becomes a session when it is accepted", () =>
    Effect.gen(function* () {
      const { harness, scopes, sessions } = yield* serveSessions(version, (_scope, receive, send) =>
        Effect.andThen(send({ ...accept, subprotocol: "chat", headers: [["Set-Cookie", "a=b"]] }), receiveAll(receive))
      )
      const { client, exchange } = yield* handshake(harness, { path: "/a%20b?c=d", fields: [["x-field", "1"]] })
      const [scope] = scopes
      assert.isDefined(scope)
      assert.deepInclude(scope, {
        type: "websocket",
        httpVersion: version.httpVersion,
        scheme: "ws",
        path: "/a b",
        rawPath: "/a%20b",
        queryString: "c=d"
      })
      assert.deepStrictEqual(scope.subprotocols, ["chat", "superchat"])
      assert.deepInclude(scope.headers, ["x-field", "1"])
      assert.deepStrictEqual(scope.extensions["websocket.http.response"], {})
      const { body, headers, status } = exchange.response
      assert.deepStrictEqual([status, body], [version.acceptedStatus, ""])
      assert.deepStrictEqual(headers.filter(([name]) => name !== "date").toSorted(), [
        ["set-cookie", "a=b"],
        ["x-subprotocol", "chat"]
      ])
      const [session] = sessions
      assert.strictEqual(session?.connection.entry?.status, version.acceptedStatus)
      assert.strictEqual(session?.connection.running, 1)
      assert.isFalse(session?.connection.isBlocked)
      assert.deepStrictEqual(session?.notes, ["begin"])
      assert.deepStrictEqual(harness.log, [])
      yield* endSessions(harness, client)
      assert.deepStrictEqual(outcomes(harness), [`${version.acceptedStatus} complete`])
    })
  )

  it.effect("over TLS has the scheme wss, and the host has to be the expected one", () =>
    Effect.gen(function* () {
      const { harness, scopes } = yield* serveSessions(version, accepting)
      const client = harness.connect({ secure: true })
      const misdirected = harness.connect({ secure: true, expectedHost: "b" })
      client.handshake()
      const refused = misdirected.handshake()
      yield* turn
      assert.deepStrictEqual(
        scopes.map(({ scheme }) => scheme),
        ["wss"]
      )
      assert.strictEqual(refused.response.status, 421)
      yield* endSessions(harness, client, misdirected)
    })
  )

  it.effect("leaves no time limit of HTTP behind", () =>
    Effect.gen(function* () {
      const limits: Input = { headersTimeout: "1 second", requestTimeout: "1 second", timeout: "1 second" }
      const { harness, sessions } = yield* serveSessions(version, accepting, limits)
      const { client, exchange } = yield* handshake(harness)
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(exchange.response, { status: version.acceptedStatus, state: "pending" })
      assert.strictEqual(client.transport.ending, "open")
      assert.deepStrictEqual(sessions[0]?.notes, ["begin"])
      yield* endSessions(harness, client)
    })
  )

  it.effect("is waited for no longer than requestTimeout", () =>
    Effect.gen(function* () {
      const { harness } = yield* serveSessions(version, () => Effect.never, { requestTimeout: "3 seconds", timeout: 0 })
      const { client, exchange } = yield* handshake(harness)
      yield* TestClock.adjust("2900 millis")
      assert.strictEqual(exchange.response.state, "pending")
      yield* TestClock.adjust("300 millis")
      assert.deepInclude(exchange.response, { status: undefined, state: "broken" })
      assert.deepStrictEqual(outcomes(harness), ["499 client_timeout"])
      yield* endSessions(harness, client)
    })
  )

  it.effect("that the protocol refuses is answered with its status and fields", () =>
    Effect.gen(function* () {
      const { harness, scopes, sessions } = yield* serveSessions(version, accepting)
      const { client, exchange } = yield* handshake(harness, { fields: [["x-refuse", "yes"]] })
      assert.deepInclude(exchange.response, { status: 426, body: "Another one, please\n", state: "complete" })
      assert.deepStrictEqual(valuesOf(exchange.response.headers, "x-another"), ["yes"])
      assert.deepStrictEqual(outcomes(harness), ["426 protocol_error"])
      assert.deepStrictEqual(
        harness.events.filter((event) => event.startsWith("error")),
        ["error request-refused"]
      )
      assert.deepStrictEqual([...scopes, ...sessions], [])
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )

  it.effect("may be accepted again when that has failed: by what is the server's, or HTTP cannot carry", () =>
    Effect.gen(function* () {
      const failures: Array<string> = []
      const { harness } = yield* serveSessions(version, (_scope, receive, send) =>
        Effect.gen(function* () {
          for (const headers of [[["Upgrade", "h2c"]], [["x-field", "a\r\nb"]], [["not a token", "a"]]] as const) {
            failures.push((yield* Effect.flip(send({ type: "websocket.accept", headers }))).reason._tag)
          }
          yield* send(accept)
          yield* receiveAll(receive)
        })
      )
      const { client, exchange } = yield* handshake(harness)
      assert.deepStrictEqual(failures, ["ResponseRefused", "ResponseRefused", "ResponseRefused"])
      assert.strictEqual(exchange.response.status, version.acceptedStatus)
      yield* endSessions(harness, client)
    })
  )
}

export const testSessions = (version: Version): void => {
  const frames = `\x81\x83not a request${"\xff".repeat(1000)}`

  for (const delay of [0, 1]) {
    for (const cut of [7, 40, undefined]) {
      const pieces = cut === undefined ? "in one piece" : `${cut} bytes at a time`
      it.effect(`gets what came behind the handshake ${pieces}, accepted ${delay === 0 ? "at once" : "later"}`, () =>
        Effect.gen(function* () {
          const { harness, sessions } = yield* serveSessions(version, (...exchange) =>
            Effect.andThen(delay === 0 ? Effect.void : Effect.sleep("1 second"), accepting(...exchange))
          )
          const client = harness.connect(cut === undefined ? {} : { cut })
          client.transport.together(() => client.handshake().send(frames))
          yield* TestClock.adjust("1 second")
          yield* turn
          assert.strictEqual(sessions[0]?.received, frames)
          yield* endSessions(harness, client)
        })
      )
    }
  }

  it.effect("carries bytes both ways", () =>
    Effect.gen(function* () {
      const { harness, sessions } = yield* serveSessions(version, accepting)
      const { client, exchange } = yield* handshake(harness)
      exchange.send("abc")
      sessions[0]?.send("def")
      exchange.send("ghi")
      yield* turn
      assert.strictEqual(exchange.response.body, "def")
      assert.strictEqual(sessions[0]?.received, "abcghi")
      // A session would limit the time that its client has to read them.
      assert.deepStrictEqual(sessions[0]?.notes, ["begin"])
      yield* endSessions(harness, client)
    })
  )

  it.effect("is not read for beyond 64 KiB before the answer, and is read for again behind it", () =>
    Effect.gen(function* () {
      const mayAccept = Latch.makeUnsafe()
      const { harness, sessions } = yield* serveSessions(version, (...exchange) =>
        Effect.andThen(mayAccept.await, accepting(...exchange))
      )
      const { client, exchange } = yield* handshake(harness)
      for (let sent = 0; sent < 5; sent++) exchange.send("x".repeat(30_000))
      yield* turn
      client.read()
      assert.isAtLeast(exchange.unsent, 60_000)
      mayAccept.openUnsafe()
      yield* readFor(client, 20)
      assert.strictEqual(exchange.unsent, 0)
      assert.strictEqual(sessions[0]?.received.length, 150_000)
      yield* endSessions(harness, client)
    })
  )

  it.effect("follows requests that were answered before", () =>
    Effect.gen(function* () {
      const { harness, sessions } = yield* serveSessions(version, accepting)
      const client = harness.connect()
      const exchanges = client.transport.together(() => [client.request(), client.request(), client.handshake()])
      yield* turn
      assert.deepStrictEqual(
        exchanges.map(({ response }) => response.status),
        [200, 200, version.acceptedStatus]
      )
      assert.strictEqual(sessions.length, 1)
      yield* endSessions(harness, client)
    })
  )

  it.effect("is drained in place of the exchange, also when the drain began before", () =>
    Effect.gen(function* () {
      const mayAccept = Latch.makeUnsafe()
      const { harness, sessions } = yield* serveSessions(version, (...exchange) =>
        Effect.andThen(exchange[0].path === "/later" ? mayAccept.await : Effect.void, accepting(...exchange))
      )
      const early = yield* handshake(harness)
      const late = yield* handshake(harness, { path: "/later" })
      harness.server.registry.drain()
      assert.deepStrictEqual(sessions[0]?.notes, ["begin", "drain"])
      mayAccept.openUnsafe()
      yield* turn
      assert.deepStrictEqual(sessions[1]?.notes.toSorted(), ["begin", "drain"])
      assert.strictEqual(late.exchange.response.status, version.acceptedStatus)
      yield* endSessions(harness, early.client, late.client)
    })
  )

  it.effect("is told in place of the exchange that the server ends", () =>
    Effect.gen(function* () {
      const { harness, sessions } = yield* serveSessions(version, accepting)
      yield* handshake(harness)
      yield* EffectScope.close(harness.connections, Exit.void)
      yield* turn
      assert.isTrue(sessions[0]?.notes.includes("abort server_shutdown"))
      assertNothingLeft(harness)
    })
  )

  it.effect("is one exchange for observers", () =>
    Effect.gen(function* () {
      const { harness } = yield* serveSessions(version, accepting)
      const { client } = yield* handshake(harness)
      yield* endSessions(harness, client)
      const [record] = harness.log
      assert.strictEqual(record?.kind, "websocket")
      const method = record?.request?.method
      assert.deepStrictEqual(
        harness.events.filter((event) => !/^(opened|closed|reset)/.test(event)),
        [`started ${method} /`, "application", `ended ${method} / ${version.acceptedStatus} complete`]
      )
    })
  )
}
