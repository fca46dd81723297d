import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { close, text } from "./support/Frames.ts"
import { finishSessions, makePuppetHarness, openSession, type Session } from "./support/Puppets.ts"
import { logLines, problems, turn } from "./support/SessionHarness.ts"

describe("wsIdleTimeout", () => {
  const options: Input = { wsIdleTimeout: "9 seconds", writeTimeout: "1 hour" }

  /** Checks that the session is closed when so much time has passed, and not before. */
  const closesAfter = ({ app, peer }: Session, seconds: number) =>
    Effect.gen(function* () {
      const before = app.notes.length
      yield* TestClock.adjust(seconds * 1000 - 100)
      assert.deepStrictEqual([...peer.read(), ...app.notes.slice(before)], [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(peer.read(), ["close 1001 idle for too long"])
      assert.deepStrictEqual(app.notes.slice(before), ["disconnect 1006 idle_timeout"])
    })

  it.effect("closes a session without frames: the peer sees 1001, the application 1006 idle_timeout", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness)
      yield* session.app.listen
      yield* closesAfter(session, 9)
      session.peer.write(close(1001))
      assert.strictEqual(session.transport.ending, "ended")
      assert.deepStrictEqual(logLines(harness), ["101 0 idle_timeout"])
      assert.deepStrictEqual(problems(harness), ["limit wsIdleTimeout"])
      yield* finishSessions(harness, session)
    })
  )

  const activities: Readonly<Record<string, (session: Session) => Effect.Effect<unknown, unknown>>> = {
    "a message of the peer": ({ peer }) => Effect.sync(() => peer.text("x")),
    "a ping of the peer": ({ peer }) => Effect.sync(() => peer.ping("x")),
    "a pong of the peer": ({ peer }) => Effect.sync(() => peer.pong("x")),
    "a part of a message": ({ peer }) => Effect.sync(() => peer.write(text("x", { isFinal: false }))),
    "a message of the application": ({ app }) => app.text("x"),
    "a ping of the application": ({ app }) => Effect.andThen(app.keepalive(1), TestClock.adjust("1200 millis"))
  }
  for (const [name, act] of Object.entries(activities)) {
    it.effect(`counts from the last frame: ${name}`, () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness(options)
        const session = yield* openSession(harness)
        const { app, peer } = session
        yield* app.listen
        yield* TestClock.adjust("7 seconds")
        yield* act(session)
        yield* app.keepalive(0)
        yield* turn
        peer.read()
        app.notes.length = 0
        yield* closesAfter(session, 9)
        yield* finishSessions(harness, session)
      })
    )
  }

  it.effect("does not count while the peer is behind", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, peer, transport } = session
      yield* app.listen
      yield* app.text("x".repeat(150))
      for (let count = 0; count < 30; count++) yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(app.notes, [])
      transport.read()
      transport.read()
      yield* TestClock.adjust("8900 millis")
      assert.deepStrictEqual(app.notes, [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(app.notes, ["disconnect 1006 idle_timeout"])
      peer.close()
      yield* finishSessions(harness, session)
    })
  )

  it.effect("gives the peer 5 s for the answer", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness)
      yield* TestClock.adjust("9200 millis")
      yield* TestClock.adjust("4800 millis")
      assert.strictEqual(session.transport.ending, "open")
      yield* TestClock.adjust("400 millis")
      assert.strictEqual(session.transport.ending, "destroyed")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("of 0 closes nothing", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ wsIdleTimeout: 0, headersTimeout: "1 second", timeout: "1 second" })
      const session = yield* openSession(harness)
      yield* TestClock.adjust("10 hours")
      assert.strictEqual(session.transport.ending, "open")
      assert.strictEqual(harness.server.deadlines.size, 0, "an idle session has no deadline")
      yield* finishSessions(harness, session)
    })
  )
})
