import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import { CANCEL } from "../../src/protocol/wire/ErrorCode.ts"
import { PADDED } from "../../src/protocol/frame/Flag.ts"
import * as FrameType from "../../src/protocol/frame/FrameType.ts"
import { echo, hello, readBody, recorded, respond, textOf } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Peer } from "./support/Peer.ts"

const post = { method: "POST", more: true } as const

const frameSize = 16_384
const streamWindow = 65_535
const connectionWindow = 16 * streamWindow

/** What the server has given back on a stream, or (0) on the connection behind what it gives at the start. */
const givenBack = (peer: Peer, id: number): number =>
  peer
    .all("WINDOW_UPDATE")
    .filter((frame) => frame.id === id)
    .reduce((sum, { increment }) => sum + increment, 0) - (id === 0 ? connectionWindow - streamWindow : 0)

/** Sends as much as fits into frames of the usual size. */
const fill = (peer: Peer, id: number, length: number): void => {
  for (let sent = 0; sent < length; sent += frameSize) peer.data(id, "x".repeat(Math.min(frameSize, length - sent)))
}

/** An application that takes one piece of content each time it may. */
const reluctant = () => {
  const permits = Effect.runSync(Queue.unbounded<void>())
  const taken: Array<number> = []
  const app = recorded<unknown>((scope, receive, send) =>
    scope.path === "/slow"
      ? Effect.gen(function* () {
          for (;;) {
            yield* Queue.take(permits)
            const event = yield* receive
            if (event.type === "http.disconnect") return
            taken.push(event.body.length)
            if (!event.more) return yield* respond(send, "ok")
          }
        })
      : echo(scope, receive, send)
  )
  return { ...app, taken, permit: () => Queue.offerUnsafe(permits, undefined) }
}

describe("what the server lets its peer send", () => {
  it.effect("is announced: a stream's window, and sixteen of them for the connection", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { h2InitialWindowSize: 100_000 } })
      const peer = harness.connect()
      yield* turn
      assert.strictEqual(peer.all("SETTINGS")[0]?.entries.get(4), 100_000)
      assert.deepStrictEqual(peer.all("WINDOW_UPDATE"), [
        { type: "WINDOW_UPDATE", id: 0, increment: 1_600_000 - streamWindow }
      ])
      yield* finish(harness, peer)
    })
  )

  it.effect("is no more than a window while the application does not receive, and others go on", () =>
    Effect.gen(function* () {
      const { application, permit, taken } = reluctant()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const slow = peer.request({ ...post, path: "/slow" })
      fill(peer, slow, streamWindow)
      yield* turn
      assert.strictEqual(givenBack(peer, slow), 0)
      for (let requests = 0; requests < 30; requests++) {
        const id = peer.request({ ...post, path: "/other" })
        fill(peer, id, 50_000)
        peer.end(id)
        yield* turn
        assert.strictEqual(peer.response(id).body.length, "POST /other ".length + 50_000)
        peer.open(0, 60_000)
      }
      assert.strictEqual(givenBack(peer, slow), 0)
      assert.isAbove(givenBack(peer, 0), 30 * 50_000 - connectionWindow / 2)
      assert.deepStrictEqual(taken, [])
      for (let pieces = 0; pieces < 4; pieces++) permit()
      yield* turn
      assert.strictEqual(taken.length, 4)
      peer.end(slow)
      permit()
      yield* turn
      assert.strictEqual(peer.response(slow).body, "ok")
      yield* finish(harness, peer)
    })
  )

  it.effect("comes back as the application receives, half a window at a time", () =>
    Effect.gen(function* () {
      const { application, permit, taken } = reluctant()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request({ ...post, path: "/slow" })
      fill(peer, id, streamWindow)
      yield* turn
      const seen: Array<number> = []
      for (let pieces = 0; pieces < 4; pieces++) {
        permit()
        yield* turn
        seen.push(givenBack(peer, id))
      }
      assert.deepStrictEqual(taken, [frameSize, frameSize, frameSize, frameSize - 1])
      // The last two are a byte short of half a window.
      assert.deepStrictEqual(seen, [0, 2 * frameSize, 2 * frameSize, 2 * frameSize])
      peer.end(id)
      permit()
      yield* finish(harness, peer)
    })
  )

  it.effect("counts padding, which is given back too", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const peer = harness.connect()
      const id = peer.request(post)
      // 256 bytes of flow control for one byte of content.
      for (let frames = 0; frames < 1000; frames++) {
        peer.frame(FrameType.DATA, PADDED, id, `\u00fex${"\0".repeat(254)}`)
      }
      peer.end(id)
      yield* turn
      assert.strictEqual(peer.response(id).body, `POST / ${"x".repeat(1000)}`)
      assert.isAbove(givenBack(peer, id), 256_000 - streamWindow)
      yield* finish(harness, peer)
    })
  )

  it.effect("is all of a large upload to an application that receives, which then is complete", () =>
    Effect.gen(function* () {
      let received = 0
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          for (;;) {
            const event = yield* receive
            if (event.type === "http.disconnect") return
            received += textOf(event.body).length
            if (!event.more) return yield* respond(send, String(received))
          }
        })
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(post)
      let sent = 0
      for (let frames = 0; frames < 400; frames++) {
        const room = Math.min(
          frameSize,
          streamWindow + givenBack(peer, id) - sent,
          connectionWindow + givenBack(peer, 0) - sent
        )
        assert.isAbove(room, 0)
        peer.data(id, "x".repeat(room))
        sent += room
      }
      peer.end(id)
      yield* turn
      assert.strictEqual(peer.response(id).body, String(sent))
      yield* finish(harness, peer)
    })
  )

  it.effect("on the connection comes back for streams that end without being received", () =>
    Effect.gen(function* () {
      const gate = Latch.makeUnsafe()
      const { application } = recorded<unknown>((scope, receive, send) =>
        scope.path === "/answer"
          ? Effect.andThen(gate.await, respond(send, "no"))
          : scope.path === "/fail"
            ? Effect.andThen(gate.await, Effect.fail("broken"))
            : Effect.andThen(scope.connection.disconnected, readBody(receive))
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      for (let round = 0; round < 20; round++) {
        const answered = peer.request({ ...post, path: "/answer" })
        const failed = peer.request({ ...post, path: "/fail" })
        const reset = peer.request({ ...post, path: "/reset" })
        for (const id of [answered, failed, reset]) fill(peer, id, 60_000)
        peer.reset(reset, CANCEL)
        gate.openUnsafe()
        yield* turn
        gate.closeUnsafe()
        for (const id of [answered, failed]) peer.reset(id, CANCEL)
        assert.deepStrictEqual(peer.goAways, [], `round ${round}`)
      }
      assert.isAbove(givenBack(peer, 0), 20 * 180_000 - connectionWindow / 2)
      yield* finish(harness, peer)
    })
  )

  it.effect("may be exceeded by nobody: a stream's window → RST_STREAM, the connection's → GOAWAY", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope) => scope.connection.disconnected)
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(post)
      fill(peer, id, streamWindow)
      peer.data(id, "x")
      yield* turn
      assert.strictEqual(peer.response(id).reset, "FLOW_CONTROL_ERROR")
      assert.deepStrictEqual(peer.goAways, [])
      for (let streams = 0; streams < 16; streams++) fill(peer, peer.request(post), streamWindow)
      fill(peer, peer.request(post), streamWindow)
      yield* turn
      assert.deepStrictEqual(peer.goAways, ["FLOW_CONTROL_ERROR"])
      yield* finish(harness, peer)
    })
  )

  it.effect("in tiny frames that wait is gathered: each kept by itself would cost a hundred times its length", () =>
    Effect.gen(function* () {
      const mayRead = Latch.makeUnsafe()
      const pieces: Array<number> = []
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* mayRead.await
          for (;;) {
            const event = yield* receive
            if (event.type === "http.disconnect") return
            pieces.push(event.body.length)
            if (!event.more) return yield* respond(send, "ok")
          }
        })
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(post)
      peer.together(() => {
        for (let frames = 0; frames < 20_000; frames++) peer.data(id, "x")
        peer.end(id)
      })
      mayRead.openUnsafe()
      for (let turns = 0; turns < 100 && !peer.response(id).isComplete; turns++) yield* turn
      assert.strictEqual(
        pieces.reduce((sum, length) => sum + length, 0),
        20_000
      )
      assert.isAtMost(pieces.length, 1000)
      yield* finish(harness, peer)
    })
  )
})
