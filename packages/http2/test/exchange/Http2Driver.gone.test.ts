import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { INITIAL_WINDOW_SIZE } from "../../src/protocol/wire/PeerSettings.ts"
import { hello, piece, recorded, start } from "@pagi/core/test/drivers/support/Applications"
import { finish, makeHarness, turn } from "./support/DriverHarness.ts"

/** Sends one long piece and keeps its buffer; other paths get an ordinary answer. */
const application = () => {
  const buffers: Array<ArrayBuffer> = []
  const app = recorded<unknown>((scope, receive, send) =>
    scope.path === "/hello"
      ? hello(scope, receive, send)
      : Effect.gen(function* () {
          const buffer = new ArrayBuffer(100_000, { maxByteLength: 100_000 })
          buffers.push(buffer)
          yield* send(start())
          yield* send(piece(scope.path === "/part" ? new Uint8Array(buffer, 0, 100_000) : new Uint8Array(buffer)))
          yield* send(piece("what follows"))
        })
  )
  return { ...app, buffers }
}

describe("an array that has been sent and waits for the peer's window", () => {
  for (const [what, takeAway] of [
    ["is transferred", (buffer: ArrayBuffer) => void structuredClone(buffer, { transfer: [buffer] })],
    ["becomes shorter", (buffer: ArrayBuffer) => buffer.resize(10)]
  ] as const) {
    for (const path of ["/part", "/whole"]) {
      it.effect(`and ${what} costs its stream (${path}), and nobody else anything`, () =>
        Effect.gen(function* () {
          const { application: served, buffers } = application()
          const harness = yield* makeHarness(served)
          const peer = harness.connect(undefined, [[INITIAL_WINDOW_SIZE, 1000]])
          const ids = peer.together(() => [peer.request({ path }), peer.request({ path }), peer.request({ path })])
          yield* turn
          for (const buffer of buffers) takeAway(buffer)
          for (const id of ids) peer.open(id, 200_000)
          yield* turn
          for (const id of ids) {
            assert.strictEqual(peer.response(id).body.length, 1000)
            assert.strictEqual(peer.response(id).reset, "INTERNAL_ERROR")
          }
          const next = peer.request({ path: "/hello" })
          yield* turn
          assert.strictEqual(peer.response(next).body, "hello /hello")
          assert.strictEqual(harness.errors.length, 3)
          assert.match(harness.errors[0] ?? "", /broken off: an array that was sent has become shorter/)
          assert.strictEqual(harness.log.find((record) => record.request?.target === path)?.outcome, "server_error")
          yield* finish(harness, peer)
        })
      )
    }
  }
})
