import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { END_STREAM } from "../src/protocol/frame/Flag.ts"
import { fails, hello, resets } from "./support/Conformance.ts"
import { establish, exchange, finish, makeHarness, siteApplication } from "./support/Http2Harness.ts"
import { get, getBlock, headers, ping, post, reset, settings } from "./support/WireFrames.ts"

const options = {
  timeout: "7 seconds",
  headersTimeout: "3 seconds",
  writeTimeout: "13 seconds",
  requestTimeout: "11 seconds"
} as const

/** After the handshake these bytes are sent; so many seconds later, and not a second before, these lines have come. */
const after = (
  title: string,
  sends: string,
  first: ReadonlyArray<string>,
  seconds: number,
  then: ReadonlyArray<string>
) =>
  it.effect(title, () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication, { options })
      const peer = yield* establish(harness)
      assert.deepStrictEqual(yield* exchange(peer, sends), [...first])
      yield* TestClock.adjust(`${seconds - 1} seconds`)
      assert.deepStrictEqual(peer.lines(), [], "too early")
      yield* TestClock.adjust("1300 millis")
      assert.deepStrictEqual(peer.lines(), [...then])
      yield* finish(harness, peer)
    })
  )

describe("timeout", () => {
  after("ends a connection without requests", "", [], 7, fails(0, "NO_ERROR"))
  after("counts from the last response on", get(1), hello(1), 7, fails(1, "NO_ERROR"))
  after("counts from the client's reset on", get(1, "/wait") + reset(1), [], 7, fails(1, "NO_ERROR"))

  it.effect("is not put off by a PING each second", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication, { options })
      const peer = yield* establish(harness)
      for (let seconds = 1; seconds < 7; seconds++) {
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* exchange(peer, ping()), ["PING ACK pingpong"], `after ${seconds} s`)
      }
      yield* TestClock.adjust("1300 millis")
      assert.deepStrictEqual(peer.lines(), fails(0, "NO_ERROR"))
      yield* finish(harness, peer)
    })
  )
})

describe("headersTimeout", () => {
  after("ends a frame that does not arrive", get(1).slice(0, -1), [], 3, fails(0, "ENHANCE_YOUR_CALM"))
  after("and a header section", headers(1, getBlock, END_STREAM), [], 3, fails(0, "ENHANCE_YOUR_CALM"))
  after(
    "also while requests are under way",
    get(1, "/stall") + headers(3, getBlock, END_STREAM),
    [],
    3,
    fails(1, "ENHANCE_YOUR_CALM")
  )
})

describe("requestTimeout", () => {
  after("ends a request whose content does not come", post(1), [], 11, [resets(1, "CANCEL")])
})

describe("writeTimeout", () => {
  after(
    "ends a response that the client's window keeps",
    settings([4, 0]) + get(1),
    ["SETTINGS ACK", "HEADERS 1 :status 200; content-length 5"],
    13,
    [resets(1, "CANCEL")]
  )

  it.effect("after which the connection is idle", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication, { options })
      const peer = yield* establish(harness)
      yield* exchange(peer, settings([4, 0]) + get(1))
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(peer.lines(), [resets(1, "CANCEL")])
      yield* TestClock.adjust("8 seconds")
      assert.deepStrictEqual(peer.lines(), fails(1, "NO_ERROR"))
      yield* finish(harness, peer)
    })
  )
})
