import { assert, describe, it } from "@effect/vitest"
import type { ByteString } from "@pagi/core/bytes/ByteString"
import * as Effect from "effect/Effect"
import { openCompressed, squeezed } from "./support/Compression.ts"
import type { FakeCompression } from "./support/FakePlatform.ts"
import { close, frame, text } from "./support/Frames.ts"
import { finishSessions, makePuppetHarness, openSession, type Session, watch } from "./support/Puppets.ts"
import { turn } from "./support/SessionHarness.ts"

/** Bytes that may wait for the application before no further message is inflated. */
const mark = 65_536

/** A message that becomes much of little. */
const content = (number: number): string => `${number}${"x".repeat(10_000)}`

const count = 50

const contents = Array.from({ length: count }, (_, index) => content(index))

const received = contents.map((content) => `text ${content}`)

/** All of them, small enough for one read that does not pause. */
const burst: ByteString = contents.map((content) => frame(1, squeezed(content), { reserved: 4 })).join("")

/** Finishes what is inflated, and what is inflated after it, until no more is begun; answers how much it was. */
const inflateAll = (compression: FakeCompression): number => {
  let inflated = 0
  while (compression.finishDecompressing()) inflated++
  return inflated
}

/** Messages that get into the queue before it is beyond the mark. */
const fits = 1 + contents.findIndex((_, index) => contents.slice(0, index + 1).join("").length > mark)

/** Receives so many messages, one after the other; between them everything that can be is inflated. */
const receiveSlowly = ({ app, driver }: Session, compression: FakeCompression, messages: number) =>
  Effect.gen(function* () {
    const notes: Array<string> = []
    while (notes.length < messages) {
      notes.push(yield* app.receive)
      yield* turn
      inflateAll(compression)
      assert.isAtMost(driver.queuedBytes, mark + content(count).length)
    }
    return notes
  })

describe("compressed messages that came in one read, to an application that does not receive", () => {
  it("are less than the mark as they come, and much more inflated", () => {
    assert.isBelow(burst.length, mark)
    assert.isAbove(contents.join("").length, 5 * mark)
    assert.isBelow(fits, 10)
  })

  it.effect("are inflated up to 64 KiB and one message; the others wait as they came", () =>
    Effect.gen(function* () {
      const { compression, driver, harness, peer, session, transport } = yield* openCompressed()
      peer.write(burst)
      assert.isFalse(transport.isPaused)
      assert.strictEqual(inflateAll(compression), fits)
      assert.strictEqual(driver.queuedBytes, contents.slice(0, fits).join("").length)
      assert.isTrue(transport.isPaused)
      yield* turn
      assert.isFalse(compression.isDecompressing)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("are inflated no sooner when that takes no time", () =>
    Effect.gen(function* () {
      const { compression, driver, harness, peer, session } = yield* openCompressed()
      harness.platform.isInstant = true
      peer.write(burst)
      assert.strictEqual(compression.maximums.length, fits)
      assert.strictEqual(driver.queuedBytes, contents.slice(0, fits).join("").length)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("all arrive in order when it receives at last, and the peer is read again", () =>
    Effect.gen(function* () {
      const { compression, driver, harness, peer, session, transport } = yield* openCompressed()
      peer.write(burst + text("last"))
      inflateAll(compression)
      assert.deepStrictEqual(yield* receiveSlowly(session, compression, count), received)
      assert.isFalse(transport.isPaused)
      peer.text("later")
      assert.deepStrictEqual(yield* receiveSlowly(session, compression, 2), ["text last", "text later"])
      assert.strictEqual(driver.queuedBytes, 0)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("all arrive before the close frame behind them, which is answered", () =>
    Effect.gen(function* () {
      const { compression, harness, peer, session, transport } = yield* openCompressed()
      peer.write(burst + close(1000, "bye"))
      inflateAll(compression)
      assert.deepStrictEqual(peer.read(), [])
      const notes = yield* receiveSlowly(session, compression, count + 1)
      assert.deepStrictEqual(notes, [...received, "disconnect 1000 bye"])
      assert.deepStrictEqual(peer.read(), ["close 1000"])
      assert.strictEqual(transport.ending, "ended")
      yield* finishSessions(harness, session)
    })
  )

  it.effect("do not hide the close frame behind them once the application has closed", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      peer.write(burst + close(1000, "fine"))
      inflateAll(compression)
      yield* app.close(4000)
      assert.isFalse(compression.isDecompressing)
      assert.deepStrictEqual(peer.read(), ["close 4000"])
      assert.strictEqual(transport.ending, "ended")
      assert.isFalse(transport.isPaused)
      yield* app.listen
      assert.deepStrictEqual(app.notes, [...received.slice(0, fits), "disconnect 1000 fine"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("leave nothing behind when the connection breaks meanwhile", () =>
    Effect.gen(function* () {
      const { app, compression, harness, peer, session, transport } = yield* openCompressed()
      peer.write(burst)
      inflateAll(compression)
      transport.fail("read_error")
      yield* app.listen
      assert.deepStrictEqual(app.notes, [...received.slice(0, fits), "disconnect 1006 read_error"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("all arrive before the end that came with them, also when it is no close frame", () =>
    Effect.gen(function* () {
      const { compression, harness, peer, session } = yield* openCompressed()
      peer.write(burst)
      peer.end()
      inflateAll(compression)
      assert.deepStrictEqual(yield* receiveSlowly(session, compression, count), received)
      yield* session.app.listen
      assert.deepStrictEqual(session.app.notes, ["disconnect 1006 client_closed"])
      yield* finishSessions(harness, session)
    })
  )
})

describe("a peer that is not read", () => {
  /** A session whose application does not receive; the peer has sent four messages, of which the last is not read. */
  const openPaused = Effect.gen(function* () {
    const harness = yield* makePuppetHarness({ maxReceiveQueue: 4 })
    const session = yield* openSession(harness)
    for (const content of ["1", "2", "3", "4"]) session.peer.text(content)
    assert.isTrue(session.transport.isPaused)
    return { harness, session, ...session }
  })

  it.effect("gets a ping every 15 s, until it is read again", () =>
    Effect.gen(function* () {
      const { app, harness, session, transport } = yield* openPaused
      assert.deepStrictEqual(yield* watch(session, 46_000), ["15100 ping", "30200 ping", "45300 ping"])
      for (let messages = 0; messages < 2; messages++) yield* app.receive
      yield* turn
      assert.isFalse(transport.isPaused)
      assert.deepStrictEqual(yield* watch(session, 60_000), [])
      assert.strictEqual(harness.server.deadlines.size, 0)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("gets one only 15 s after it was last read", () =>
    Effect.gen(function* () {
      const { app, harness, peer, session, transport } = yield* openPaused
      yield* watch(session, 14_000)
      for (let messages = 0; messages < 2; messages++) yield* app.receive
      yield* turn
      assert.isFalse(transport.isPaused)
      peer.text("5")
      assert.isTrue(transport.isPaused)
      assert.deepStrictEqual(yield* watch(session, 16_000), ["15100 ping"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("gets none while it is read, however long nothing comes", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ maxReceiveQueue: 4 })
      const session = yield* openSession(harness)
      session.peer.text("1")
      session.peer.text("2")
      assert.deepStrictEqual(yield* watch(session, 60_000), [])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("may have left, which sending to it tells: the application learns of it", () =>
    Effect.gen(function* () {
      const { app, harness, session, transport } = yield* openPaused
      assert.deepStrictEqual(yield* watch(session, 14_900), [])
      assert.deepStrictEqual(yield* watch(session, 300), ["200 ping"])
      // A system that is not there any more answers by a reset.
      transport.fail("write_error")
      yield* app.listen
      assert.deepStrictEqual(app.notes, ["text 1", "text 2", "text 3", "disconnect 1006 write_error"])
      assert.deepStrictEqual(yield* watch(session, 40_000), [])
      yield* finishSessions(harness, session)
    })
  )
})
