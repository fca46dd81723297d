import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as http2 from "node:http2"
import { serve } from "./support/Server.ts"

/** More than a stream's window, so that nobody gets through whose content is not taken. */
const size = 100_000

/** Uploads on one connection, all at the same time; the lengths that the server has got. */
const uploads = (port: number, count: number): Effect.Effect<ReadonlyArray<string>, unknown> =>
  Effect.acquireUseRelease(
    Effect.sync(() => http2.connect(`http://127.0.0.1:${port}`)),
    (session) =>
      Effect.tryPromise(() =>
        Promise.all(
          Array.from({ length: count }, async () => {
            const stream = session.request({ ":method": "POST", ":path": "/" })
            stream.end(Buffer.alloc(size))
            stream.setEncoding("utf8")
            let text = ""
            for await (const piece of stream) text += String(piece)
            return text
          })
        )
      ),
    (session) => Effect.sync(() => session.destroy())
  )

describe("requests over HTTP/2 that wait in the line", () => {
  it.live("leave the window of their connection to those that run", () =>
    Effect.gen(function* () {
      const application = PagiApp.fromFetch(async (request) => {
        const { byteLength } = await request.arrayBuffer()
        return new Response(String(byteLength))
      })
      const { port } = yield* serve(application, { maxConcurrentRequests: 1 })
      // The window of a connection is that of 16 streams.
      assert.deepStrictEqual(
        yield* uploads(port, 50),
        Array.from({ length: 50 }, () => String(size))
      )
    })
  )
})
