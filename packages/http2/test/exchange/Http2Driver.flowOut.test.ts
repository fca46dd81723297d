import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE } from "../../src/protocol/wire/PeerSettings.ts"
import { hello, last, piece, recorded, respond, start, streaming } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"

describe("a peer with wide windows that reads everything", () => {
  for (const [pieceSize, count] of [
    [100, 20_000],
    [1000, 1000],
    [16_000, 100],
    [50_000, 40],
    [100_000, 20],
    [1_000_000, 3]
  ] as const) {
    it.effect(`gets ${count} pieces of ${pieceSize} bytes without sending anything`, () =>
      Effect.gen(function* () {
        const { application, progress } = streaming(pieceSize, count)
        const harness = yield* makeHarness(application)
        const peer = harness.connectWide()
        const id = peer.request()
        for (let turns = 0; turns < 500 && !progress.isComplete; turns++) yield* turn
        assert.strictEqual(progress.sent, count)
        assert.strictEqual(peer.response(id).body.length, pieceSize * count)
        assert.isTrue(peer.response(id).isComplete)
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("gets them also with low marks", () =>
    Effect.gen(function* () {
      for (const pieceSize of [30, 300, 900, 1500, 5000]) {
        const { application, progress } = streaming(pieceSize, 100)
        const harness = yield* makeHarness(application, {
          options: { writeHighWatermark: 1000, writeLowWatermark: 200 }
        })
        const peer = harness.connectWide()
        const id = peer.request()
        for (let turns = 0; turns < 300 && !progress.isComplete; turns++) yield* turn
        assert.strictEqual(progress.sent, 100, `pieces of ${pieceSize}`)
        assert.strictEqual(peer.response(id).body.length, pieceSize * 100)
        yield* finish(harness, peer)
      }
    })
  )

  it.effect("gets frames of 16 KiB at most, also if it allows for more, so that others get their turns", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(60_000)))
      const harness = yield* makeHarness(application)
      const peer = harness.connectWide()
      peer.settings([[MAX_FRAME_SIZE, 50_000]])
      const id = peer.request()
      yield* turn
      assert.isTrue(peer.response(id).isComplete)
      assert.deepStrictEqual(
        peer.all("DATA").map(({ body }) => body.length),
        [16_384, 16_384, 16_384, 10_848]
      )
      yield* finish(harness, peer)
    })
  )
})

describe("a peer with small windows", () => {
  it.effect("gets what they allow; the application is suspended above the high mark and goes on at the low one", () =>
    Effect.gen(function* () {
      const { application, progress } = streaming(10_000, 30)
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      assert.strictEqual(peer.response(id).body.length, 65_535)
      const suspendedAt = progress.sent
      assert.isAtMost(suspendedAt * 10_000, 65_535 + 65_536 + 10_000)
      assert.isAtLeast(suspendedAt * 10_000, 65_535 + 65_536 - 10_000)
      assert.strictEqual(progress.edges.length, 1)
      peer.open(0, 1_000_000)
      peer.open(id, 20_000)
      yield* turn
      assert.strictEqual(peer.response(id).body.length, 85_535)
      assert.strictEqual(progress.sent, suspendedAt, "not below the low mark yet")
      peer.open(id, 40_000)
      yield* turn
      assert.isAbove(progress.sent, suspendedAt, "below the low mark")
      assert.strictEqual(progress.edges[1], `drain at ${suspendedAt}`)
      for (let updates = 0; updates < 20; updates++) {
        peer.open(id, 30_000)
        yield* turn
      }
      assert.isTrue(progress.isComplete)
      assert.strictEqual(peer.response(id).body.length, 300_000)
      yield* finish(harness, peer)
    })
  )

  it.effect("gets everything once it opens them wide, by one frame each", () =>
    Effect.gen(function* () {
      const { application, progress } = streaming(10_000, 100)
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      peer.open(0, 10_000_000)
      peer.open(id, 10_000_000)
      for (let turns = 0; turns < 100 && !progress.isComplete; turns++) yield* turn
      assert.strictEqual(peer.response(id).body.length, 1_000_000)
      assert.isTrue(progress.isComplete)
      yield* finish(harness, peer)
    })
  )

  it.effect("of 0 gets heads, and empty responses, but no content until it opens one", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope, _, send) =>
        respond(send, scope.path === "/empty" ? "" : "content")
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect({}, [[INITIAL_WINDOW_SIZE, 0]])
      const id = peer.request()
      const empty = peer.request({ path: "/empty" })
      yield* turn
      assert.deepStrictEqual([peer.response(id).status, peer.response(id).body], [200, ""])
      assert.isTrue(peer.response(empty).isComplete)
      for (let bytes = 0; bytes < 7; bytes++) {
        assert.isFalse(peer.response(id).isComplete)
        peer.open(id, 1)
        yield* turn
      }
      assert.strictEqual(peer.response(id).body, "content")
      assert.isTrue(peer.response(id).isComplete)
      yield* finish(harness, peer)
    })
  )

  it.effect("that it opens by SETTINGS gets what waits on all streams", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect({}, [[INITIAL_WINDOW_SIZE, 0]])
      const ids = [peer.request(), peer.request({ path: "/2" }), peer.request({ path: "/3" })]
      yield* turn
      peer.settings([[INITIAL_WINDOW_SIZE, 100]])
      yield* turn
      assert.deepStrictEqual(
        ids.map((id) => peer.response(id).body),
        ["hello /", "hello /2", "hello /3"]
      )
      yield* finish(harness, peer)
    })
  )

  it.effect("that SETTINGS make negative gets nothing until they are positive again", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))
      const harness = yield* makeHarness(application)
      const peer = harness.connect({}, [[INITIAL_WINDOW_SIZE, 600]])
      const id = peer.request()
      yield* turn
      assert.strictEqual(peer.response(id).body.length, 600)
      peer.settings([[INITIAL_WINDOW_SIZE, 100]])
      assert.strictEqual(peer.windowOf(id), -500)
      peer.open(id, 500)
      yield* turn
      assert.strictEqual(peer.response(id).body.length, 600)
      peer.open(id, 1)
      yield* turn
      assert.strictEqual(peer.response(id).body.length, 601)
      peer.settings([[INITIAL_WINDOW_SIZE, 1000]])
      yield* turn
      assert.strictEqual(peer.response(id).body.length, 1000)
      assert.isTrue(peer.response(id).isComplete)
      yield* finish(harness, peer)
    })
  )

  it.effect("of the connection shares it among its streams", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(60_000)))
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const ids = [peer.request(), peer.request()]
      yield* turn
      const total = () => ids.reduce((sum, id) => sum + peer.response(id).body.length, 0)
      assert.strictEqual(total(), 65_535)
      peer.open(0, 10_000)
      yield* turn
      assert.strictEqual(total(), 75_535)
      peer.open(0, 100_000)
      yield* turn
      assert.strictEqual(total(), 120_000)
      yield* finish(harness, peer)
    })
  )

  it.effect("reset by the peer gives its part of the connection's window to the others", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(100_000)))
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const dropped = peer.request()
      const other = peer.request()
      yield* turn
      peer.reset(dropped, 8)
      const before = peer.response(dropped).body.length
      peer.open(0, 50_000)
      yield* turn
      assert.strictEqual(peer.response(dropped).body.length, before)
      assert.isAtLeast(peer.response(other).body.length, 50_000)
      peer.transport.fail()
      yield* turn
      yield* finish(harness)
    })
  )
})

describe("several streams", () => {
  it.effect("of big responses take turns, and a small one does not wait behind them", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope, _, send) =>
        respond(send, scope.path === "/small" ? "small" : "x".repeat(1_000_000))
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connectWide({ capacity: 50_000 })
      const first = peer.request()
      const second = peer.request()
      // What was written before the second one came.
      for (let reads = 0; reads < 5; reads++) peer.read()
      const small = peer.request({ path: "/small" })
      for (let reads = 0; reads < 5; reads++) peer.read()
      assert.strictEqual(peer.response(small).body, "small")
      assert.isFalse(peer.response(first).isComplete)
      const before = [peer.response(first).body.length, peer.response(second).body.length]
      for (let reads = 0; reads < 10; reads++) peer.read()
      const gains = [first, second].map((id, index) => peer.response(id).body.length - (before[index] ?? 0))
      assert.isAtMost(Math.abs((gains[0] ?? 0) - (gains[1] ?? 0)), 2 * 16_384)
      peer.readAll()
      yield* turn
      assert.strictEqual(peer.response(second).body.length, 1_000_000)
      yield* finish(harness, peer)
    })
  )

  it.effect("are not let on by what others send: backpressure is each one's own", () =>
    Effect.gen(function* () {
      const progress = { stuck: 0 }
      const { application, scopes } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          yield* send(start())
          if (scope.path === "/stuck") {
            for (;;) {
              yield* send(piece("s".repeat(10_000)))
              progress.stuck++
            }
          }
          yield* send(last("x".repeat(60_000)))
        })
      )
      const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
      const peer = harness.connect()
      const stuck = peer.request({ path: "/stuck" })
      yield* turn
      const before = progress.stuck
      assert.isAtMost(before * 10_000, 65_535 + 65_536 + 10_000)
      for (let requests = 0; requests < 50; requests++) {
        peer.open(0, 60_000)
        const id = peer.request()
        yield* turn
        assert.isTrue(peer.response(id).isComplete)
        assert.isAtLeast(scopes[0]?.transport.bufferedAmount ?? 0, 0)
      }
      assert.isAtMost(progress.stuck * 10_000, 65_535 + 65_536 + 10_000)
      peer.reset(stuck, 8)
      yield* turn
      yield* finish(harness, peer)
    })
  )

  it.effect("have transport states of their own", () =>
    Effect.gen(function* () {
      const mayEnd = Latch.makeUnsafe()
      const { application, scopes } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(piece(scope.path === "/big" ? "x".repeat(200_000) : "small"))
          yield* mayEnd.await
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const big = peer.request({ path: "/big" })
      peer.open(0, 1000)
      const small = peer.request({ path: "/small" })
      yield* turn
      const amounts = () => scopes.map(({ transport }) => transport.bufferedAmount)
      assert.deepStrictEqual(amounts(), [200_000 - 65_535, 0])
      assert.strictEqual(peer.response(small).body, "small")
      mayEnd.openUnsafe()
      yield* turn
      assert.isTrue(peer.response(small).isComplete)
      assert.isFalse(peer.response(big).isComplete)
      peer.open(0, 200_000)
      peer.open(big, 100_000)
      yield* turn
      assert.deepStrictEqual(amounts(), [200_000 - 165_535, 0])
      peer.open(big, 100_000)
      yield* turn
      assert.deepStrictEqual(amounts(), [0, 0])
      yield* turn
      assert.isTrue(peer.response(big).isComplete)
      yield* finish(harness, peer)
    })
  )
})
