import type { ByteString } from "@pagi/core/bytes/ByteString"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { CANCEL } from "../../src/protocol/wire/ErrorCode.ts"
import { END_HEADERS, END_STREAM } from "../../src/protocol/frame/Flag.ts"
import * as FrameType from "../../src/protocol/frame/FrameType.ts"
import { hello, readBody, recorded, respond } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"
import { fieldOf, type Peer } from "./support/Peer.ts"

const post = { method: "POST", more: true } as const

/** Repeats until the server has had enough, or not within so many times; answers how many times that were. */
const untilCalm = (peer: Peer, limit: number, act: (index: number) => void): number => {
  for (let count = 0; count < limit; count++) {
    if (peer.goAways.length > 0) return count
    act(count)
  }
  return limit
}

/** Checks that the connection was ended with ENHANCE_YOUR_CALM, and that nothing of it is left. */
const assertCalm = (peer: Peer): void => {
  assert.deepStrictEqual(peer.goAways, ["ENHANCE_YOUR_CALM"])
  assert.strictEqual(peer.transport.ending, "ended")
}

describe("streams that are reset", () => {
  it.effect("by the peer (rapid reset, CVE-2023-44487) → ENHANCE_YOUR_CALM", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((scope) => scope.connection.disconnected)
      const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
      const peer = harness.connect()
      const count = untilCalm(peer, 3000, () => peer.together(() => peer.reset(peer.request(), CANCEL)))
      assert.isAtMost(count, 1002)
      assert.isAtMost(scopes.length, 1002)
      assertCalm(peer)
      yield* turn
      yield* finish(harness, peer)
    })
  )

  it.effect("while their applications run on count as streams: others are refused", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>(() => Effect.never)
      const harness = yield* makeHarness(application, { options: { h2MaxConcurrentStreams: 10 } })
      const peer = harness.connect()
      const ids = Array.from({ length: 100 }, () => {
        const id = peer.request()
        peer.read()
        if (peer.response(id).reset === undefined) peer.reset(id, CANCEL)
        return id
      })
      yield* turn
      assert.strictEqual(scopes.length, 20)
      assert.strictEqual(ids.filter((id) => peer.response(id).reset === "REFUSED_STREAM").length, 80)
      peer.transport.pushEnd()
      yield* TestClock.adjust("6 seconds")
      yield* turn
      yield* finish(harness, peer)
    })
  )

  const provocations: Readonly<Record<string, (peer: Peer) => void>> = {
    "an increment of 0": (peer) => {
      const id = peer.request(post)
      peer.frame(FrameType.WINDOW_UPDATE, 0, id, "\0\0\0\0")
    },
    "a window that overflows": (peer) => {
      const id = peer.request(post)
      peer.frame(FrameType.WINDOW_UPDATE, 0, id, "\u007f\u00ff\u00ff\u00ff")
    },
    "DATA behind END_STREAM": (peer) => peer.data(peer.request(), "x"),
    "content beyond its length": (peer) =>
      peer.data(peer.request({ ...post, fields: [["content-length", "1"]] }), "xx"),
    "a malformed request": (peer) => void peer.request({ fields: [["Upper", "x"]] }),
    "a second header section in the middle": (peer) => peer.headers(peer.request(post), [["x", "y"]], false),
    "PRIORITY of a wrong size": (peer) => peer.frame(FrameType.PRIORITY, 0, peer.request(post), "x"),
    "a stream that depends on itself": (peer) => {
      const id = peer.request(post)
      peer.frame(FrameType.PRIORITY, 0, id, `\0\0${String.fromCharCode(id >> 8, id & 255)}\0`)
    }
  }

  for (const [name, provoke] of Object.entries(provocations)) {
    it.effect(`by us because of ${name} (MadeYouReset, CVE-2025-8671) → ENHANCE_YOUR_CALM`, () =>
      Effect.gen(function* () {
        const { application, scopes } = recorded<unknown>((scope) => scope.connection.disconnected)
        const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
        const peer = harness.connect()
        const count = untilCalm(peer, 3000, () => peer.together(() => provoke(peer)))
        assert.isAtMost(count, 1002)
        assert.isAtMost(scopes.length, 1002)
        assertCalm(peer)
        yield* turn
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("because there are too many at once → REFUSED_STREAM, then ENHANCE_YOUR_CALM", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((scope) => scope.connection.disconnected)
      const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
      const peer = harness.connect()
      const count = untilCalm(peer, 3000, () => peer.request())
      assert.isAtMost(count, 1102)
      assert.strictEqual(scopes.length, 100)
      assertCalm(peer)
      yield* finish(harness, peer)
    })
  )

  it.effect("draw on one budget, whoever resets", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope) => scope.connection.disconnected)
      const harness = yield* makeHarness(application, {
        options: { disconnectGrace: 0, h2ResetBurst: 10, h2ResetRate: 1 }
      })
      const peer = harness.connect()
      const count = untilCalm(peer, 100, (index) =>
        index % 2 === 0 ? peer.reset(peer.request(), CANCEL) : provocations["an increment of 0"]?.(peer)
      )
      assert.isAtMost(count, 12)
      assertCalm(peer)
      yield* turn
      yield* finish(harness, peer)
    })
  )
})

describe("header sections", () => {
  it.effect("in a flood of CONTINUATIONs (CVE-2024-27983) → ENHANCE_YOUR_CALM, also when all are empty", () =>
    Effect.gen(function* () {
      for (const [fragment, limit] of [
        ["x".repeat(16_000), 5],
        ["x", 34],
        ["", 34]
      ] as const) {
        const harness = yield* makeHarness(recorded(hello).application)
        const peer = harness.connect()
        peer.frame(FrameType.HEADERS, END_STREAM, 1, fragment)
        const count = untilCalm(peer, 1000, () => peer.frame(FrameType.CONTINUATION, 0, 1, fragment))
        assert.isAtMost(count, limit)
        assertCalm(peer)
        yield* finish(harness, peer)
      }
    })
  )

  /** A reference to the field that was added to the dynamic table last. */
  const newest = "\u00be"

  it.effect("that inflate (HPACK bomb) → 431, whose fields are not kept", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      peer.request()
      // A literal with indexing of 4,000 bytes, then 16,000 references to it: 64 MB.
      const literal: ByteString = `\u0040\u0001x\u007f\u00a1\u001e${"v".repeat(4000)}`
      const id = peer.openId()
      const request = "\u0082\u0086\u0084"
      peer.frame(
        FrameType.HEADERS,
        END_STREAM | END_HEADERS,
        id,
        `${request}\u0041\u0001a${literal}${newest.repeat(12_000)}`
      )
      yield* turn
      assert.strictEqual(peer.response(id).status, 431)
      assert.strictEqual(scopes.length, 1)
      assert.deepStrictEqual(harness.log.at(-1)?.outcome, "protocol_error")
      const next = peer.request()
      yield* turn
      assert.strictEqual(peer.response(next).status, 200, "the decoder's table is right")
      yield* finish(harness, peer)
    })
  )

  it.effect("with too many fields, or too many cookie crumbs (CVE-2026-49975) → 431", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const ids = [
        peer.request({ fields: Array.from({ length: 200 }, (_, index) => [`x-${index}`, ""] as const) }),
        peer.request({ fields: Array.from({ length: 2000 }, () => ["cookie", ""] as const) }),
        peer.request({ fields: [["x", "a".repeat(70_000)]] })
      ]
      yield* turn
      for (const id of ids) {
        assert.strictEqual(peer.response(id).status, 431)
        assert.isTrue(peer.response(id).isComplete)
        assert.deepStrictEqual(fieldOf(peer.response(id).headers, "content-type"), ["text/plain; charset=utf-8"])
      }
      assert.strictEqual(scopes.length, 0)
      yield* finish(harness, peer)
    })
  )

  it.effect("that are too large as trailers cost their stream", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.flatMap(readBody(receive), (body) => respond(send, body ?? "left"))
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(post)
      peer.headers(
        id,
        Array.from({ length: 300 }, (_, index) => [`x-${index}`, ""] as const),
        true
      )
      yield* turn
      assert.isDefined(peer.response(id).reset)
      assert.deepStrictEqual(peer.goAways, [])
      yield* finish(harness, peer)
    })
  )
})

describe("frames without content", () => {
  const floods: Readonly<Record<string, (peer: Peer, id: number) => void>> = {
    PING: (peer) => peer.ping(),
    "PING ACK": (peer) => peer.ping("12345678", true),
    SETTINGS: (peer) => peer.settings([]),
    "SETTINGS ACK": (peer) => void peer.acknowledge(),
    PRIORITY: (peer) => peer.frame(FrameType.PRIORITY, 0, 99, "\0\0\0\0\0"),
    GOAWAY: (peer) => peer.frame(FrameType.GOAWAY, 0, 0, "\0".repeat(8)),
    "an unknown type": (peer) => peer.frame(0x42, 0, 0, "x"),
    "empty DATA": (peer, id) => peer.data(id, ""),
    "DATA of padding": (peer, id) => peer.frame(FrameType.DATA, 0x08, id, "\0"),
    "WINDOW_UPDATE of the connection": (peer) => peer.open(0, 1),
    "WINDOW_UPDATE of a stream": (peer, id) => peer.open(id, 1),
    "RST_STREAM of a closed stream": (peer, id) => peer.reset(id, CANCEL)
  }

  for (const [name, send] of Object.entries(floods)) {
    it.effect(`in a flood (${name}) → ENHANCE_YOUR_CALM`, () =>
      Effect.gen(function* () {
        const { application } = recorded<unknown>((scope) => scope.connection.disconnected)
        const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
        const peer = harness.connect()
        const id = peer.request(post)
        const count = untilCalm(peer, 5000, () => send(peer, id))
        assert.isAtMost(count, 1100)
        assertCalm(peer)
        yield* turn
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("are counted in the long run too", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect()
      let seconds = 0
      for (; seconds < 60 && peer.goAways.length === 0; seconds++) {
        for (let pings = 0; pings < 200; pings++) peer.ping()
        yield* TestClock.adjust("1 second")
      }
      assert.isAtMost(seconds, 15)
      assert.isAtLeast(seconds, 5)
      assertCalm(peer)
      yield* finish(harness, peer)
    })
  )
})

describe("what comes behind the end", () => {
  it.effect("is not looked at, and bounded", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      peer.frame(FrameType.DATA, 0, 0, "x")
      peer.request()
      yield* turn
      assert.strictEqual(scopes.length, 0)
      assert.deepStrictEqual(peer.goAways, ["PROTOCOL_ERROR"])
      for (let second = 0; second < 31; second++) {
        assert.strictEqual(peer.transport.ending, "ended")
        for (let sent = 0; sent < 10; sent++) peer.frame(0x42, 0, 0, "x".repeat(16_000))
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(peer.transport.ending, "destroyed")
      yield* turn
      yield* finish(harness)
    })
  )

  it.effect("of a connection in whose application a getter throws is one connection's end", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((scope, _, send) => {
        scope.connection.onDisconnect(() => {
          throw new Error("broken")
        })
        return Effect.andThen(mayAnswer.await, respond(send, "ok"))
      })
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const other = harness.connect()
      const reset = peer.request()
      const answered = peer.request()
      const elsewhere = other.request()
      yield* turn
      peer.reset(reset, CANCEL)
      mayAnswer.openUnsafe()
      yield* turn
      assert.strictEqual(peer.response(answered).body, "ok")
      assert.strictEqual(other.response(elsewhere).body, "ok")
      yield* finish(harness, peer, other)
    })
  )
})
