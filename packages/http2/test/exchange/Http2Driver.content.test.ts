import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { PADDED } from "../../src/protocol/frame/Flag.ts"
import * as FrameType from "../../src/protocol/frame/FrameType.ts"
import { noting } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"

const post = { method: "POST", more: true } as const

describe("the request's content", () => {
  it.effect("does not contain its padding", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request(post)
      peer.frame(FrameType.DATA, PADDED, id, `\u0003ab${"\0".repeat(3)}`)
      peer.frame(FrameType.DATA, PADDED | 1, id, `\u0005${"\0".repeat(5)}`)
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["", false]
      ])
      yield* finish(harness, peer)
    })
  )

  it.effect("that is shorter than its content-length resets the stream also when trailers follow", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request({ ...post, fields: [["content-length", "3"]] })
      peer.headers(id, [["x-checksum", "1"]], true)
      yield* turn
      assert.strictEqual(peer.response(id).reset, "PROTOCOL_ERROR")
      assert.deepStrictEqual(events, ["http.disconnect"])
      yield* finish(harness, peer)
    })
  )

  for (const [name, pieces] of [
    ["longer", ["abcd"]],
    ["shorter", ["ab"]],
    ["longer, piece by piece,", ["ab", "cd", "ef"]]
  ] as const) {
    it.effect(`that is ${name} than its content-length resets the stream`, () =>
      Effect.gen(function* () {
        const { application, events, scopes } = noting()
        const harness = yield* makeHarness(application)
        const peer = harness.connect()
        const id = peer.request({ ...post, fields: [["content-length", "3"]] })
        peer.together(() => pieces.forEach((text, index) => peer.data(id, text, index === pieces.length - 1)))
        yield* turn
        assert.strictEqual(peer.response(id).reset, "PROTOCOL_ERROR")
        assert.strictEqual(events.at(-1), "http.disconnect")
        assert.strictEqual(scopes[0]?.connection.disconnectReason, "protocol_error")
        assert.deepStrictEqual(peer.goAways, [])
        yield* finish(harness, peer)
      })
    )
  }
})
