import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { preface } from "../../src/protocol/Preface.ts"
import { fails, hello } from "../support/Conformance.ts"
import {
  assertAlive,
  assertDead,
  exchange,
  finish,
  makeHarness,
  siteApplication,
  turn
} from "../support/Http2Harness.ts"
import {
  data,
  frame,
  get,
  goAway,
  opening,
  ping,
  priority,
  reset,
  settings,
  settingsAck,
  uint,
  windowUpdate
} from "../support/WireFrames.ts"

const serverPreface = ["SETTINGS 3=100 4=65535 5=16384 6=65536 8=0", "WINDOW_UPDATE 0 983025"]

/** What is sent on a new connection, and what comes back behind the server's own preface. */
const begin = (title: string, sends: string, expects: ReadonlyArray<string>) =>
  it.effect(title, () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication)
      const peer = harness.connect()
      assert.deepStrictEqual(yield* exchange(peer, sends), [...serverPreface, ...expects])
      if (expects.at(-1) === "end") yield* assertDead(peer)
      else yield* assertAlive(peer)
      yield* finish(harness, peer)
    })
  )

describe("RFC 9113 §3.4 the connection preface", () => {
  it.effect("the server's SETTINGS are the first frame it sends, before anything has come", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication)
      const peer = harness.connect()
      yield* turn
      assert.deepStrictEqual(peer.lines(), serverPreface)
      assert.deepStrictEqual(yield* exchange(peer, opening), ["SETTINGS ACK"])
      assert.deepStrictEqual(yield* exchange(peer, settingsAck), [])
      yield* assertAlive(peer)
      yield* finish(harness, peer)
    })
  )

  it.effect("the settings say what the options say", () =>
    Effect.gen(function* () {
      const options = {
        h2MaxConcurrentStreams: 7,
        h2InitialWindowSize: 100_000,
        h2MaxFrameSize: 20_000,
        h2MaxHeaderListSize: 3000
      }
      const harness = yield* makeHarness(siteApplication, { options })
      const peer = harness.connect()
      yield* turn
      assert.deepStrictEqual(peer.lines(), ["SETTINGS 3=7 4=100000 5=20000 6=3000 8=0", "WINDOW_UPDATE 0 1534465"])
      yield* finish(harness, peer)
    })
  )

  it.effect("the preface may come byte by byte", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication)
      const peer = harness.connect()
      for (const byte of opening) peer.push(byte)
      yield* turn
      assert.deepStrictEqual(peer.lines(), [...serverPreface, "SETTINGS ACK"])
      yield* assertAlive(peer)
      yield* finish(harness, peer)
    })
  )

  begin("requests may follow at once, before the settings are acknowledged", opening + get(1), [
    "SETTINGS ACK",
    ...hello(1)
  ])
  begin("client settings may be empty", preface + settings(), ["SETTINGS ACK"])
  begin("something else in place of the preface", "INVALID CONNECTION PREFACE\r\n\r\n", fails(0, "PROTOCOL_ERROR"))
  begin("an HTTP/1.1 request", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", fails(0, "PROTOCOL_ERROR"))
  begin("a preface that goes wrong at its last byte", `${preface.slice(0, -1)}x`, fails(0, "PROTOCOL_ERROR"))
  begin("frames without a preface", settings(), fails(0, "PROTOCOL_ERROR"))
  for (const [name, bytes] of Object.entries({
    "a request": get(1),
    PING: ping(),
    WINDOW_UPDATE: windowUpdate(0, 1),
    "an acknowledgement of settings": settingsAck,
    PRIORITY: priority(1),
    RST_STREAM: reset(1),
    DATA: data(1, ""),
    GOAWAY: goAway(),
    "a frame of unknown type": frame(0x16, 0, 0, "12345678")
  })) {
    begin(`${name} in place of the client's SETTINGS`, preface + bytes, fails(0, "PROTOCOL_ERROR"))
  }
  begin("SETTINGS on a stream", preface + frame(4, 0, 1), fails(0, "PROTOCOL_ERROR"))
  begin("SETTINGS that are not well-formed", preface + frame(4, 0, 0, uint(8, 0)), fails(0, "FRAME_SIZE_ERROR"))

  it.effect("a connection that sends only half of the preface ends after headersTimeout", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication)
      const peer = harness.connect()
      peer.push(preface.slice(0, 10))
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(peer.transport.ending, "open")
      yield* TestClock.adjust("25 seconds")
      assert.notStrictEqual(peer.transport.ending, "open")
      yield* finish(harness, peer)
    })
  )
})

describe("RFC 9113 §6.5.3 settings that are not acknowledged", () => {
  it.effect("in ten seconds: SETTINGS_TIMEOUT", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(siteApplication)
      const peer = harness.connect()
      yield* exchange(peer, opening + get(1))
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(peer.lines(), [])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(peer.lines(), fails(1, "SETTINGS_TIMEOUT"))
      yield* assertDead(peer)
      yield* finish(harness, peer)
    })
  )
})
