import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { finishSessions, makePuppetHarness, openSession, watch } from "./support/Puppets.ts"
import { assertNothingLeft, logLines, turn } from "./support/SessionHarness.ts"

const options: Input = { writeTimeout: "1 hour", writeHighWatermark: 200, writeLowWatermark: 50, maxReceiveQueue: 2 }

const open = (connectOptions?: Parameters<typeof openSession>[1]) =>
  Effect.gen(function* () {
    const harness = yield* makePuppetHarness(options)
    return { harness, session: yield* openSession(harness, connectOptions) }
  })

describe("websocket.keepalive", () => {
  it.effect("pings in every interval, whatever else is sent, until an interval of 0", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open()
      const { app, peer } = session
      yield* app.keepalive(2)
      assert.deepStrictEqual(yield* watch(session, 1500), [])
      yield* app.text("meanwhile")
      peer.text("both ways")
      assert.deepStrictEqual(yield* watch(session, 3000), ["100 text meanwhile", "600 ping", "2700 ping"])
      yield* app.keepalive(0)
      assert.deepStrictEqual(yield* watch(session, 10_000), [])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("counts the last keepalive only", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open()
      yield* session.app.keepalive(1, 1)
      yield* TestClock.adjust("1200 millis")
      yield* session.app.keepalive(5, 0)
      assert.deepStrictEqual(yield* watch(session, 6000), ["100 ping", "5100 ping"])
      assert.strictEqual(session.transport.ending, "open")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("goes on when every ping is answered, by whatever pong", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open()
      const { app, peer, transport } = session
      yield* app.listen
      yield* app.keepalive(2, 1)
      for (let count = 0; count < 20; count++) {
        const seen = yield* watch(session, 500)
        if (seen.length > 0) peer.pong("unlike the ping")
      }
      assert.strictEqual(transport.ending, "open")
      assert.deepStrictEqual(app.notes, [])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("ends the session when a ping is not answered in time, whatever else the peer sends", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open()
      const { app, peer, transport } = session
      yield* app.listen
      yield* app.keepalive(2, 3)
      const seen: Array<string> = []
      for (let count = 0; count < 6; count++) {
        peer.text(`${count}`)
        seen.push(...(yield* watch(session, 1000)))
      }
      assert.deepStrictEqual(seen, ["100 ping", "200 close 1011 a ping was not answered"])
      assert.strictEqual(app.notes.at(-1), "disconnect 1006 keepalive_timeout")
      assert.strictEqual(transport.ending, "ended", "the peer is not waited for")
      assert.deepStrictEqual(logLines(harness), ["101 0 keepalive_timeout"])
      yield* TestClock.adjust("2200 millis")
      assert.strictEqual(transport.ending, "destroyed")
      app.return()
      yield* turn
      assertNothingLeft(harness)
    })
  )

  it.effect("sends no other ping while one is not answered, which has the whole time", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open()
      yield* session.app.keepalive(1, 10)
      const seen = yield* watch(session, 12_000)
      assert.deepStrictEqual(seen, ["1100 ping", "11200 close 1011 a ping was not answered"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("ends with the session", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open()
      const { app } = session
      yield* app.keepalive(1, 1)
      yield* app.close()
      assert.deepStrictEqual(yield* watch(session, 4000), ["100 close 1000"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is as the application says: fractions of a second, rounded up to a tenth", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open()
      yield* session.app.keepalive(0.01)
      assert.isAtLeast((yield* watch(session, 2000)).length, 9)
      yield* finishSessions(harness, session)
    })
  )
})

describe("a pong that cannot have been seen is waited for longer", () => {
  it.effect("while the peer is not read", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open()
      const { app, peer, transport } = session
      yield* app.keepalive(2, 1)
      for (const content of ["1", "2", "3"]) peer.text(content)
      assert.isTrue(transport.isPaused)
      assert.deepStrictEqual(yield* watch(session, 2500), ["2100 ping"])
      peer.pong()
      yield* watch(session, 20_000)
      assert.strictEqual(transport.ending, "open")
      yield* app.receive
      yield* app.receive
      yield* turn
      assert.isFalse(transport.isPaused)
      yield* watch(session, 900)
      assert.strictEqual(transport.ending, "open", "its pong was there")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("and from when it is read again for the whole time", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open()
      const { app, peer, transport } = session
      yield* app.keepalive(100, 10)
      for (const content of ["1", "2"]) peer.text(content)
      assert.isTrue(transport.isPaused)
      yield* watch(session, 109_800)
      yield* app.receive
      yield* app.receive
      assert.isFalse(transport.isPaused)
      assert.deepStrictEqual(yield* watch(session, 9900), [])
      assert.deepStrictEqual(yield* watch(session, 300), ["200 close 1011 a ping was not answered"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("while the ping waits behind what the peer has not read", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open({ capacity: 100 })
      const { app, peer, transport } = session
      yield* app.bytes(new Uint8Array(148))
      yield* app.keepalive(100, 10)
      yield* TestClock.adjust("125 seconds")
      assert.deepStrictEqual(peer.read(), [])
      assert.deepStrictEqual(peer.read(), [`bytes ${"\0".repeat(148)}`, "ping "])
      yield* TestClock.adjust("9900 millis")
      assert.strictEqual(transport.ending, "open")
      peer.pong()
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(transport.ending, "open")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("when there was no room for the ping", () =>
    Effect.gen(function* () {
      const { harness, session } = yield* open({ capacity: 100 })
      const { app, peer, transport } = session
      yield* Effect.forkChild(app.bytes(new Uint8Array(400)), { startImmediately: true })
      yield* Effect.forkChild(app.keepalive(100, 10), { startImmediately: true })
      yield* TestClock.adjust("105 seconds")
      const lines: Array<string> = []
      for (let reads = 0; reads < 6; reads++) lines.push(...peer.read())
      assert.deepStrictEqual(lines, [`bytes ${"\0".repeat(400)}`])
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual(transport.ending, "open")
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(peer.read(), ["ping "])
      yield* finishSessions(harness, session)
    })
  )
})
