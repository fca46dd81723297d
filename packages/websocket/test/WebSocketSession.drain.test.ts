import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import {
  connect,
  finishSessions,
  makePuppetHarness,
  openSession,
  type PuppetHarness,
  type Session
} from "./support/Puppets.ts"
import { assertNothingLeft, logLines, turn } from "./support/SessionHarness.ts"

/** The server begins to drain, as it does when it is told to stop. */
const drain = ({ server }: PuppetHarness): Effect.Effect<void> =>
  Effect.tap(server.beginShutdown, () => Effect.sync(() => server.registry.drain()))

const closing = "close 1001 the server is shutting down"
const closed = "disconnect 1001 server_shutdown"

describe("a drain", () => {
  it.effect("closes sessions with 1001, 100 to 200 ms after shuttingDown", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      yield* app.listen
      yield* drain(harness)
      yield* TestClock.adjust("99 millis")
      assert.deepStrictEqual([...peer.read(), ...app.notes], [])
      yield* TestClock.adjust("101 millis")
      assert.deepStrictEqual(peer.read(), [closing])
      assert.deepStrictEqual(app.notes, [closed])
      assert.deepStrictEqual(logLines(harness), ["101 0 server_shutdown"])
      assert.strictEqual(transport.ending, "open", "until the peer has answered")
      peer.close(1001)
      assert.strictEqual(transport.ending, "ended")
      yield* finishSessions(harness, session)
      assert.deepStrictEqual(harness.errors, [])
    })
  )

  it.effect("lets applications say goodbye first", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      yield* Effect.forkChild(Effect.andThen(app.scope.shuttingDown, app.text("goodbye")))
      yield* drain(harness)
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(peer.read(), ["text goodbye", closing])
      yield* app.text("too late")
      yield* turn
      assert.deepStrictEqual(peer.read(), [])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("lets them close in their own way", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      yield* drain(harness)
      yield* app.close(1012, "back soon")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(peer.read(), ["close 1012 back soon"])
      peer.close(1012)
      assert.strictEqual(yield* app.receive, "disconnect 1012")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("changes nothing for a peer that closes in time, breaks a rule, or leaves", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const sessions = [yield* openSession(harness), yield* openSession(harness), yield* openSession(harness)] as const
      yield* drain(harness)
      sessions[0].peer.close(1000)
      sessions[1].peer.write("\xff\xff")
      sessions[2].peer.end()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        sessions.map(({ peer }) => peer.read()),
        [["close 1000"], ["close 1002 Reserved bits of a frame are set"], []]
      )
      assert.isTrue(sessions.every(({ app }) => app.exit === undefined))
      yield* finishSessions(harness, ...sessions)
    })
  )

  it.effect("also closes sessions that are accepted later", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* connect(harness)
      const { app, peer } = session
      yield* drain(harness)
      yield* TestClock.adjust("1 second")
      yield* app.receive
      yield* app.accept()
      yield* app.text("hello")
      yield* TestClock.adjust("50 millis")
      assert.deepStrictEqual(peer.read(), ["text hello"])
      yield* TestClock.adjust("150 millis")
      assert.deepStrictEqual(peer.read(), [closing])
      assert.strictEqual(yield* app.receive, closed)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("does not cut off what a slow peer has still to read", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, peer } = session
      yield* app.text("x".repeat(250))
      yield* drain(harness)
      yield* TestClock.adjust("8 seconds")
      const lines = [...peer.read(), ...peer.read(), ...peer.read()]
      assert.deepStrictEqual(lines, [`text ${"x".repeat(250)}`, closing])
      peer.close(1001)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("gives peers 5 s to answer", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      yield* drain(harness)
      yield* TestClock.adjust("5100 millis")
      assert.strictEqual(session.transport.ending, "open")
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(session.transport.ending, "destroyed")
      yield* finishSessions(harness, session)
      assert.deepStrictEqual(logLines(harness), ["101 0 server_shutdown"])
    })
  )

  it.effect("is over when the last session is", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const sessions = [yield* openSession(harness), yield* openSession(harness)] as const
      const empty = yield* Effect.forkChild(harness.server.registry.empty, { startImmediately: true })
      yield* drain(harness)
      yield* TestClock.adjust("200 millis")
      for (const { peer } of sessions) {
        peer.close(1001)
        peer.end()
      }
      sessions[0].app.return()
      yield* turn
      assert.isUndefined(empty.pollUnsafe())
      sessions[1].app.return()
      yield* turn
      assert.isDefined(empty.pollUnsafe())
      assertNothingLeft(harness)
    })
  )
})

describe("the end of the server", () => {
  const options: Input = { disconnectGrace: 0, writeHighWatermark: 200, writeLowWatermark: 50 }

  const abort = ({ server }: PuppetHarness) => Effect.sync(() => server.registry.abort("server_shutdown"))
  const closeScope = ({ connections }: PuppetHarness) => EffectScope.close(connections, Exit.void)

  for (const [name, end] of [
    ["after shutdownTimeout", abort],
    ["with its scope", closeScope]
  ] as const) {
    it.effect(`${name}: 1001 without a reason, for the peer and the application, which is interrupted`, () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness(options)
        const { app, peer, transport } = yield* openSession(harness)
        yield* app.listen
        yield* app.text("last")
        yield* end(harness)
        yield* turn
        assert.deepStrictEqual(peer.read(), ["text last", "close 1001"])
        assert.strictEqual(transport.ending, "destroyed")
        assert.deepStrictEqual(app.notes, [closed])
        assert.isTrue(app.exit !== undefined && Exit.isFailure(app.exit))
        assert.deepStrictEqual(logLines(harness), ["101 4 server_shutdown"])
        assert.deepStrictEqual(harness.errors, [])
        assertNothingLeft(harness)
      })
    )

    it.effect(`${name}: ends sessions that are closing or lingering, too`, () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness(options)
        const sessions: Array<Session> = []
        for (let count = 0; count < 4; count++) sessions.push(yield* openSession(harness))
        const [closing, lingering, broken, stuck] = sessions as [Session, Session, Session, Session]
        yield* closing.app.close()
        lingering.peer.close()
        broken.peer.write("\xff\xff")
        yield* Effect.forkChild(stuck.app.bytes(new Uint8Array(1000)), { startImmediately: true })
        for (const { app } of sessions) yield* app.listen
        yield* end(harness)
        yield* turn
        assert.deepStrictEqual(
          sessions.map(({ app }) => app.notes),
          [[closed], ["disconnect 1005"], ["disconnect 1002 protocol_error"], [closed]]
        )
        assert.deepStrictEqual(logLines(harness).toSorted(), [
          "101 0 complete",
          "101 0 protocol_error",
          "101 0 server_shutdown",
          "101 1000 server_shutdown"
        ])
        assertNothingLeft(harness)
      })
    )
  }

  it.effect("does not wait for a peer that is behind", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const { app, transport } = yield* openSession(harness, { capacity: 100 })
      yield* Effect.forkChild(app.bytes(new Uint8Array(1000)), { startImmediately: true })
      yield* abort(harness)
      yield* turn
      assert.notStrictEqual(transport.ending, "open")
      assertNothingLeft(harness)
    })
  )
})
