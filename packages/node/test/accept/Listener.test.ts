import { assert, describe, it } from "@effect/vitest"
import type { Address } from "@pagi/core/Address"
import { tcp } from "@pagi/core/Endpoint"
import { Observer } from "@pagi/core/Observer"
import { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { FirstConnection } from "../../src/accept/FirstConnection.ts"
import { type Carrier, type Listen, MoreListeners } from "../../src/accept/Listener.ts"
import { ListenError } from "../../src/accept/ListenError.ts"
import { fetchText, requestText } from "../support/Client.ts"
import { endsWith, serveInMemory } from "../support/MemoryListener.ts"
import { answer, serveHttp } from "../support/Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { until } from "../support/Until.ts"

/** What a client is before its handshake. */
class Handshake implements Carrier {
  readonly client: Address
  readonly server = undefined
  readonly secure = true
  isDestroyed = false

  constructor(host: string) {
    this.client = [host, 50_000]
  }

  destroy(): void {
    this.isDestroyed = true
  }
}

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

  it.live("has the clients closed that were turned away first when there are too many, also within a turn", () =>
    Effect.gen(function* () {
      const { connect } = yield* serveInMemory({ maxConnections: 2 })
      yield* connect()
      yield* connect()
      const refused = yield* Effect.all(Array.from({ length: 4 }, () => connect()))
      assert.deepStrictEqual(
        refused.map(({ ending }) => ending),
        ["destroyed", "destroyed", "ended", "ended"]
      )
    })
  )

  it.effect("turns clients away to which nothing can be said yet, as many as there is room for", () =>
    Effect.gen(function* () {
      const limits: Array<string> = []
      const answers: Array<string> = []
      const observer: Observer = {
        limitHit: (limit, { client }) => limits.push(`${limit} of ${client?.[0]}`),
        exchangeEnded: ({ bytes, outcome, status }) => answers.push(`${status} ${outcome} ${bytes}`)
      }
      const { close, connect, listener } = yield* serveInMemory({ maxConnections: 1 }).pipe(
        Effect.provideService(Observer, observer)
      )
      yield* connect()
      const { acceptor } = listener
      assert.isFalse(acceptor?.admit())
      const first = new Handshake("192.0.2.1")
      const refusal = acceptor?.refuseLater(first)
      assert.isUndefined(acceptor?.refuseLater(new Handshake("192.0.2.2")))
      const third = new Handshake("192.0.2.3")
      assert.isDefined(acceptor?.refuseLater(third, { limit: "openFiles", room: 2 }))
      const of = (address: number) => `of 192.0.2.${address}`
      assert.deepStrictEqual(limits, [`maxConnections ${of(1)}`, `maxConnections ${of(2)}`, `openFiles ${of(3)}`])

      const transport = new MemoryTransport()
      refusal?.answer(transport, "http/1.1")
      assert.match(transport.text, /^HTTP\/1\.1 503 Service Unavailable\r\n/)
      assert.deepStrictEqual(answers, [`503 at_capacity ${"the server is at capacity\n".length}`])
      assert.strictEqual(transport.ending, "ended")
      refusal?.end()
      // One of two has left.
      const fourth = new Handshake("192.0.2.4")
      assert.isDefined(acceptor?.refuseLater(fourth, { limit: "openFiles", room: 2 }))
      yield* TestClock.adjust("4 seconds")
      assert.isFalse(third.isDestroyed)
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(third.isDestroyed)
      assert.isTrue(fourth.isDestroyed)
      const fifth = new Handshake("192.0.2.5")
      assert.isDefined(acceptor?.refuseLater(fifth, { limit: "openFiles", room: 4 }))
      yield* close
      assert.isTrue(fifth.isDestroyed)
      assert.isFalse(first.isDestroyed)
    })
  )

  it.live("keeps the server from starting when it cannot listen", () =>
    Effect.gen(function* () {
      const socket = join(yield* temporaryFolder, "app.sock")
      let isOtherBound = false
      const listen: Listen = () => {
        isOtherBound = existsSync(socket)
        return Effect.fail(new ListenError({ endpoint: tcp("127.0.0.1", 443), code: "EADDRINUSE" }))
      }
      const error = yield* serveHttp(answer("served"), { socket }).pipe(
        Effect.provideService(MoreListeners, [listen]),
        Effect.scoped,
        Effect.flip
      )
      assert.strictEqual(error.message, "port 443 on 127.0.0.1 is already in use")
      assert.isTrue(isOtherBound)
      assert.isFalse(existsSync(socket))
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
