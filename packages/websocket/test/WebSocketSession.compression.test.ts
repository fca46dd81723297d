import { assert, describe, it } from "@effect/vitest"
import { toBytes } from "@pagi/core/bytes/ByteString"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { big, bigArrived, openCompressed, squeezed } from "./support/Compression.ts"
import { type FakeCompression, squeeze } from "./support/FakePlatform.ts"
import { finishSessions, makePuppetHarness, openSession } from "./support/Puppets.ts"
import { logLines, offersCompression, turn } from "./support/SessionHarness.ts"

describe("messages of the application", () => {
  it.effect("are compressed from 1 KiB on", () =>
    Effect.gen(function* () {
      const { app, harness, peer, session } = yield* openCompressed()
      harness.platform.isInstant = true
      const small = "s".repeat(1023)
      const limit = "l".repeat(1024)
      const umlauts = "ü".repeat(512)
      yield* app.text(small)
      yield* app.text(limit)
      yield* app.text(umlauts)
      yield* app.bytes(toBytes(small))
      yield* app.bytes(toBytes(limit))
      yield* turn
      assert.deepStrictEqual(peer.read(), [
        `text ${small}`,
        `compressed text ${squeezed(limit)}`,
        `compressed text ${squeezed(umlauts)}`,
        `bytes ${small}`,
        `compressed bytes ${squeezed(limit)}`
      ])
      const sizes = [small, squeezed(limit), squeezed(umlauts), small, squeezed(limit)].map(({ length }) => length)
      peer.close()
      assert.deepStrictEqual(logLines(harness), [`101 ${sizes.reduce((sum, size) => sum + size)} complete`])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("leave in the order in which they were sent, however long compressing takes", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session } = yield* openCompressed()
      yield* app.text("1")
      yield* app.text(big("2"))
      yield* app.text("3")
      yield* app.text(big("4"))
      yield* app.text("5")
      yield* turn
      assert.deepStrictEqual(peer.read(), ["text 1"])
      compression.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [bigArrived("2"), "text 3"])
      compression.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [bigArrived("4"), "text 5"])
      assert.isFalse(compression.isCompressing)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("do not hold up the answers to pings", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session } = yield* openCompressed()
      yield* app.text(big("1"))
      yield* app.text("2")
      peer.ping("now")
      assert.deepStrictEqual(peer.read(), ["pong now"])
      compression.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [bigArrived("1"), "text 2"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("count as buffered until they are compressed, and suspend sends", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session } = yield* openCompressed({
        writeHighWatermark: 5000,
        writeLowWatermark: 2500
      })
      const { transport } = app.scope
      yield* app.text(big("1"))
      yield* app.text(big("2"))
      assert.strictEqual(transport.bufferedAmount, 4000)
      const third = yield* Effect.forkChild(app.text(big("3")), { startImmediately: true })
      assert.strictEqual(transport.bufferedAmount, 6000)
      compression.finishCompressing()
      yield* turn
      assert.strictEqual(transport.bufferedAmount, 4000)
      assert.isUndefined(third.pollUnsafe())
      compression.finishCompressing()
      yield* turn
      assert.strictEqual(transport.bufferedAmount, 2000)
      assert.isDefined(third.pollUnsafe())
      compression.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [bigArrived("1"), bigArrived("2"), bigArrived("3")])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("do not suspend sends for good when what they were compressed to is still gathered", () =>
    Effect.gen(function* () {
      const { app, compression, harness, session } = yield* openCompressed({
        writeHighWatermark: 3000,
        writeLowWatermark: 500
      })
      // Compressed, it is between the two marks.
      const content = "aaabbb".repeat(600)
      const send = yield* Effect.forkChild(app.text(content), { startImmediately: true })
      const second = yield* Effect.forkChild(app.text("x".repeat(600)), { startImmediately: true })
      assert.isUndefined(send.pollUnsafe())
      compression.finishCompressing()
      yield* turn
      assert.isDefined(send.pollUnsafe())
      assert.isDefined(second.pollUnsafe())
      yield* finishSessions(harness, session)
    })
  )

  it.effect("keep a session from being idle while they are compressed", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session } = yield* openCompressed({ wsIdleTimeout: "2 seconds" })
      yield* app.text(big("1"))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(peer.read(), [])
      compression.finishCompressing()
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(peer.read(), [bigArrived("1")])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(peer.read(), ["close 1001 idle for too long"])
      yield* finishSessions(harness, session)
    })
  )
})

describe("a close", () => {
  it.effect("of the application waits behind its messages, and only then is the peer waited for", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed({
        wsIdleTimeout: "2 seconds"
      })
      yield* app.text(big("1"))
      yield* app.text("2")
      yield* app.close(4000, "done")
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(peer.read(), [])
      assert.strictEqual(transport.ending, "open")
      compression.finishCompressing()
      yield* TestClock.adjust("4900 millis")
      assert.deepStrictEqual(peer.read(), [bigArrived("1"), "text 2", "close 4000 done"])
      assert.strictEqual(transport.ending, "open")
      peer.close(4000)
      assert.strictEqual(yield* app.receive, "disconnect 4000")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("of the peer is answered behind the application's messages", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      yield* app.text(big("1"))
      peer.close(1000, "bye")
      assert.strictEqual(yield* app.receive, "disconnect 1000 bye")
      yield* app.text("dropped")
      assert.strictEqual(transport.ending, "open")
      compression.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [bigArrived("1"), "close 1000"])
      assert.strictEqual(transport.ending, "ended")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("of both at once ends the session behind the application's messages", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      yield* app.text(big("1"))
      yield* app.close(4000)
      peer.close(1000)
      assert.strictEqual(transport.ending, "open")
      compression.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [bigArrived("1"), "close 4000"])
      assert.strictEqual(transport.ending, "ended")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("for a broken rule does not wait, and nothing comes behind it", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      yield* app.text(big("1"))
      yield* app.text("2")
      yield* app.close(1000)
      peer.write("\xff\xff")
      compression.finishCompressing()
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(peer.read(), ["close 1002 Reserved bits of a frame are set"])
      assert.strictEqual(transport.ending, "ended")
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(transport.ending, "destroyed")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("for a ping that was not answered does not wait either", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      yield* app.keepalive(2, 1)
      yield* TestClock.adjust("2200 millis")
      yield* app.text(big("1"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(peer.read(), ["ping ", "close 1011 a ping was not answered"])
      compression.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [])
      assert.strictEqual(transport.ending, "ended")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("at a drain waits behind the application's messages", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session } = yield* openCompressed()
      yield* app.text(big("1"))
      harness.server.registry.drain()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(peer.read(), [])
      compression.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [bigArrived("1"), "close 1001 the server is shutting down"])
      yield* finishSessions(harness, session)
    })
  )
})

describe("when the connection closes", () => {
  const works: Readonly<Record<string, (compression: FakeCompression) => boolean>> = {
    compressing: (compression) => compression.finishCompressing(),
    decompressing: (compression) => compression.finishDecompressing()
  }
  for (const [name, finishWork] of Object.entries(works)) {
    it.effect(`while ${name}: compression is closed, and nothing comes of it`, () =>
      Effect.gen(function* () {
        const { app, compression, harness, peer, session, transport } = yield* openCompressed()
        yield* app.listen
        if (name === "compressing") yield* app.text(big("1"))
        else peer.compressed(true, squeeze(toBytes("1")))
        transport.fail("read_error")
        assert.isTrue(compression.isClosed)
        assert.isTrue(finishWork(compression))
        yield* turn
        assert.deepStrictEqual(app.notes, ["disconnect 1006 read_error"])
        assert.deepStrictEqual(peer.read(), [])
        yield* finishSessions(harness, session)
      })
    )
  }

  it.effect("compression is closed also when it was never used", () =>
    Effect.gen(function* () {
      const { compression, harness, peer, session } = yield* openCompressed()
      peer.close()
      assert.isFalse(compression.isClosed)
      yield* finishSessions(harness, session)
      assert.isTrue(compression.isClosed)
    })
  )
})

describe("without an agreement", () => {
  it.effect("nothing is compressed: the server does not want to, or the client does not offer it", () =>
    Effect.gen(function* () {
      for (const [perMessageDeflate, offer] of [
        [false, offersCompression],
        [true, {}]
      ] as const) {
        const harness = yield* makePuppetHarness({ perMessageDeflate })
        const session = yield* openSession(harness, offer)
        yield* session.app.text(big("1"))
        yield* turn
        assert.deepStrictEqual(session.peer.read(), [`text ${big("1")}`])
        assert.strictEqual(harness.platform.compressions.length, 0)
        yield* finishSessions(harness, session)
      }
    })
  )
})
