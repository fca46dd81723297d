import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { echoed, fails } from "../support/Conformance.ts"
import { establish, exchange, finish, makeHarness, siteApplication, turn } from "../support/Http2Harness.ts"
import { data, get, lastData, ping, post, reset, windowUpdate } from "../support/WireFrames.ts"

describe("RFC 9113 §6.8 graceful shutdown", () => {
  it.effect("two GOAWAYs, of which the second names the last stream", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication)
      const peer = yield* establish(harness)
      yield* exchange(peer, post(1))
      harness.server.registry.drain()
      yield* turn
      assert.deepStrictEqual(peer.lines(), [`GOAWAY ${2 ** 31 - 1} NO_ERROR`, `PING ${"\0".repeat(8)}`])
      assert.deepStrictEqual(yield* exchange(peer, post(3) + ping("\0".repeat(8), 1)), [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(peer.lines(), ["GOAWAY 3 NO_ERROR"])
      assert.deepStrictEqual(
        yield* exchange(peer, get(5) + data(7 - 2, "x") + windowUpdate(5, 1) + reset(5)),
        [],
        "not served"
      )
      assert.deepStrictEqual(yield* exchange(peer, lastData(1, "a") + lastData(3, "b")), [
        ...echoed(1, "a"),
        ...echoed(3, "b"),
        "end"
      ])
      yield* finish(harness, peer)
    })
  )

  it.effect("the last stream is not raised by an error after that", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication)
      const peer = yield* establish(harness)
      yield* exchange(peer, post(1))
      harness.server.registry.drain()
      yield* turn
      peer.lines()
      yield* exchange(peer, ping("\0".repeat(8), 1))
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(peer.lines(), ["GOAWAY 1 NO_ERROR"])
      assert.deepStrictEqual(yield* exchange(peer, get(3) + windowUpdate(0, 0)), fails(1, "PROTOCOL_ERROR"))
      yield* finish(harness, peer)
    })
  )

  it.effect("an idle connection closes when the client has seen it, or a second later", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication)
      const [prompt, silent] = [yield* establish(harness), yield* establish(harness)]
      harness.server.registry.drain()
      yield* turn
      yield* exchange(prompt, ping("\0".repeat(8), 1))
      silent.lines()
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(prompt.lines(), fails(0, "NO_ERROR"))
      assert.deepStrictEqual(silent.lines(), [])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(silent.lines(), fails(0, "NO_ERROR"))
      yield* finish(harness, prompt, silent)
    })
  )
})
