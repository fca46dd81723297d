import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { CANCEL } from "../../src/protocol/wire/ErrorCode.ts"
import { preface } from "../../src/protocol/Preface.ts"
import {
  echo,
  hello,
  last,
  piece,
  readBody,
  recorded,
  respond,
  start
} from "@pagi/core/test/drivers/support/Applications"
import { distinctLimits, eachSecond, endsAfter } from "@pagi/core/test/drivers/support/Times"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Peer } from "./support/Peer.ts"

const post = { method: "POST", more: true } as const

describe("the beginning", () => {
  for (const [name, sent] of [
    ["sends nothing", ""],
    ["sends a part of the preface", preface.slice(0, 10)],
    ["sends the preface without settings", preface]
  ] as const) {
    it.effect(`a connection that ${name} is closed after headersTimeout`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(recorded(hello).application, { options: distinctLimits })
        const peer = harness.accept()
        peer.transport.push(sent)
        yield* endsAfter(peer, "3 seconds")
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("settings that are not acknowledged within 10 seconds → SETTINGS_TIMEOUT", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((scope) => scope.connection.disconnected)
      const harness = yield* makeHarness(application, { options: { ...distinctLimits, requestTimeout: 0 } })
      const peer = harness.accept()
      peer.transport.push(preface)
      peer.settings([])
      peer.request()
      yield* endsAfter(peer, "10 seconds")
      assert.deepStrictEqual(peer.goAways, ["SETTINGS_TIMEOUT"])
      assert.strictEqual(scopes[0]?.connection.disconnectReason, "client_timeout")
      yield* finish(harness, peer)
    })
  )

  it.effect("settings that are acknowledged just in time are", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { ...distinctLimits, timeout: 0 } })
      const peer = harness.accept()
      peer.transport.push(preface)
      peer.settings([])
      yield* TestClock.adjust("9900 millis")
      peer.acknowledge()
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(peer.transport.ending, "open")
      yield* finish(harness, peer)
    })
  )
})

describe("a frame or header section under way", () => {
  it.effect("has headersTimeout from its first byte on, however it trickles in, also beside requests", () =>
    Effect.gen(function* () {
      for (const busy of [false, true]) {
        const { application } = recorded<unknown>((scope) => scope.connection.disconnected)
        const harness = yield* makeHarness(application, { options: distinctLimits })
        const peer = harness.connect()
        if (busy) peer.request()
        const frame = peer.bytesOf(() => peer.frame(0x42, 0, 0, "x".repeat(100)))
        yield* TestClock.adjust("5 seconds")
        peer.transport.push(frame.slice(0, 3))
        let position = 3
        yield* eachSecond(2, () => peer.transport.push(frame.slice(position, ++position)))
        yield* endsAfter(peer, "1 second")
        assert.deepStrictEqual(peer.goAways, ["ENHANCE_YOUR_CALM"])
        yield* finish(harness, peer)
      }
    })
  )

  it.effect("a section has it for all of its frames together", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: distinctLimits })
      const peer = harness.connect()
      peer.fragments(1, ["a"], false)
      yield* eachSecond(2, () => peer.frame(9, 0, 1, "b"))
      yield* endsAfter(peer, "1 second")
      assert.deepStrictEqual(peer.goAways, ["ENHANCE_YOUR_CALM"])
      yield* finish(harness, peer)
    })
  )

  it.effect("is another one each time in a slow upload, whose pieces are not those of its frames", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application, { options: distinctLimits })
      const peer = harness.connect()
      let id = 0
      const bytes = peer.bytesOf(() => {
        id = peer.request(post)
        for (let frames = 0; frames < 20; frames++) peer.data(id, "x".repeat(1000))
        peer.end(id)
      })
      let position = 0
      yield* eachSecond(30, () => peer.transport.push(bytes.slice(position, (position += 700))))
      assert.deepStrictEqual(peer.goAways, [])
      assert.strictEqual(peer.response(id).body.length, "POST / ".length + 20_000)
      yield* finish(harness, peer)
    })
  )
})

describe("idle", () => {
  it.effect("a connection without requests is closed after timeout, with GOAWAY NO_ERROR", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: distinctLimits })
      const peer = harness.connect()
      yield* TestClock.adjust("6 seconds")
      peer.request()
      yield* endsAfter(peer, "7 seconds")
      assert.deepStrictEqual(peer.all("GOAWAY"), [
        { type: "GOAWAY", last: 1, code: "NO_ERROR", message: "idle for too long" }
      ])
      assert.strictEqual(peer.transport.ending, "ended")
      yield* TestClock.adjust("2200 millis")
      assert.strictEqual(peer.transport.ending, "destroyed")
      yield* finish(harness)
    })
  )

  for (const [name, end] of [
    ["that was reset by its peer", (peer: Peer, id: number) => peer.reset(id, CANCEL)],
    ["whose upload was given up", () => undefined],
    ["that stalled", () => undefined],
    ["whose window was shut", () => undefined],
    ["whose application runs on", (peer: Peer, id: number) => peer.end(id)]
  ] as const) {
    it.effect(`counts from the end of a stream ${name}`, () =>
      Effect.gen(function* () {
        const { application } = recorded<unknown>((scope, receive, send) => {
          switch (name) {
            case "whose upload was given up":
              return respond(send, "ok")
            case "whose window was shut":
              return Effect.andThen(readBody(receive), respond(send, "x".repeat(100_000)))
            case "whose application runs on":
              return Effect.gen(function* () {
                yield* readBody(receive)
                yield* Effect.sleep("1 second")
                yield* respond(send, "ok")
                yield* Effect.never
              })
            default:
              return scope.connection.disconnected
          }
        })
        const harness = yield* makeHarness(application, { options: distinctLimits })
        const peer = harness.connect()
        const id = peer.request(post)
        yield* turn
        if (name === "whose window was shut") peer.end(id)
        else end(peer, id)
        yield* TestClock.adjust("25 seconds")
        yield* turn
        assert.notStrictEqual(peer.transport.ending, "open")
        assert.deepStrictEqual(peer.goAways, ["NO_ERROR"])
        yield* TestClock.adjust("5 seconds")
        yield* turn
        yield* finish(harness, peer)
      })
    )
  }
})

describe("requestTimeout", () => {
  it.effect("does not limit one whose response goes on, or whose peer reads on", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          yield* send(start())
          if (scope.path === "/slow-peer") return yield* send(last("x".repeat(70_000)))
          for (let sent = 0; sent < 20; sent++) {
            yield* Effect.sleep("5 seconds")
            yield* send(piece("x"))
          }
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(application, { options: distinctLimits })
      const peer = harness.connect()
      const slow = peer.request()
      const read = peer.request({ path: "/slow-peer" })
      for (let updates = 0; updates < 20; updates++) {
        yield* TestClock.adjust("5 seconds")
        peer.open(0, 300)
        peer.open(read, 300)
      }
      yield* TestClock.adjust("1 second")
      assert.isTrue(peer.response(slow).isComplete)
      assert.strictEqual(peer.response(slow).body.length, 20)
      assert.strictEqual(peer.response(read).reset, undefined)
      peer.transport.fail()
      yield* turn
      yield* finish(harness)
    })
  )
})
