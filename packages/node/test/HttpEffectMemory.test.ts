/** How much a server holds of responses of programs for Effect's HTTP server. */
import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { open } from "./support/Client.ts"
import { serve } from "./support/Server.ts"
import { settled } from "./support/Traffic.ts"
import { until } from "./support/Until.ts"

const MiB = 2 ** 20

describe("a response stream", () => {
  it.live("that gives many pieces at a time is held up by a client that does not read", () =>
    Effect.gen(function* () {
      const piece = new Uint8Array(MiB)
      let begun = 0
      // All of them are one array of the stream's, which itself takes the memory of one piece.
      const content = Stream.fromArray(Array.from({ length: 256 }, () => piece))
      const { port } = yield* serve(
        PagiApp.fromHttpEffect(
          Effect.sync(() => {
            begun++
            return HttpServerResponse.stream(content)
          })
        )
      )
      const before = process.memoryUsage().arrayBuffers
      const client = yield* open(port)
      client.socket.pause()
      client.get()
      yield* until("the application has begun", () => begun === 1)
      yield* settled("what the server holds", () => process.memoryUsage().arrayBuffers)
      assert.isBelow(process.memoryUsage().arrayBuffers - before, 32 * MiB)
    })
  )

  it.live("arrives whole, in pieces of all sizes", () =>
    Effect.gen(function* () {
      const sizes = [0, 1, 10, 70_000, 5, 65_536, 65_535, 1, 0, 200_000, 3]
      const pieces = sizes.map((size, index) => new Uint8Array(size).fill(index))
      const { port } = yield* serve(
        PagiApp.fromHttpEffect(Effect.succeed(HttpServerResponse.stream(Stream.fromArray(pieces))))
      )
      const response = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}/`))
      const body = Buffer.from(yield* Effect.promise(() => response.arrayBuffer()))
      assert.isTrue(body.equals(Buffer.concat(pieces)))
    })
  )
})
