import { assert, describe, it } from "@effect/vitest"
import { toBytes } from "@pagi/core/bytes/ByteString"
import { type Follower, type SharedEvent, sharedMessage } from "@pagi/core/contract/DirectSend"
import * as Effect from "effect/Effect"
import { big, bigArrived } from "./support/Compression.ts"
import { finishSessions, makePuppetHarness, openSession } from "./support/Puppets.ts"
import { type ConnectOptions, logLines, turn } from "./support/SessionHarness.ts"

const text = (content: string): SharedEvent => ({ type: "websocket.send", text: content })
const bytes = (length: number): SharedEvent => ({
  type: "websocket.send",
  bytes: Uint8Array.from({ length }, (_, index) => index)
})

/** Either side of each length at which the form of a frame changes, and of that from which on it is no byte string. */
const lengths = [0, 1, 125, 126, 16_384, 16_385, 65_535, 65_536, 100_000]

const events: ReadonlyArray<SharedEvent> = [
  ...lengths.map((length) => text("x".repeat(length))),
  ...lengths.map(bytes),
  ...lengths.map((length) => text("ü".repeat(length / 2)))
]

/** An offer with which what the server sends is the same for all. */
const withoutContext: ConnectOptions = {
  headers: [["sec-websocket-extensions", "permessage-deflate; server_no_context_takeover"]]
}
const withContext: ConnectOptions = { headers: [["sec-websocket-extensions", "permessage-deflate"]] }

describe("a message to many sessions", () => {
  it.effect("is what each would be sent by itself, made once, and told and logged as that", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ writeHighWatermark: 10_000_000 })
      const [ordinary, one, other] = [
        yield* openSession(harness),
        yield* openSession(harness),
        yield* openSession(harness)
      ]
      for (const event of events) {
        const message = sharedMessage(event)
        if (event.type === "websocket.send") yield* ordinary.app.send(event)
        assert.strictEqual(one.app.direct.offer(message), "sent")
        const { encoding } = message
        assert.strictEqual(other.app.direct.offer(message), "sent")
        assert.strictEqual(message.encoding, encoding)
      }
      yield* turn
      const expected = ordinary.peer.read()
      assert.strictEqual(expected.length, events.length)
      assert.deepStrictEqual(one.peer.read(), expected)
      assert.deepStrictEqual(other.peer.read(), expected)
      yield* finishSessions(harness, ordinary, one, other)
      const lines = logLines(harness)
      assert.strictEqual(lines.length, 3)
      assert.strictEqual(new Set(lines).size, 1)
      const sent = harness.events.filter((event) => event.includes("transmit"))
      assert.strictEqual(sent.length, 3 * events.length)
    })
  )

  it.effect("is one write for each connection with what else is sent in the turn", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      yield* turn
      session.peer.read()
      const before = session.transport.writes
      session.app.direct.offer(sharedMessage(text("1")))
      yield* session.app.text("2")
      session.app.direct.offer(sharedMessage(text("3")))
      yield* turn
      assert.deepStrictEqual(session.peer.read(), ["text 1", "text 2", "text 3"])
      assert.strictEqual(session.transport.writes - before, 1)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("waits while the peer is behind, and followers are told, each first in its turn", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ writeHighWatermark: 100, writeLowWatermark: 50 })
      const session = yield* openSession(harness, { capacity: 250 })
      const { app, peer } = session
      const told: Array<string> = []
      const follower = (name: string, length: number): Follower => ({
        onRoom: () => {
          told.push(name)
          app.direct.offer(sharedMessage(text("x".repeat(length))))
        },
        onEnd: () => told.push(`${name} end`)
      })
      const [one, two, three] = [follower("one", 200), follower("two", 200), follower("three", 1)]
      for (const each of [one, two, three]) app.direct.follow(each)
      for (let count = 0; count < 2; count++) {
        assert.isTrue(app.direct.hasRoom)
        assert.strictEqual(app.direct.offer(sharedMessage(text("x".repeat(200)))), "sent")
      }
      assert.isFalse(app.direct.hasRoom)
      assert.strictEqual(app.direct.offer(sharedMessage(text("later"))), "later")
      assert.deepStrictEqual(told, [])
      // After what one of them sends there is no room again.
      for (let count = 0; count < 5; count++) peer.read()
      assert.deepStrictEqual(told.slice(0, 5), ["one", "two", "three", "one", "two"])
      told.length = 5
      app.direct.unfollow(three)
      peer.end()
      yield* turn
      peer.read()
      yield* turn
      assert.deepStrictEqual(told.slice(5).toSorted(), ["one end", "two end"])
      assert.strictEqual(app.direct.offer(sharedMessage(text("nobody"))), "gone")
      const late: Array<string> = []
      app.direct.follow({ onRoom: () => late.push("room"), onEnd: () => late.push("end") })
      assert.deepStrictEqual(late, ["end"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is for `send` before the session is open, behind its close frame, and when it is no message", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness()
      const session = yield* openSession(harness)
      const { app } = session
      for (const event of [
        { type: "websocket.close" } as const,
        { type: "sse.send", data: "" } as const,
        // What a program without types may do.
        { type: "websocket.send" } as never,
        undefined as never
      ]) {
        assert.strictEqual(app.direct.offer(sharedMessage(event)), "ordinary")
      }
      yield* app.close(1000)
      assert.strictEqual(app.direct.offer(sharedMessage(text("late"))), "ordinary")
      yield* finishSessions(harness, session)
    })
  )
})

describe("a message to many sessions with compression", () => {
  it.effect("is compressed once for all that keep no context, in order with everything else", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ perMessageDeflate: true })
      const [one, other] = [yield* openSession(harness, withoutContext), yield* openSession(harness, withoutContext)]
      const before = harness.platform.compressions.length
      const first = sharedMessage(text(big("a")))
      for (const { app } of [one, other]) {
        yield* app.text("before")
        app.direct.offer(first)
        app.direct.offer(sharedMessage(text("short")))
        yield* app.text("behind")
      }
      yield* turn
      assert.deepStrictEqual(one.peer.read(), ["text before"])
      assert.strictEqual(harness.platform.compressions.length, before + 1)
      const shared = harness.platform.compressions.at(-1)
      shared?.finishCompressing()
      assert.isTrue(shared?.isClosed)
      yield* turn
      assert.deepStrictEqual(one.peer.read(), [bigArrived("a"), "text short", "text behind"])
      assert.deepStrictEqual(other.peer.read(), ["text before", bigArrived("a"), "text short", "text behind"])
      // Who comes later has it at once.
      const late = yield* openSession(harness, withoutContext)
      late.app.direct.offer(first)
      yield* turn
      assert.deepStrictEqual(late.peer.read(), [bigArrived("a")])
      yield* finishSessions(harness, one, other, late)
    })
  )

  it.effect(
    "follows others by the thousand that were compressed for others while a session had its own to compress",
    () =>
      Effect.gen(function* () {
        const harness = yield* makePuppetHarness({ perMessageDeflate: true, writeHighWatermark: 100_000_000 })
        const [one, other] = [yield* openSession(harness, withoutContext), yield* openSession(harness, withoutContext)]
        yield* other.app.text(big("o"))
        const own = harness.platform.compressions.find(({ isCompressing }) => isCompressing)
        for (let count = 0; count < 5000; count++) {
          const message = sharedMessage(text(big("s")))
          one.app.direct.offer(message)
          harness.platform.compressions.at(-1)?.finishCompressing()
          other.app.direct.offer(message)
        }
        own?.finishCompressing()
        yield* turn
        const arrived = other.peer.read()
        assert.strictEqual(arrived.length, 5001)
        assert.strictEqual(arrived[0], bigArrived("o"))
        assert.deepStrictEqual(new Set(arrived.slice(1)), new Set([bigArrived("s")]))
        yield* finishSessions(harness, one, other)
      })
  )

  it.effect("is sent and told, if it is empty too, when the application has closed behind it meanwhile", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ perMessageDeflate: true })
      const session = yield* openSession(harness, withoutContext)
      const { app, peer } = session
      yield* app.text(big("o"))
      app.direct.offer(sharedMessage(text("")))
      yield* app.close(1000)
      harness.platform.compressions.find(({ isCompressing }) => isCompressing)?.finishCompressing()
      yield* turn
      assert.deepStrictEqual(peer.read(), [bigArrived("o"), "text ", "close 1000"])
      assert.strictEqual(harness.events.filter((event) => event.includes("transmit")).length, 2)
      yield* finishSessions(harness, session)
    })
  )

  it.effect("is compressed for each that keeps its context, and not at all for others", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ perMessageDeflate: true })
      harness.platform.isInstant = true
      const [one, other] = [yield* openSession(harness, withContext), yield* openSession(harness, withContext)]
      const plain = yield* openSession(harness)
      const before = harness.platform.compressions.length
      const message = sharedMessage({ type: "websocket.send", bytes: toBytes(big("b")) })
      for (const { app } of [one, other, plain]) app.direct.offer(message)
      yield* turn
      assert.strictEqual(harness.platform.compressions.length, before)
      const arrived = bigArrived("b").replace("text", "bytes")
      assert.deepStrictEqual(one.peer.read(), [arrived])
      assert.deepStrictEqual(other.peer.read(), [arrived])
      assert.deepStrictEqual(plain.peer.read(), [`bytes ${big("b")}`])
      yield* finishSessions(harness, one, other, plain)
    })
  )

  it.effect("is not written to a session that has ended meanwhile, and to the others it is", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ perMessageDeflate: true })
      const [one, other] = [yield* openSession(harness, withoutContext), yield* openSession(harness, withoutContext)]
      const message = sharedMessage(text(big("c")))
      for (const { app } of [one, other]) app.direct.offer(message)
      one.peer.end()
      yield* turn
      const told = harness.events.length
      harness.platform.compressions.at(-1)?.finishCompressing()
      yield* turn
      assert.deepStrictEqual(one.peer.read(), [])
      assert.deepStrictEqual(other.peer.read(), [bigArrived("c")])
      assert.strictEqual(harness.events.slice(told).filter((event) => event.includes("transmit")).length, 1)
      yield* finishSessions(harness, one, other)
    })
  )
})
