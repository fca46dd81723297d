import { constants } from "node:buffer"
import { assert, describe, it } from "@effect/vitest"
import { type ByteString, toBytes } from "@pagi/core/bytes/ByteString"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { big, bigArrived, openCompressed, squeezed } from "./support/Compression.ts"
import { squeeze } from "./support/FakePlatform.ts"
import { binary, close, frame, ping, text } from "./support/Frames.ts"
import { finishSessions, openSession } from "./support/Puppets.ts"
import { type Harness, logLines, offersCompression, problems, turn } from "./support/SessionHarness.ts"

/** The longest string that there can be. */
const longestString = constants.MAX_STRING_LENGTH

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
    Record<string, readonly [payload: ByteString, isText: boolean, line: string, told: string, problem: string]>
  > = {
    "inflates to too much": [
      squeezed("x".repeat(3001)),
      true,
      "1009 the inflated message is too large",
      "1009",
      "limit maxWsMessageSize"
    ],
    "is malformed": [
      "nonsense",
      false,
      "1007 the compressed message is malformed",
      "1007",
      "error malformed-compression"
    ],
    "is no UTF-8": ["z\x01\xff", true, "1007 text is not valid UTF-8", "1007", "error invalid-text"]
  }
  for (const [name, [payload, isText, line, told, problem]] of Object.entries(failures)) {
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
        assert.deepStrictEqual(problems(harness), [problem])
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

  for (const maxWsMessageSize of [3000, 0]) {
    it.effect(`are inflated to a finite maximum also when maxWsMessageSize is ${maxWsMessageSize}`, () =>
      Effect.gen(function* () {
        const { compression, harness, peer, session } = yield* openCompressed({ maxWsMessageSize })
        peer.compressed(true, squeeze(toBytes("1")))
        assert.deepStrictEqual(compression.maximums, [maxWsMessageSize || longestString])
        compression.finishDecompressing()
        yield* finishSessions(harness, session)
      })
    )
  }

  it.effect("that come once the application has closed are not inflated, and may be malformed", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session } = yield* openCompressed()
      yield* app.close(4000, "done")
      peer.compressed(true, toBytes("nonsense"))
      peer.compressed(true, squeeze(toBytes("1")))
      assert.deepStrictEqual(compression.maximums, [])
      peer.close(4000)
      assert.deepStrictEqual(peer.read(), ["close 4000 done"])
      assert.strictEqual(yield* app.receive, "disconnect 4000")
      assert.deepStrictEqual(logLines(harness), ["101 0 complete"])
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

const outcomes = ({ log }: Harness) => log.map(({ outcome }) => outcome)

describe("the end that comes in one read with the peer's close frame", () => {
  it.effect("while a message of the application is compressed: the close frame is still answered, behind it", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      yield* app.listen
      yield* app.text(big("1"))
      peer.close(4001, "bye")
      peer.end()
      yield* turn
      assert.strictEqual(transport.ending, "open")
      compression.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [bigArrived("1"), "close 4001"])
      assert.deepStrictEqual(app.notes, ["disconnect 4001 bye"])
      assert.deepStrictEqual(outcomes(harness), ["complete"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("while a message of the peer is inflated: the close frame is still found, and answered", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session } = yield* openCompressed()
      yield* app.listen
      peer.write(deflated("1") + close(4001, "bye"))
      peer.end()
      compression.finishDecompressing()
      yield* turn
      assert.deepStrictEqual(app.notes, ["text 1", "disconnect 4001 bye"])
      assert.deepStrictEqual(peer.read(), ["close 4001"])
      assert.deepStrictEqual(outcomes(harness), ["complete"])
      yield* finishSessions(harness, session)
    })
  )
})

describe("a defect where a message has been inflated", () => {
  /** Bytes for which whoever looks at them fails. */
  const broken = (): Uint8Array =>
    Object.defineProperty(new Uint8Array(1), "length", {
      get: () => {
        throw new Error("broken")
      }
    })

  it.effect("costs that connection only", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      const other = yield* openSession(harness, offersCompression)
      compression.decompress = (_payload, _maxSize, done) => queueMicrotask(() => done(broken()))
      peer.compressed(false, squeeze(toBytes("1")))
      yield* turn
      assert.strictEqual(transport.ending, "destroyed")
      assert.strictEqual(yield* app.receive, "disconnect 1006 server_error")
      assert.strictEqual(harness.errors.length, 1)
      assert.include(harness.errors.join(), "a WebSocket session failed")
      assert.deepStrictEqual(logLines(harness), ["101 0 server_error"])
      other.peer.compressed(true, squeeze(toBytes("goes on")))
      assert.isTrue(harness.platform.compressions.at(-1)?.finishDecompressing())
      assert.strictEqual(yield* other.app.receive, "text goes on")
      assert.strictEqual(other.transport.ending, "open")
      yield* finishSessions(harness, session, other)
    })
  )
})
