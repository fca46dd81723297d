import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { CANCEL } from "../../src/protocol/wire/ErrorCode.ts"
import * as FrameType from "../../src/protocol/frame/FrameType.ts"
import { INITIAL_WINDOW_SIZE } from "../../src/protocol/wire/PeerSettings.ts"
import { hello, last, piece, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"

// Clients that do a lot of what abusers do, for good reasons, and must not be taken for them.

describe("an honest client", () => {
  it.effect(
    "makes 10,000 requests over minutes, with window updates for the stream and the connection",
    () =>
      Effect.gen(function* () {
        const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(20_000)))
        const harness = yield* makeHarness(application)
        const peer = harness.connect()
        for (let batch = 0; batch < 1000; batch++) {
          const ids = peer.together(() => Array.from({ length: 10 }, () => peer.request()))
          for (let rounds = 0; rounds < 20 && !ids.every((id) => peer.response(id).isComplete); rounds++) {
            yield* turn
            for (const frame of peer.news()) {
              if (frame.type !== "DATA" || frame.body.length === 0) continue
              peer.open(0, frame.body.length)
              if (!frame.ends) peer.open(frame.id, frame.body.length)
            }
          }
          for (const id of ids) assert.strictEqual(peer.response(id).body.length, 20_000, `batch ${batch}`)
          if (batch % 10 === 0) yield* TestClock.adjust("1 second")
        }
        assert.deepStrictEqual(peer.goAways, [])
        yield* finish(harness, peer)
      }),
    60_000
  )

  it.effect("makes 10,000 small requests in no time, each with a window update", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect()
      for (let requests = 0; requests < 10_000; requests++) {
        peer.request()
        peer.open(0, 7)
      }
      yield* turn
      assert.strictEqual(peer.all("HEADERS").length, 10_000)
      assert.deepStrictEqual(peer.goAways, [])
      yield* finish(harness, peer)
    })
  )

  it.effect(
    "gives back windows in pieces of 4 KiB on both levels, as Go's does, in a fast download",
    () =>
      Effect.gen(function* () {
        const size = 16 * 1024 * 1024
        const { application } = recorded<unknown>((_, __, send) =>
          Effect.gen(function* () {
            yield* send(start(200, [["content-length", String(size)]]))
            for (let sent = 0; sent < size; sent += 65_536) yield* send(piece("x".repeat(65_536)))
            yield* send(last())
          })
        )
        const harness = yield* makeHarness(application)
        const peer = harness.connect({}, [[INITIAL_WINDOW_SIZE, 4 * 1024 * 1024]])
        peer.open(0, 1024 * 1024 * 1024)
        const id = peer.request()
        let received = 0
        // About 5 MB in a second.
        for (let rounds = 0; rounds < 3000 && received < size && peer.goAways.length === 0; rounds++) {
          yield* TestClock.adjust("10 millis")
          yield* turn
          for (const frame of peer.news()) {
            if (frame.type !== "DATA") continue
            received += frame.body.length
            for (let given = 0; given < frame.body.length; given += 4096) {
              const increment = Math.min(4096, frame.body.length - given)
              peer.open(0, increment)
              peer.open(id, increment)
            }
          }
        }
        assert.deepStrictEqual(peer.goAways, [])
        assert.strictEqual(peer.response(id).body.length, size)
        yield* finish(harness, peer)
      }),
    30_000
  )

  it.effect("cancels 200 streams at once, as a browser does that leaves a page, and goes on", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope, _, send) =>
        scope.path === "/image" ? Effect.andThen(send(start()), Effect.never) : respond(send, "page")
      )
      const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
      const peer = harness.connect()
      for (let pages = 0; pages < 20; pages++) {
        for (let half = 0; half < 2; half++) {
          const ids = Array.from({ length: 100 }, () => peer.request({ path: "/image" }))
          yield* turn
          for (const id of ids) peer.reset(id, CANCEL)
          yield* turn
        }
        const page = peer.request()
        yield* turn
        assert.strictEqual(peer.response(page).body, "page", `page ${pages}`)
        yield* TestClock.adjust("10 seconds")
      }
      assert.deepStrictEqual(peer.goAways, [])
      yield* finish(harness, peer)
    })
  )

  it.effect("opens more streams than it may before it has read our settings, and tries again", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) => Effect.andThen(mayAnswer.await, respond(send, "ok")))
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      let ids = peer.together(() => Array.from({ length: 250 }, () => peer.request()))
      mayAnswer.openUnsafe()
      let served = 0
      for (let rounds = 0; rounds < 5 && ids.length > 0; rounds++) {
        yield* turn
        served += ids.filter((id) => peer.response(id).isComplete).length
        const refused = ids.filter((id) => peer.response(id).reset === "REFUSED_STREAM")
        ids = refused.map(() => peer.request())
      }
      assert.strictEqual(served, 250)
      assert.deepStrictEqual(peer.goAways, [])
      yield* finish(harness, peer)
    })
  )

  it.effect("uploads in small frames, each of which it waits with a PING for", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.flatMap(readBody(receive), (body) => respond(send, String(body?.length)))
      )
      const harness = yield* makeHarness(application, { options: { requestTimeout: "60 seconds" } })
      const peer = harness.connect()
      const id = peer.request({ method: "POST", more: true })
      for (let seconds = 0; seconds < 120; seconds++) {
        for (let frames = 0; frames < 50; frames++) peer.data(id, "x".repeat(10))
        for (let pings = 0; pings < 10; pings++) peer.ping()
        yield* TestClock.adjust("1 second")
      }
      peer.end(id)
      yield* turn
      assert.strictEqual(peer.response(id).body, "60000")
      assert.deepStrictEqual(peer.goAways, [])
      yield* finish(harness, peer)
    })
  )

  it.effect("keeps 100 event streams open for an hour, with keep-alive PINGs and a window update for each event", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          for (;;) {
            yield* Effect.sleep("30 seconds")
            yield* send(piece("event"))
          }
        })
      )
      const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
      const peer = harness.connect()
      const ids = Array.from({ length: 100 }, () => peer.request())
      for (let minutes = 0; minutes < 60; minutes++) {
        yield* TestClock.adjust("1 minute")
        for (const frame of peer.news()) {
          if (frame.type !== "DATA") continue
          peer.open(0, frame.body.length)
          peer.open(frame.id, frame.body.length)
        }
        peer.ping()
      }
      assert.deepStrictEqual(peer.goAways, [])
      for (const id of ids) assert.isAtLeast(peer.response(id).body.length, 100 * 5)
      peer.transport.fail()
      yield* turn
      yield* finish(harness)
    })
  )

  it.effect("has a dozen PRIORITY frames at its start, and priorities on each request, as old browsers", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect()
      for (let requests = 0; requests < 1000; requests++) {
        const id = peer.request()
        peer.frame(FrameType.PRIORITY, 0, id, "\0\0\0\0\u0010")
      }
      yield* turn
      assert.deepStrictEqual(peer.goAways, [])
      yield* finish(harness, peer)
    })
  )

  it.effect("has many cookies, as crumbs", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request({ fields: Array.from({ length: 80 }, (_, index) => ["cookie", `c${index}=v`] as const) })
      yield* turn
      assert.strictEqual(peer.response(id).status, 200)
      assert.strictEqual(scopes[0]?.headers.filter(([name]) => name === "cookie").length, 1)
      yield* finish(harness, peer)
    })
  )
})
