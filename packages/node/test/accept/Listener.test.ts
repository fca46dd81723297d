import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { FirstConnection } from "../../src/accept/FirstConnection.ts"
import { fetchText, requestText } from "../support/Client.ts"
import { endsWith, serveInMemory } from "../support/MemoryListener.ts"
import { until } from "../support/Until.ts"

describe("a listener that was added to a server", () => {
  it.live("is one of its listeners, and its clients are served as all others", () =>
    Effect.gen(function* () {
      const { connect, port, server } = yield* serveInMemory()
      assert.deepStrictEqual(
        server.listeners.map(({ url }) => url),
        [`http://127.0.0.1:${port}/`, "memory:"]
      )
      const client = yield* connect()
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
      const first = yield* connect()
      first.push(requestText())
      yield* endsWith(first, "served")
      const second = yield* connect()
      assert.match(second.text, /^HTTP\/1\.1 503 Service Unavailable\r\n.*the server is at capacity\n$/s)
      assert.strictEqual(second.ending, "ended")
      assert.match(yield* fetchText(port), /^HTTP\/1\.1 503 /)
    })
  )

  it.live("stops with the server, which drains its connections", () =>
    Effect.gen(function* () {
      const { close, connect, server } = yield* serveInMemory()
      const idle = yield* connect()
      idle.push(requestText())
      yield* endsWith(idle, "served")
      const late = yield* connect()
      const closing = yield* Effect.forkChild(close)
      yield* until("it takes no clients any more", () => !Effect.runSync(server.isRunning))
      assert.strictEqual(yield* Effect.flip(connect()), "nobody listens")
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
      const client = yield* connect()
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
      yield* connect()
      assert.strictEqual(told, 1)
      yield* fetchText(port)
      assert.strictEqual(told, 1)
    })
  )
})
