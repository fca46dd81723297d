import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { hello, last, recorded, start, streaming } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn, wideWindow } from "./support/DriverHarness.ts"

describe("a peer that does not read", () => {
  it.effect("costs bounded memory, however many streams it opens", () =>
    Effect.gen(function* () {
      const { application, progress } = streaming(10_000, 1000)
      const harness = yield* makeHarness(application)
      const peer = harness.connectWide({ capacity: 1000 })
      for (let streams = 0; streams < 100; streams++) peer.request()
      yield* turn
      assert.isAtMost(peer.transport.bufferedAmount, 65_536 + 16_384 + 100 * 100)
      // What each application has sent before it was suspended; `progress` is of all of them together.
      assert.isAtMost(progress.sent * 10_000, 100 * (65_536 + 10_000) + 65_536)
      peer.transport.fail()
      yield* TestClock.adjust("6 seconds")
      for (let turns = 0; turns < 20; turns++) yield* turn
      yield* finish(harness)
    })
  )

  it.effect(
    "is not read beyond the high mark and 64 KiB of frames that no window holds up; read on when it reads",
    () =>
      Effect.gen(function* () {
        let answers = 0
        const { application } = recorded<unknown>((_, __, send) =>
          Effect.andThen(send(start(204, [["x-pad", `${answers++}${"~".repeat(2000)}`]])), send(last()))
        )
        const harness = yield* makeHarness(application)
        const peer = harness.connect({ capacity: 1000 })
        for (let requests = 0; requests < 400; requests++) peer.request()
        assert.isTrue(peer.transport.isPaused)
        assert.isAbove(peer.transport.unreadLength, 0)
        assert.isAbove(peer.transport.bufferedAmount, 65_536 + 65_536)
        assert.isBelow(peer.transport.bufferedAmount, 65_536 + 65_536 + 5000)
        for (let reads = 0; reads < 3000 && peer.all("HEADERS").length < 400; reads++) {
          peer.read()
          yield* Effect.promise(() => Promise.resolve())
        }
        assert.isFalse(peer.transport.isPaused)
        assert.strictEqual(peer.all("HEADERS").length, 400)
        peer.readAll()
        yield* finish(harness, peer)
      })
  )

  it.effect("and sends PINGs and SETTINGS: the answers are bounded", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect({ capacity: 10 })
      for (let frames = 0; frames < 450; frames++) {
        peer.ping()
        peer.settings([])
      }
      assert.isAtMost(peer.transport.bufferedAmount, 20_000)
      assert.strictEqual(peer.transport.ending, "open")
      for (let frames = 0; frames < 200; frames++) peer.ping()
      assert.isAtMost(peer.transport.bufferedAmount, 25_000)
      peer.transport.fail()
      yield* turn
      yield* finish(harness)
    })
  )
})

describe("windows that are opened too far", () => {
  it.effect("cost the stream, or the connection", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => Effect.andThen(send(start()), Effect.never))
      const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
      const peer = harness.connect()
      const id = peer.request()
      peer.open(id, wideWindow)
      yield* turn
      assert.strictEqual(peer.response(id).reset, "FLOW_CONTROL_ERROR")
      peer.open(0, wideWindow)
      yield* turn
      assert.deepStrictEqual(peer.goAways, ["FLOW_CONTROL_ERROR"])
      yield* finish(harness, peer)
    })
  )
})
