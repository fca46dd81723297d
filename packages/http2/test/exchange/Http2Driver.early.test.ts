import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { initialWindow } from "../../src/protocol/wire/FlowWindow.ts"
import { recorded, respond } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Peer } from "./support/Peer.ts"

/** What a client has still to upload on a stream, which it does as the server's windows allow. */
class Upload {
  left: number
  readonly #peer: Peer
  readonly #id: number
  #window = initialWindow
  #connectionWindow = initialWindow
  #isReset = false

  constructor(peer: Peer, id: number, size: number) {
    this.#peer = peer
    this.#id = id
    this.left = size
  }

  get isOver(): boolean {
    return this.left === 0 || this.#isReset
  }

  /** Looks at what has come, and sends what may be sent then. */
  proceed(): void {
    for (const frame of this.#peer.news()) {
      if (frame.type === "RST_STREAM" && frame.id === this.#id) this.#isReset = true
      if (frame.type !== "WINDOW_UPDATE") continue
      if (frame.id === 0) this.#connectionWindow += frame.increment
      else if (frame.id === this.#id) this.#window += frame.increment
    }
    while (!this.isOver) {
      const length = Math.min(16_000, this.left, this.#window, this.#connectionWindow)
      if (length === 0) return
      this.left -= length
      this.#window -= length
      this.#connectionWindow -= length
      this.#peer.data(this.#id, "z".repeat(length), this.left === 0)
    }
  }
}

const size = 300_000
const body = Array.from({ length: size / 10 }, (_, index) => String(index).padStart(10)).join("")

describe("a response that is complete long before the request is", () => {
  for (const [name, isEnded] of [
    ["has ended", true],
    ["runs on", false]
  ] as const) {
    it.effect(`is not cut off by the upload, whose application ${name}`, () =>
      Effect.gen(function* () {
        const mayEnd = Latch.makeUnsafe(isEnded)
        const { application } = recorded<unknown>((scope, _, send) =>
          scope.method === "GET" ? respond(send, "next") : Effect.andThen(respond(send, body), mayEnd.await)
        )
        const harness = yield* makeHarness(application, { options: { writeHighWatermark: 2 * size } })
        const peer = harness.connect()
        const id = peer.request({ method: "POST", more: true })
        const upload = new Upload(peer, id, 1_000_000)
        let isComplete = false
        for (let steps = 0; steps < 500 && !(isComplete && upload.isOver); steps++) {
          upload.proceed()
          yield* turn
          const response = peer.response(id)
          if (response.reset !== undefined) {
            assert.isTrue(response.isComplete, `reset at ${response.body.length}`)
            assert.strictEqual(response.reset, "NO_ERROR")
          }
          isComplete = response.isComplete
          if (isComplete) continue
          peer.open(0, 10_000)
          peer.open(id, 10_000)
        }
        assert.isTrue(isComplete, "the response is complete")
        assert.isTrue(upload.isOver, "the client need not wait")
        assert.isTrue(peer.response(id).body === body)
        assert.deepStrictEqual(peer.goAways, [])
        peer.open(0, 10_000)
        const next = peer.request()
        yield* turn
        assert.strictEqual(peer.response(next).body, "next")
        mayEnd.openUnsafe()
        yield* turn
        yield* finish(harness, peer)
      })
    )
  }
})
