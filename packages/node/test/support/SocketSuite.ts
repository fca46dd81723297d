import { assert, it } from "@effect/vitest"
import type { HttpHandler } from "@pagi/core/PagiApp"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { type Client, type ConnectOptions, requestText } from "./Client.ts"
import { answer, type TestServer } from "./Server.ts"
import { mebibyte, pattern, settled } from "./Traffic.ts"
import { turns, until } from "./Until.ts"

/** A way from clients to servers. */
export interface Way {
  readonly serve: (
    handler: HttpHandler<unknown>,
    options?: ServerOptions.Input
  ) => Effect.Effect<TestServer, unknown, EffectScope.Scope>
  readonly open: (port: number, options?: ConnectOptions) => Effect.Effect<Client, string, EffectScope.Scope>
}

/** What holds for connections whichever way the bytes take. */
export const testConnections = ({ open, serve }: Way): void => {
  it.live("an upload that the application does not read is not read from the socket", () =>
    Effect.gen(function* () {
      let isWaiting = false
      const { port } = yield* serve(
        () =>
          Effect.suspend(() => {
            isWaiting = true
            return Effect.never
          }),
        { maxBodySize: 2 ** 31, shutdownTimeout: "10 millis" }
      )
      const client = yield* open(port)
      const gibibyte = 2 ** 30
      client.send(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${gibibyte}\r\n\r\n`)
      yield* until("the request begins", () => isWaiting)
      const before = process.memoryUsage().rss
      const piece = Buffer.alloc(mebibyte)
      let handedOver = 0
      const upload = () => {
        if (handedOver >= gibibyte) return
        handedOver += piece.length
        client.socket.write(piece, upload)
      }
      upload()
      yield* settled("the upload", () => handedOver)
      assert.isBelow(handedOver, 32 * mebibyte)
      assert.isBelow(process.memoryUsage().rss - before, 32 * mebibyte)
    })
  )

  it.live("an end on the client's side only does not cut off a response that is complete but not yet read", () =>
    Effect.gen(function* () {
      const size = 20 * mebibyte
      const { port } = yield* serve(answer(pattern(size)))
      const client = yield* open(port, { allowHalfOpen: true })
      client.socket.end(requestText())
      yield* client.ended
      assert.strictEqual(client.body.length, size)
    })
  )

  it.live("the end comes after the last byte of a response that ends the connection", () =>
    Effect.gen(function* () {
      const size = 20 * mebibyte
      const { port } = yield* serve(answer(pattern(size)))
      const client = yield* open(port)
      client.socket.pause()
      client.get("/", "Connection: close\r\n")
      yield* turns(100)
      client.socket.resume()
      yield* client.closed
      assert.strictEqual(client.body.length, size)
      assert.strictEqual(client.errorCode, undefined)
    })
  )
}
