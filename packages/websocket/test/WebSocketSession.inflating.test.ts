import { assert, describe, it } from "@effect/vitest"
import { type ByteString, toBytes } from "@pagi/core/ByteString"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { openCompressed, squeezed } from "./support/Compression.ts"
import { squeeze } from "./support/FakePlatform.ts"
import { binary, close, frame, ping, text } from "./support/Frames.ts"
import { finishSessions } from "./support/Puppets.ts"
import { logLines, turn } from "./support/SessionHarness.ts"

/** A compressed text message, as a peer sends it. */
const deflated = (content: string): ByteString => frame(1, squeezed(content), { reserved: 4 })

describe("compressed messages of the peer", () => {
  it.effect("are received as they were, in order with others and with control frames", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session } = yield* openCompressed()
      yield* app.listen
      peer.write(text("1") + deflated("zwei ü") + ping("3") + binary("4"))
      peer.compressed(false, squeeze(toBytes("5")))
      assert.deepStrictEqual(app.notes, ["text 1"])
      assert.deepStrictEqual(peer.read(), [])
      compression.finishDecompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), ["pong 3"])
      assert.deepStrictEqual(app.notes, ["text 1", "text zwei ü", "bytes 4"])
      compression.finishDecompressing()
      assert.deepStrictEqual(app.notes, ["text 1", "text zwei ü", "bytes 4", "bytes 5"])
      yield* finishSessions(harness, session)
    })
  )

  const failures: Readonly<
    Record<string, readonly [payload: ByteString, isText: boolean, line: string, told: string]>
  > = {
    "inflates to too much": [squeezed("x".repeat(3001)), true, "1009 the inflated message is too large", "1009"],
    "is malformed": ["nonsense", false, "1007 the compressed message is malformed", "1007"],
    "is no UTF-8": ["z\x01\xff", true, "1007 text is not valid UTF-8", "1007"]
  }
  for (const [name, [payload, isText, line, told]] of Object.entries(failures)) {
    it.effect(`end the session when one ${name}: ${line}`, () =>
      Effect.gen(function* () {
        const { app, compression, harness, peer, session, transport } = yield* openCompressed({
          maxWsMessageSize: 3000
        })
        yield* app.listen
        peer.compressed(isText, toBytes(payload))
        peer.text("late")
        compression.finishDecompressing()
        assert.deepStrictEqual(peer.read(), [`close ${line}`])
        const reason = told === "1009" ? "body_too_large" : "protocol_error"
        assert.deepStrictEqual(app.notes, [`disconnect ${told} ${reason}`])
        assert.strictEqual(transport.ending, "ended")
        assert.deepStrictEqual(logLines(harness), [`101 0 ${reason}`])
        yield* finishSessions(harness, session)
      })
    )
  }

  it.effect("may be as large as the limit, and bytes need not be UTF-8", () =>
    Effect.gen(function* () {
      const { app, harness, peer, session } = yield* openCompressed({ maxWsMessageSize: 3000 })
      harness.platform.isInstant = true
      peer.compressed(true, squeeze(toBytes("x".repeat(3000))))
      peer.compressed(false, squeeze(toBytes("\xff")))
      assert.strictEqual(yield* app.receive, `text ${"x".repeat(3000)}`)
      assert.strictEqual(yield* app.receive, "bytes \xff")
      yield* finishSessions(harness, session)
    })
  )

  for (const closes of [false, true]) {
    it.effect(
      `pause a peer that sends much more meanwhile${closes ? ", also when the application has closed" : ""}`,
      () =>
        Effect.gen(function* () {
          const { app, compression, harness, peer, session, transport } = yield* openCompressed()
          yield* app.listen
          peer.compressed(true, squeeze(toBytes("1")))
          if (closes) yield* app.close()
          for (let sent = 0; sent < 3; sent++) peer.bytes(new Uint8Array(30_000))
          assert.isTrue(transport.isPaused)
          peer.close(1000)
          compression.finishDecompressing()
          yield* turn
          assert.isFalse(transport.isPaused)
          assert.strictEqual(app.notes.length, closes ? 1 : 5)
          yield* finishSessions(harness, session)
        })
    )
  }

  it.effect("are received before the end that came meanwhile: a close frame, or none", () =>
    Effect.gen(function* () {
      for (const closes of [true, false]) {
        const { app, compression, harness, peer, session, transport } = yield* openCompressed()
        yield* app.listen
        peer.write(deflated("1") + text("2") + (closes ? close(1000) : ""))
        peer.end()
        assert.deepStrictEqual(app.notes, [])
        assert.strictEqual(transport.ending, "open")
        compression.finishDecompressing()
        const end = closes ? "disconnect 1000" : "disconnect 1006 client_closed"
        assert.deepStrictEqual(app.notes, ["text 1", "text 2", end])
        yield* finishSessions(harness, session)
      }
    })
  )

  it.effect("are dropped when the application has closed meanwhile, and the answer is still found", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      yield* app.listen
      peer.write(deflated("1") + text("2") + close(1000, "fine"))
      yield* app.close(1000)
      compression.finishDecompressing()
      assert.deepStrictEqual(app.notes, ["disconnect 1000 fine"])
      assert.strictEqual(transport.ending, "ended")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("that are malformed do not matter any more once the application has closed", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session } = yield* openCompressed()
      peer.compressed(true, toBytes("nonsense"))
      peer.close(1000)
      yield* app.close(1000)
      compression.finishDecompressing()
      assert.strictEqual(yield* app.receive, "disconnect 1000")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("keep a ping from counting as unanswered while the pong behind them cannot be seen", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      yield* app.keepalive(10, 1)
      peer.compressed(true, squeeze(toBytes("1")))
      yield* TestClock.adjust("10200 millis")
      peer.pong()
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(transport.ending, "open")
      compression.finishDecompressing()
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(transport.ending, "open")
      yield* finishSessions(harness, session)
    })
  )
})
