import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { last, piece, recorded, start } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"

const pieceSize = 50_000
const pieces = 20

/** Every request gets the same content, and `sent` counts the pieces of all of them. */
const application = () => {
  const progress = { sent: 0 }
  const app = recorded<unknown>((_, __, send) =>
    Effect.gen(function* () {
      yield* send(start())
      for (let count = 0; count < pieces; count++, progress.sent++) yield* send(piece("x".repeat(pieceSize)))
      yield* send(last())
    })
  )
  return { ...app, progress }
}

describe("the content of a busy connection", () => {
  it.effect("is gathered: that of many streams goes out in few writes", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application().application)
      const peer = harness.connectWide()
      const ids = peer.together(() => Array.from({ length: 8 }, () => peer.request()))
      yield* turn
      for (let turns = 0; turns < 20; turns++) yield* turn
      // 8 MB, of which each megabyte may have its own.
      assert.isAtMost(peer.transport.writes, 16)
      peer.readAll()
      for (const id of ids) assert.strictEqual(peer.response(id).body.length, pieces * pieceSize)
      yield* finish(harness, peer)
    })
  )

  it.effect("of a few streams goes out as it comes", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application().application)
      const peer = harness.connectWide()
      const id = peer.request()
      for (let turns = 0; turns < 20; turns++) yield* turn
      assert.isAtLeast(peer.transport.writes, (pieces * pieceSize) / 131_072)
      peer.readAll()
      assert.strictEqual(peer.response(id).body.length, pieces * pieceSize)
      yield* finish(harness, peer)
    })
  )

  it.effect("is not gathered for a peer that does not read", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application().application)
      const peer = harness.connectWide({ capacity: 1000 })
      const ids = [peer.request()]
      yield* turn
      for (let requests = 0; requests < 20; requests++) ids.push(peer.request())
      yield* turn
      assert.isAtMost(peer.transport.bufferedAmount, 131_072 + 16_384 + ids.length * 100)
      for (let reads = 0; reads < 30_000 && peer.response(ids.at(-1) ?? 0).body.length < pieces * pieceSize; reads++) {
        peer.read()
        if (reads % 100 === 0) yield* turn
      }
      peer.readAll()
      for (const id of ids) assert.strictEqual(peer.response(id).body.length, pieces * pieceSize)
      yield* finish(harness, peer)
    })
  )
})
