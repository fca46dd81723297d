import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { fails, hello, resets } from "../support/Conformance.ts"
import { assertAlive, establish, exchange, finish, makeHarness, siteApplication } from "../support/Http2Harness.ts"
import { data, lastData, post } from "../support/WireFrames.ts"

describe("RFC 9113 §8.1 a response that is complete before the request", () => {
  it.effect("the client is told after a while that the rest is not needed", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication, { options: { headersTimeout: "3 seconds" } })
      const peer = yield* establish(harness)
      assert.deepStrictEqual(yield* exchange(peer, post(1, "/")), hello(1))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(peer.lines(), [resets(1, "NO_ERROR")])
      assert.deepStrictEqual(yield* exchange(peer, data(1, "x") + lastData(1, "x")), [])
      yield* assertAlive(peer)
      yield* finish(harness, peer)
    })
  )

  it.effect("a client that sends more than 64 KiB is told at once", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication)
      const peer = yield* establish(harness)
      yield* exchange(peer, post(1, "/"))
      const lines: Array<string> = []
      for (let sent = 0; sent < 5; sent++) lines.push(...(yield* exchange(peer, data(1, "x".repeat(16_384)))))
      assert.deepStrictEqual(lines, ["WINDOW_UPDATE 1 32768", "WINDOW_UPDATE 1 32768", resets(1, "NO_ERROR")])
      yield* assertAlive(peer)
      yield* finish(harness, peer)
    })
  )

  it.effect("once it was told, an idle connection ends after `timeout`", () =>
    Effect.gen(function* () {
      const options = { headersTimeout: "3 seconds", timeout: "5 seconds" } as const
      const harness = yield* makeHarness(siteApplication, { options })
      const peer = yield* establish(harness)
      yield* exchange(peer, post(1, "/"))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(peer.lines(), [resets(1, "NO_ERROR"), ...fails(1, "NO_ERROR")])
      yield* finish(harness, peer)
    })
  )

  it.effect("once it was told, a connection whose client has left ends", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication, { options: { headersTimeout: "3 seconds" } })
      const peer = yield* establish(harness)
      yield* exchange(peer, post(1, "/"))
      peer.transport.pushEnd()
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(harness.server.registry.size, 0)
      yield* finish(harness, peer)
    })
  )

  it.effect("once it was told, a connection that drains ends", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication, { options: { headersTimeout: "3 seconds" } })
      const peer = yield* establish(harness)
      yield* exchange(peer, post(1, "/"))
      harness.server.registry.drain()
      yield* TestClock.adjust("10 seconds")
      assert.notStrictEqual(peer.transport.ending, "open")
      yield* finish(harness, peer)
    })
  )
})
