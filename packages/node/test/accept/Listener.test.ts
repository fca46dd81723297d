import { assert, describe, it } from "@effect/vitest"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { FirstConnection } from "../../src/accept/FirstConnection.ts"
import { MoreListeners } from "../../src/accept/Listener.ts"
import { fetchText, requestText } from "../support/Client.ts"
import { MemoryListener } from "../support/MemoryListener.ts"
import { answer, serveHttp } from "../support/Server.ts"
import { until } from "../support/Until.ts"

/** A server that listens in memory besides, and how to connect to it. */
const serveInMemory = (options: ServerOptions.Input = {}) =>
  Effect.gen(function* () {
    const listener = new MemoryListener()
    const running = yield* serveHttp(answer("served"), options).pipe(
      Effect.provideService(MoreListeners, [listener.listen])
    )
    const connect = Effect.suspend(() => {
      const client = listener.connect()
      return client === undefined ? Effect.fail("nobody listens") : Effect.succeed(client)
    })
    return { ...running, connect }
  })

const endsWith = (client: MemoryTransport, end: string) =>
  until(`the client receives ${JSON.stringify(end)}`, () => client.text.endsWith(end))

describe("a listener that was added to a server", () => {
  it.live("is one of its listeners, and its clients are served as all others", () =>
    Effect.gen(function* () {
      const { connect, port, server } = yield* serveInMemory()
      assert.deepStrictEqual(
        server.listeners.map(({ url }) => url),
        [`http://127.0.0.1:${port}/`, "memory:"]
      )
      const client = yield* connect
      client.push(requestText())
      yield* endsWith(client, "served")
      assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n/)
      assert.strictEqual(yield* server.connectionCount, 1)
      assert.match(yield* fetchText(port), /served$/)
      client.pushEnd()
      yield* until("the connection is over", () => Effect.runSync(server.connectionCount) === 0)
    })
  )

  it.live("shares the limit of connections with the others", () =>
    Effect.gen(function* () {
      const { connect, port } = yield* serveInMemory({ maxConnections: 1 })
      const first = yield* connect
      first.push(requestText())
      yield* endsWith(first, "served")
      const second = yield* connect
      assert.match(second.text, /^HTTP\/1\.1 503 Service Unavailable\r\n.*the server is at capacity\n$/s)
      assert.strictEqual(second.ending, "ended")
      assert.match(yield* fetchText(port), /^HTTP\/1\.1 503 /)
    })
  )

  it.live("stops with the server, which drains its connections", () =>
    Effect.gen(function* () {
      const { close, connect, server } = yield* serveInMemory()
      const idle = yield* connect
      idle.push(requestText())
      yield* endsWith(idle, "served")
      const late = yield* connect
      const closing = yield* Effect.forkChild(close)
      yield* until("it takes no clients any more", () => !Effect.runSync(server.isRunning))
      assert.strictEqual(yield* Effect.flip(connect), "nobody listens")
      late.push(requestText())
      yield* endsWith(late, "served")
      assert.match(late.text, /\r\nconnection: close\r\n/)
      late.pushEnd()
      yield* until("the idle connection ends", () => idle.ending !== "open")
      idle.pushEnd()
      yield* Fiber.join(closing)
    })
  )

  it.live("has connections that did not end aborted when the time is up", () =>
    Effect.gen(function* () {
      const { close, connect } = yield* serveInMemory({ shutdownTimeout: "100 millis" })
      const client = yield* connect
      client.push("GET / HTTP/1.1\r\n")
      yield* close
      assert.strictEqual(client.ending, "destroyed")
    })
  )

  it.live("tells of its client if that is the server's first", () =>
    Effect.gen(function* () {
      let told = 0
      const { connect, port } = yield* serveInMemory().pipe(Effect.provideService(FirstConnection, () => told++))
      assert.strictEqual(told, 0)
      yield* connect
      assert.strictEqual(told, 1)
      yield* fetchText(port)
      assert.strictEqual(told, 1)
    })
  )
})
