import { assert, describe, it } from "@effect/vitest"
import { answering, text, withHead } from "@pagi/core/test/drivers/support/FileAnswers"
import * as Effect from "effect/Effect"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"

describe("a file response", () => {
  it.effect("waits for the peer's windows, and never has more in memory than the marks allow", () =>
    Effect.gen(function* () {
      const { application, files } = answering(withHead())
      const harness = yield* makeHarness(application, { files })
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      let most = 0
      for (let rounds = 0; rounds < 200 && !peer.response(id).isComplete; rounds++) {
        most = Math.max(most, files.pieces * 16_384 - peer.response(id).body.length)
        const missing = 65_535 - peer.windowOf(id)
        if (missing > 0) {
          peer.open(0, missing)
          peer.open(id, missing)
        }
        yield* turn
      }
      assert.isTrue(peer.response(id).body === text)
      assert.isAtMost(most, 65_536 + 2 * 16_384)
      assert.deepStrictEqual([files.opened, files.closed], [1, 1])
      yield* finish(harness, peer)
    })
  )
})
