import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { open } from "../support/Client.ts"
import { answer, serveHttp } from "../support/Server.ts"
import { until } from "../support/Until.ts"

describe("the limit of connections", () => {
  it.live("turns further clients away with 503 and serves again when one has left", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(answer("served"), { maxConnections: 2 })
      const first = yield* open(port)
      const second = yield* open(port)
      for (const client of [first, second]) {
        client.get()
        yield* client.endsWith("served")
      }
      const third = yield* open(port)
      third.get()
      yield* third.closed
      assert.match(third.text, /^HTTP\/1\.1 503 Service Unavailable\r\n/)
      assert.match(third.text, /\r\nretry-after: 1\r\n/)
      assert.match(third.text, /\r\nconnection: close\r\n/)
      assert.match(third.text, /\r\n\r\nthe server is at capacity\n$/)
      assert.strictEqual(third.errorCode, undefined)
      assert.strictEqual(yield* server.connectionCount, 2)

      first.socket.end()
      yield* until("the first client is gone", () => Effect.runSync(server.connectionCount) === 1)
      const fourth = yield* open(port)
      fourth.get()
      yield* fourth.endsWith("served")
      second.get()
      yield* until("it is answered", () => second.statuses.length === 2)
    })
  )

  it.live("lets a client that is turned away in the middle of an upload see why", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(answer("served"), { maxConnections: 1 })
      const first = yield* open(port)
      first.get()
      yield* first.endsWith("served")
      // More often than there may be clients that linger at the same time.
      for (let attempt = 0; attempt < 3; attempt++) {
        const uploader = yield* open(port, { allowHalfOpen: true })
        uploader.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n")
        uploader.send(Buffer.alloc(500_000))
        yield* uploader.ended
        uploader.socket.end(Buffer.alloc(500_000))
        yield* uploader.closed
        assert.deepStrictEqual(uploader.statuses, [503])
        assert.strictEqual(uploader.errorCode, undefined)
      }
    })
  )

  it.live("closes a client that was turned away but stays when another one is", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(answer("served"), { maxConnections: 1 })
      const first = yield* open(port)
      first.get()
      yield* first.endsWith("served")
      const stayer = yield* open(port, { allowHalfOpen: true })
      yield* stayer.ended
      assert.deepStrictEqual(stayer.statuses, [503])
      const next = yield* open(port, { allowHalfOpen: true })
      yield* next.ended
      assert.deepStrictEqual(next.statuses, [503])
      // A reset is how a client that only writes gets to know that the other side is gone.
      yield* until("a write fails", () => {
        if (!stayer.hasClosed) stayer.send("x")
        return stayer.hasClosed
      })
    })
  )

  it.live("lets a connection that only lingers give way at once", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(answer("served"), { maxConnections: 2 })
      const lingering = yield* open(port, { allowHalfOpen: true })
      lingering.send("POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n")
      yield* lingering.ended
      const skipping = yield* open(port)
      skipping.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n")
      yield* skipping.endsWith("served")
      assert.strictEqual(yield* server.connectionCount, 2)
      for (const expected of [200, 200, 503]) {
        const client = yield* open(port)
        client.get()
        yield* until("it is answered", () => client.statuses.length === 1)
        assert.deepStrictEqual(client.statuses, [expected])
      }
      yield* skipping.closed
      assert.strictEqual(yield* server.connectionCount, 2)
    })
  )

  it.live("leaves no client that was turned away behind when the server stops", () =>
    Effect.gen(function* () {
      const { close, port } = yield* serveHttp(answer("served"), { maxConnections: 1 })
      const first = yield* open(port)
      first.get()
      yield* first.endsWith("served")
      const stayer = yield* open(port, { allowHalfOpen: true })
      yield* stayer.ended
      yield* close
      yield* until("a write fails", () => {
        if (!stayer.hasClosed) stayer.send("x")
        return stayer.hasClosed
      })
    })
  )
})
