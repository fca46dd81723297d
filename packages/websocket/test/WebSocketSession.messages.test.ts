import { assert, describe, it } from "@effect/vitest"
import { toBytes } from "@pagi/core/bytes/ByteString"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { echo } from "./support/Applications.ts"
import { fragments, ping, text, utf8 } from "./support/Frames.ts"
import { connect, finishSessions, makePuppetHarness, openSession } from "./support/Puppets.ts"
import { finish, logLines, makeHarness, turn } from "./support/SessionHarness.ts"

const texts: ReadonlyArray<string> = ["", "a", "hello", "grüße, 世界 \u{1f600}", "x".repeat(125), "y".repeat(126)]
const lengths: ReadonlyArray<number> = [0, 1, 125, 126, 65_535, 65_536]

/** Bytes in which one that is lost or moved shows. */
const pattern = (length: number): Uint8Array => new Uint8Array(length).map((_, index) => index * 7 + (index >> 8))

describe("an echo", () => {
  it.effect("of text is the same text", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(echo)
      const { peer } = harness.connect()
      for (const content of texts) {
        peer.text(content)
        yield* turn
        assert.deepStrictEqual(peer.read(), [`text ${content}`])
      }
      yield* finish(harness, { peer })
    })
  )

  it.effect("of bytes is the same bytes, whether they were lent or not", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(echo)
      for (const lends of [true, false]) {
        const { peer } = harness.connect({ lends })
        for (const length of lengths) {
          const bytes = pattern(length)
          peer.bytes(bytes)
          yield* turn
          assert.deepStrictEqual(peer.read(), [`bytes ${Buffer.from(bytes).toString("latin1")}`])
        }
        yield* finish(harness, { peer })
      }
    })
  )

  it.effect("of many messages that come in one read is all of them in order, in one write", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(echo)
      const { peer, transport } = harness.connect()
      yield* turn
      const contents = Array.from({ length: 100 }, (_, index) => `message ${index}`)
      const writes = transport.writes
      peer.write(contents.map((content) => text(content)).join(""))
      yield* turn
      assert.deepStrictEqual(
        peer.read(),
        contents.map((content) => `text ${content}`)
      )
      assert.strictEqual(transport.writes - writes, 1)
      yield* finish(harness, { peer })
    })
  )

  it.effect("is counted by the access log, without what frames it", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(echo)
      const { peer } = harness.connect()
      peer.text("four")
      peer.text("\u{1f600}")
      peer.bytes(pattern(300))
      peer.ping("not a message")
      peer.close(1000)
      yield* finish(harness, { peer })
      assert.deepStrictEqual(logLines(harness), ["101 308 complete"])
    })
  )
})

describe("a message in fragments", () => {
  it.effect("is received whole, wherever it was cut", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      const content = utf8("grüße, 世界 \u{1f600}")
      for (let cut = 0; cut <= content.length; cut++) {
        for (const piece of fragments(1, [content.slice(0, cut), "", content.slice(cut)])) peer.write(piece)
        assert.strictEqual(yield* app.receive, "text grüße, 世界 \u{1f600}")
        peer.write(fragments(2, [content.slice(0, cut), content.slice(cut)]).join(""))
        assert.strictEqual(yield* app.receive, `bytes ${content}`)
      }
      yield* finishSessions(harness, session)
    })
  )

  it.effect("may have control frames in between, which are answered before it is complete", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      const [first = "", second = "", third = ""] = fragments(1, ["a", "b", "c"])
      peer.write(first)
      peer.ping("one")
      peer.write(second + ping("two"))
      assert.deepStrictEqual(peer.read(), ["pong one", "pong two"])
      peer.pong("nobody asked for")
      peer.write(third)
      assert.strictEqual(yield* app.receive, "text abc")
      assert.deepStrictEqual(peer.read(), [])
      yield* finishSessions(harness, session)
    })
  )
})

describe("what comes right behind the handshake", () => {
  const message = text("early") + fragments(2, ["by", "tes"]).join("") + ping("soon")

  it.effect("is received, when the handshake is accepted at once", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(echo)
      const { peer } = harness.connect({ behind: message })
      yield* turn
      assert.deepStrictEqual(peer.read(), ["pong soon", "text early", "bytes bytes"])
      yield* finish(harness, { peer })
    })
  )

  it.effect("is received, when the handshake is accepted later, also if the last frame is not whole", () =>
    Effect.gen(function* () {
      for (let cut = 0; cut <= message.length; cut++) {
        const harness = yield* makePuppetHarness()
        const session = yield* connect(harness)
        const { app, peer } = session
        peer.write(message.slice(0, cut))
        yield* turn
        assert.strictEqual(yield* app.receive, "connect")
        yield* app.accept()
        peer.write(message.slice(cut))
        assert.strictEqual(yield* app.receive, "text early")
        assert.strictEqual(yield* app.receive, "bytes bytes")
        yield* turn
        assert.deepStrictEqual(peer.read(), ["pong soon"])
        yield* finishSessions(harness, session)
      }
    })
  )

  it.effect("is received when the driver had stopped reading before", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* connect(harness)
      const { app, peer, transport } = session
      transport.pause()
      peer.write(message)
      yield* app.receive
      yield* app.accept()
      assert.strictEqual(yield* app.receive, "text early")
      yield* finishSessions(harness, session)
    })
  )
})

describe("receivers", () => {
  it.effect("are served in the order in which they have begun to wait", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      const first = yield* Effect.forkChild(app.receive, { startImmediately: true })
      const second = yield* Effect.forkChild(app.receive, { startImmediately: true })
      peer.write(text("1") + text("2") + text("3"))
      assert.strictEqual(yield* Fiber.join(second), "text 2")
      assert.strictEqual(yield* Fiber.join(first), "text 1")
      assert.strictEqual(yield* app.receive, "text 3")
      yield* finishSessions(harness, session)
    })
  )
})

describe("pings", () => {
  it.effect("are answered with their payload, in order, also without an application that receives", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { peer } = session
      peer.ping()
      peer.write(ping("a") + ping("x".repeat(125)))
      assert.deepStrictEqual(peer.read(), ["pong ", "pong a", `pong ${"x".repeat(125)}`])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("are answered also while our close frame waits for an answer, but not with anything behind it", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      peer.ping("before")
      yield* app.close()
      peer.ping("after")
      yield* turn
      assert.deepStrictEqual(peer.read(), ["pong before", "close 1000"])
      yield* finishSessions(harness, session)
    })
  )
})

describe("what the application sends", () => {
  it.effect("arrives as it was sent", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer } = session
      for (const content of texts) yield* app.text(content)
      for (const length of lengths) yield* app.bytes(pattern(length))
      yield* turn
      assert.deepStrictEqual(peer.read(), [
        ...texts.map((content) => `text ${content}`),
        ...lengths.map((length) => `bytes ${Buffer.from(pattern(length)).toString("latin1")}`)
      ])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("of text that is no Unicode has U+FFFD in place of what is wrong", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      yield* session.app.text("a\ud800b")
      yield* turn
      assert.deepStrictEqual(session.peer.read(), ["text a\ufffdb"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("in one turn is written at once", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      yield* turn
      const writes = transport.writes
      yield* Effect.sync(() => {
        for (let count = 0; count < 10; count++) Effect.runSync(app.bytes(toBytes("x")))
      })
      yield* turn
      assert.strictEqual(peer.read().length, 10)
      assert.strictEqual(transport.writes - writes, 1)
      yield* finishSessions(harness, session)
    })
  )
})
