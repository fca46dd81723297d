import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { binary, close, ping, text } from "./support/Frames.ts"
import { finishSessions, makePuppetHarness, openSession, type Puppet } from "./support/Puppets.ts"
import { assertNothingLeft, logLines, problems, turn } from "./support/SessionHarness.ts"

/** Runs a send in a fiber of its own; tells whether it has ended. */
const begin = (send: Effect.Effect<void, unknown>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(send, { startImmediately: true })
    return () => fiber.pollUnsafe() !== undefined
  })

const receiveAll = (app: Puppet, count: number) => Effect.replicateEffect(app.receive, count, { discard: true })

const kibibyte = "k".repeat(1024)

describe("sends", () => {
  const options: Input = { writeHighWatermark: 200, writeLowWatermark: 50 }

  it.effect("suspend while more than the high mark is unsent, and go on at the low mark", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, peer } = session
      yield* app.bytes(new Uint8Array(98))
      yield* app.bytes(new Uint8Array(196))
      yield* turn
      assert.strictEqual(app.scope.transport.bufferedAmount, 200)
      const hasEnded = yield* begin(app.text("x"))
      assert.isFalse(hasEnded())
      assert.strictEqual(app.scope.transport.bufferedAmount, 203)
      peer.read()
      yield* turn
      assert.strictEqual(app.scope.transport.bufferedAmount, 103)
      assert.isFalse(hasEnded(), "not before the low mark")
      peer.read()
      yield* turn
      assert.isTrue(hasEnded())
      assert.strictEqual(app.scope.transport.bufferedAmount, 3)
      peer.read()
      assert.deepStrictEqual(peer.read(), ["text x"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("do not suspend for what the system takes", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness)
      const { app, peer } = session
      for (let count = 0; count < 100; count++) yield* app.bytes(new Uint8Array(300))
      assert.strictEqual(peer.read().length, 100)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("go on when the peer closes, or leaves", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      for (const leave of ["close", "end"] as const) {
        const session = yield* openSession(harness, { capacity: 100 })
        const hasEnded = yield* begin(session.app.bytes(new Uint8Array(500)))
        assert.isFalse(hasEnded())
        session.peer[leave]()
        yield* turn
        assert.isTrue(hasEnded())
        for (let reads = 0; reads < 6; reads++) session.peer.read()
        yield* finishSessions(harness, session)
      }
    })
  )
})

describe("a peer that does not read", () => {
  const options: Input = { writeTimeout: "13 seconds", disconnectGrace: 0 }

  it.effect("may take less at a time than was handed over, as long as it takes some in time", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const { app, transport } = yield* openSession(harness, { capacity: 100 })
      yield* app.listen
      yield* app.bytes(new Uint8Array(1000))
      for (let reads = 0; reads < 5; reads++) {
        yield* TestClock.adjust("12900 millis")
        transport.readSome(10)
      }
      assert.deepStrictEqual(app.notes, [])
      yield* TestClock.adjust("27 seconds")
      assert.deepStrictEqual(app.notes, ["disconnect 1006 write_timeout"])
      yield* turn
      assertNothingLeft(harness)
    })
  )

  it.effect("is dropped after writeTimeout by a reset; its reading counts as progress", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, transport } = session
      yield* app.listen
      yield* app.bytes(new Uint8Array(1000))
      for (let reads = 0; reads < 5; reads++) {
        yield* TestClock.adjust("12900 millis")
        transport.read()
      }
      yield* TestClock.adjust("12900 millis")
      assert.deepStrictEqual(app.notes, [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(app.notes, ["disconnect 1006 write_timeout"])
      assert.strictEqual(transport.ending, "reset")
      assert.deepStrictEqual(logLines(harness), ["101 1000 write_timeout"])
      assert.deepStrictEqual(problems(harness), ["limit writeTimeout"])
      yield* turn
      assertNothingLeft(harness)
    })
  )

  it.effect("is dropped also while our close frame waits, and once both have closed", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      for (const closes of [(app: Puppet) => app.close(), () => Effect.void]) {
        const session = yield* openSession(harness, { capacity: 100 })
        const { app, peer, transport } = session
        yield* app.bytes(new Uint8Array(1000))
        yield* turn
        yield* closes(app)
        peer.close()
        yield* TestClock.adjust("12900 millis")
        assert.strictEqual(transport.ending, "open")
        yield* TestClock.adjust("300 millis")
        assert.strictEqual(transport.ending, "reset")
        assertNothingLeft(harness)
      }
    })
  )

  it.effect("is dropped also when it was behind before the session opened", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness, { capacity: 100, unsent: 150 })
      yield* TestClock.adjust("12900 millis")
      assert.strictEqual(session.transport.ending, "open")
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(session.transport.ending, "reset")
      assertNothingLeft(harness)
    })
  )

  it.effect("and then does: nothing stays armed", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, peer, transport } = session
      yield* app.bytes(new Uint8Array(150))
      yield* TestClock.adjust("12 seconds")
      assert.deepStrictEqual([...peer.read(), ...peer.read()].length, 1)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(transport.ending, "open")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("gets one pong for all pings that it has sent meanwhile", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ writeHighWatermark: 200, writeLowWatermark: 50 })
      const session = yield* openSession(harness, { capacity: 100 })
      const { app, peer } = session
      peer.ping("before")
      assert.deepStrictEqual(peer.read(), ["pong before"])
      yield* begin(app.bytes(new Uint8Array(400)))
      peer.ping("one")
      peer.write(ping("two") + ping("three"))
      const lines = [...peer.read()]
      peer.ping("four")
      for (let reads = 0; reads < 5; reads++) lines.push(...peer.read())
      assert.deepStrictEqual(lines, [`bytes ${"\0".repeat(400)}`, "pong four"])
      peer.ping("after")
      assert.deepStrictEqual(peer.read(), ["pong after"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is not one whose answers have only been gathered: every ping of a burst is answered", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ writeHighWatermark: 200, writeLowWatermark: 50 })
      const session = yield* openSession(harness)
      const { peer } = session
      peer.write(ping("x".repeat(100)).repeat(50))
      assert.strictEqual(peer.read().length, 50)
      yield* finishSessions(harness, session)
    })
  )
})

describe("a peer that sends faster than the application receives", () => {
  it.effect("has to wait beyond half of maxReceiveQueue, until a quarter is left", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ maxReceiveQueue: 8 })
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      for (let sent = 1; sent <= 4; sent++) peer.text(`${sent}`)
      assert.isFalse(transport.isPaused)
      peer.text("5")
      assert.isTrue(transport.isPaused)
      peer.text("6")
      assert.isAbove(transport.unreadLength, 0)
      yield* receiveAll(app, 2)
      assert.isTrue(transport.isPaused)
      yield* receiveAll(app, 1)
      assert.isFalse(transport.isPaused)
      assert.strictEqual(yield* app.receive, "text 4")
      assert.strictEqual(yield* app.receive, "text 5")
      assert.strictEqual(yield* app.receive, "text 6")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("has to wait beyond 64 KiB, until a quarter is left", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      for (let sent = 0; sent < 64; sent++) peer.write(sent % 2 === 0 ? text(kibibyte) : binary(kibibyte))
      assert.isFalse(transport.isPaused)
      peer.text("x")
      assert.isTrue(transport.isPaused)
      yield* receiveAll(app, 48)
      assert.isTrue(transport.isPaused)
      yield* receiveAll(app, 1)
      assert.isFalse(transport.isPaused)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("has to wait after each message that alone is larger than that, and gets all through", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ maxWsFrameSize: 0 })
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      const large = "x".repeat(200_000)
      for (const content of [large, large, "end"]) peer.text(content)
      assert.isTrue(transport.isPaused)
      assert.strictEqual(yield* app.receive, `text ${large}`)
      assert.strictEqual(yield* app.receive, `text ${large}`)
      assert.strictEqual(yield* app.receive, "text end")
      assert.isFalse(transport.isPaused)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is read again when the session closes, so that its answer is seen", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ maxReceiveQueue: 2 })
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      peer.write(text("1") + text("2"))
      peer.text("3")
      assert.isTrue(transport.isPaused)
      yield* app.close(1000)
      yield* turn
      assert.isFalse(transport.isPaused)
      peer.close(1000, "fine")
      assert.strictEqual(transport.ending, "ended")
      yield* app.listen
      assert.deepStrictEqual(app.notes, ["text 1", "text 2", "disconnect 1000 fine"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is noticed when it leaves while it is not read, as soon as it is read again", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ maxReceiveQueue: 2 })
      const session = yield* openSession(harness)
      const { app, peer } = session
      peer.write(text("1") + text("2"))
      peer.write(text("3") + close(1000))
      peer.end()
      yield* app.listen
      yield* turn
      assert.deepStrictEqual(app.notes, ["text 1", "text 2", "text 3", "disconnect 1000"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is closed with 1008 when more than maxReceiveQueue messages were there at once", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ maxReceiveQueue: 4 })
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      peer.write(["1", "2", "3", "4", "5", "6"].map((content) => text(content)).join("") + close(1000))
      assert.deepStrictEqual(peer.read(), ["close 1008 message queue overflow"])
      assert.strictEqual(transport.ending, "ended")
      yield* app.listen
      assert.deepStrictEqual(app.notes, [
        "text 1",
        "text 2",
        "text 3",
        "text 4",
        "text 5",
        "disconnect 1008 queue_overflow"
      ])
      assert.deepStrictEqual(logLines(harness), ["101 0 queue_overflow"])
      assert.deepStrictEqual(problems(harness), ["limit maxReceiveQueue"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is not closed when exactly maxReceiveQueue messages wait, nor when the application waits for them", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ maxReceiveQueue: 4 })
      const session = yield* openSession(harness)
      const { app, peer } = session
      peer.write(text("x").repeat(4))
      yield* app.listen
      peer.write(text("y").repeat(100))
      yield* turn
      assert.strictEqual(app.notes.length, 104)
      assert.deepStrictEqual(peer.read(), [])
      yield* finishSessions(harness, session)
    })
  )
})
