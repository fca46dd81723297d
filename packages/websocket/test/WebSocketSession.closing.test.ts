import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { close, text, utf8 } from "./support/Frames.ts"
import { finishSessions, makePuppetHarness, openSession } from "./support/Puppets.ts"
import { assertNothingLeft, finish, logLines, turn } from "./support/SessionHarness.ts"

describe("a close frame of the peer", () => {
  const frames: ReadonlyArray<readonly [frame: string, event: string, answer: string]> = [
    [close(1000, "bye"), "disconnect 1000 bye", "close 1000"],
    [close(1000), "disconnect 1000", "close 1000"],
    [close(), "disconnect 1005", "close 1005"],
    [close(1001, utf8("fort \u{1f600}")), "disconnect 1001 fort \u{1f600}", "close 1001"],
    [close(3000), "disconnect 3000", "close 3000"],
    [close(4999, "x".repeat(123)), `disconnect 4999 ${"x".repeat(123)}`, "close 4999"]
  ]
  for (const [frame, event, answer] of frames) {
    it.effect(`is answered with its code, and is the last event: ${event.slice(0, 30)}`, () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness()
        const session = yield* openSession(harness)
        const { app, peer, transport } = session
        peer.write(frame)
        assert.deepStrictEqual(peer.read(), [answer])
        assert.strictEqual(transport.ending, "ended")
        assert.strictEqual(yield* app.receive, event)
        assert.strictEqual(yield* app.receive, event, "every later receive yields it again")
        assert.deepStrictEqual(logLines(harness), ["101 0 complete"])
        yield* finishSessions(harness, session)
        assert.deepStrictEqual(harness.errors, [])
      })
    )
  }

  it.effect("comes behind the messages before it, and nothing that is behind it is received", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      peer.write(text("a") + text("b") + close(1000, "bye") + text("c") + close(1001))
      peer.write(text("d"))
      yield* app.listen
      assert.deepStrictEqual(app.notes, ["text a", "text b", "disconnect 1000 bye"])
      assert.deepStrictEqual(peer.read(), ["close 1000"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("ends what the application sends: messages go nowhere, and so does a close", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      yield* app.text("before")
      peer.close(1000)
      yield* app.text("after")
      yield* app.keepalive(1, 1)
      yield* app.close(4000)
      assert.deepStrictEqual(peer.read(), ["text before", "close 1000"])
      assert.deepStrictEqual(logLines(harness), ["101 6 complete"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("with the end of its side right behind it ends the connection", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      session.peer.close(1000)
      session.peer.end()
      assert.deepStrictEqual(session.peer.read(), ["close 1000"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("with the end of its side does not cut off what is still on its way to a peer that reads slowly", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, peer, transport } = session
      yield* app.text("x".repeat(350))
      yield* turn
      peer.close(1000)
      peer.end()
      const lines: Array<string> = []
      for (let reads = 0; reads < 4; reads++) lines.push(...peer.read())
      assert.deepStrictEqual(lines, [`text ${"x".repeat(350)}`, "close 1000"])
      yield* turn
      assert.notStrictEqual(transport.ending, "open")
      yield* finishSessions(harness, session)
    })
  )
})

describe("a close of the application", () => {
  it.effect("sends its code and reason behind its messages; the answer is the disconnect event", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      yield* app.text("last")
      yield* app.close(4001, "bye \u{1f600}")
      yield* turn
      assert.deepStrictEqual(peer.read(), ["text last", "close 4001 bye \u{1f600}"])
      assert.strictEqual(transport.ending, "open")
      assert.deepStrictEqual(harness.log, [])
      peer.close(4001, "same to you")
      assert.strictEqual(transport.ending, "ended")
      assert.strictEqual(yield* app.receive, "disconnect 4001 same to you")
      assert.deepStrictEqual(peer.read(), [])
      assert.deepStrictEqual(logLines(harness), ["101 4 complete"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("has the code 1000 unless it says otherwise, and crosses that of the peer without harm", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      yield* app.close()
      peer.close(1001)
      yield* turn
      assert.deepStrictEqual(peer.read(), ["close 1000"])
      assert.strictEqual(yield* app.receive, "disconnect 1001")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("drops what the peer sends afterwards, but not what was there before", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      peer.text("before")
      yield* app.close()
      peer.text("after")
      yield* app.listen
      assert.deepStrictEqual(app.notes, ["text before"])
      peer.close(1000)
      assert.deepStrictEqual(app.notes, ["text before", "disconnect 1000"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("that no close frame can carry fails, and the session goes on", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      for (const [code, reason] of [
        [1005, ""],
        [1006, ""],
        [1015, ""],
        [2999, ""],
        [1000, "x".repeat(124)],
        [1000, "\u{1f600}".repeat(31)]
      ] as const) {
        assert.strictEqual((yield* Effect.flip(app.close(code, reason))).reason._tag, "ResponseRefused")
      }
      for (const code of [999, 5000, 1000.5]) {
        assert.strictEqual((yield* Effect.flip(app.close(code))).reason._tag, "InvalidEvent")
      }
      yield* app.text("still here")
      yield* app.close(1000, "x".repeat(123))
      yield* turn
      assert.deepStrictEqual(peer.read(), ["text still here", `close 1000 ${"x".repeat(123)}`])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is the last thing that it sends", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      yield* app.close(1000)
      for (const late of [app.close(1001), app.text("late"), app.keepalive(1), app.accept()]) {
        assert.strictEqual((yield* Effect.flip(late)).reason._tag, "EventOutOfOrder")
      }
      yield* turn
      assert.deepStrictEqual(peer.read(), ["close 1000"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is answered within 5 s or never: 1006 client_timeout", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      yield* app.listen
      yield* app.close()
      for (let seconds = 0; seconds < 4; seconds++) {
        yield* TestClock.adjust("1 second")
        peer.text("whatever it sends")
        peer.ping()
      }
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(transport.ending, "open")
      assert.deepStrictEqual(app.notes, [])
      yield* TestClock.adjust("201 millis")
      assert.strictEqual(transport.ending, "destroyed")
      assert.deepStrictEqual(app.notes, ["disconnect 1006 client_timeout"])
      assert.deepStrictEqual(logLines(harness), ["101 0 client_timeout"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("gives a peer that is behind 5 s from when it has read the close frame", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, peer, transport } = session
      yield* app.text("x".repeat(150))
      yield* app.close()
      yield* TestClock.adjust("14 seconds")
      peer.read()
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(peer.read(), [`text ${"x".repeat(150)}`, "close 1000"])
      assert.strictEqual(transport.ending, "open")
      peer.close(1000)
      assert.strictEqual(yield* app.receive, "disconnect 1000")
      yield* finishSessions(harness, session)
    })
  )
})

describe("once both have closed", () => {
  it.effect("the peer has two seconds to close its side, and while it sends thirty altogether", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      for (const [seconds, isSending] of [
        [2, false],
        [30, true]
      ] as const) {
        const session = yield* openSession(harness)
        const { app, peer, transport } = session
        app.return()
        peer.close(1000)
        for (let second = 1; second < seconds; second++) {
          yield* TestClock.adjust("1 second")
          if (isSending) peer.write("anything")
        }
        assert.strictEqual(transport.ending, "ended")
        yield* TestClock.adjust("1200 millis")
        assert.strictEqual(transport.ending, "destroyed")
      }
      yield* finish(harness)
    })
  )

  it.effect("a peer that is behind has them from when it has read everything", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, peer, transport } = session
      yield* app.text("x".repeat(150))
      yield* turn
      peer.close(1000)
      yield* TestClock.adjust("3900 millis")
      assert.deepStrictEqual(peer.read(), [])
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(peer.read(), [`text ${"x".repeat(150)}`, "close 1000"])
      assert.strictEqual(transport.ending, "ended")
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(transport.ending, "destroyed")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("what the peer still sends is discarded, also when it is much", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      app.return()
      peer.close(1000)
      const piece = "x".repeat(65_536)
      for (let sent = 0; sent < 4_000_000; sent += piece.length) peer.write(piece)
      assert.strictEqual(transport.ending, "ended")
      assert.strictEqual(transport.unreadLength, 0)
      transport.fail()
      yield* turn
      assertNothingLeft(harness)
    })
  )

  it.effect("after thirty seconds it waits while the peer still reads what was sent to it", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, peer, transport } = session
      yield* app.text("x".repeat(150))
      yield* turn
      peer.close(1000)
      for (let second = 0; second < 30; second++) {
        assert.isFalse(transport.isPaused)
        yield* TestClock.adjust("1 second")
        peer.write("x")
      }
      assert.isTrue(transport.isPaused)
      assert.deepStrictEqual([...peer.read(), ...peer.read()], [`text ${"x".repeat(150)}`, "close 1000"])
      assert.isFalse(transport.isPaused)
      yield* TestClock.adjust("2200 millis")
      assert.strictEqual(transport.ending, "destroyed")
      yield* finishSessions(harness, session)
    })
  )
})
