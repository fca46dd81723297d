import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { open } from "../support/Client.ts"
import type { TestServer } from "../support/Server.ts"
import { answer, serveHttp } from "../support/Server.ts"
import { openTls, serverTls } from "../support/TlsClient.ts"
import { turns, until } from "../support/Until.ts"

const serveTls = (options: Parameters<typeof serveHttp>[1] = {}) =>
  Effect.flatMap(serverTls, (tls) => serveHttp(answer("served"), { tls, ...options }))

/** The beginning of a ClientHello: the heads of a record of 512 bytes and of the message in it, and little more. */
const halfHello = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3, 4])

const connections = ({ server }: TestServer, count: number) =>
  until(`there are ${count} connections`, () => Effect.runSync(server.connectionCount) === count)

describe("a TLS handshake", () => {
  for (const [name, sent] of [
    ["nothing", Buffer.alloc(0)],
    ["half of its first message", halfHello],
    ["a byte now and then", halfHello.subarray(0, 1)]
  ] as const) {
    it.effect(`has as much time as the head of a request: a client that sends ${name} is dropped`, () =>
      Effect.gen(function* () {
        const running = yield* serveTls({ headersTimeout: "5 seconds" })
        const client = yield* open(running.port, { allowHalfOpen: true })
        client.send(sent)
        yield* connections(running, 1)
        yield* turns(20)
        yield* TestClock.adjust("4 seconds")
        if (name === "a byte now and then") client.send(halfHello.subarray(1, 2))
        yield* turns(20)
        assert.isFalse(client.hasClosed)
        yield* TestClock.adjust("1300 millis")
        yield* client.ended
        yield* connections(running, 0)
        assert.strictEqual(client.text, "")
      })
    )
  }

  it.effect("leaves the whole time for the head that follows it", () =>
    Effect.gen(function* () {
      const running = yield* serveTls({ headersTimeout: "5 seconds" })
      const client = yield* openTls(running.port)
      yield* connections(running, 1)
      yield* TestClock.adjust("4 seconds")
      client.get()
      yield* client.endsWith("served")
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* running.server.connectionCount, 1)
    })
  )

  it.live("counts as a connection, and clients beyond the limit are told so by TLS", () =>
    Effect.gen(function* () {
      const running = yield* serveTls({ maxConnections: 2 })
      const silent = yield* open(running.port)
      const half = yield* open(running.port)
      half.send(halfHello)
      yield* connections(running, 2)
      const third = yield* openTls(running.port)
      third.get()
      yield* third.closed
      assert.match(third.text, /^HTTP\/1\.1 503 Service Unavailable\r\n.*the server is at capacity\n$/s)
      assert.strictEqual(third.errorCode, undefined)
      assert.strictEqual(yield* running.server.connectionCount, 2)
      silent.socket.destroy()
      yield* connections(running, 1)
      const fourth = yield* openTls(running.port)
      fourth.get()
      yield* fourth.endsWith("served")
    })
  )

  it.live("does not keep a server from stopping for longer than a second", () =>
    Effect.gen(function* () {
      const running = yield* serveTls({ shutdownTimeout: "1 hour" })
      const silent = yield* open(running.port)
      const half = yield* open(running.port)
      half.send(halfHello)
      yield* connections(running, 2)
      const closing = yield* Effect.forkChild(running.close)
      yield* silent.closed
      yield* half.closed
      yield* Fiber.join(closing)
    })
  )

  it.live("that is to come when a server begins to drain goes on, and the request behind it is answered", () =>
    Effect.gen(function* () {
      const running = yield* serveTls()
      const carrier = yield* open(running.port)
      yield* connections(running, 1)
      const stopping = yield* Effect.forkChild(running.server.shutdown, { startImmediately: true })
      yield* until("the drain begins", () => !Effect.runSync(running.server.isRunning))
      const client = yield* openTls(running.port, { carrier: carrier.socket })
      client.get()
      yield* client.ended
      assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)?connection: close\r\n.*\r\n\r\nserved$/s)
      yield* Fiber.join(stopping)
    })
  )

  it.live("may be broken off at any point by the client", () =>
    Effect.gen(function* () {
      const running = yield* serveTls()
      for (const length of [0, 3, 5, 9, halfHello.length]) {
        for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
          const client = yield* open(running.port)
          client.send(halfHello.subarray(0, length))
          yield* connections(running, 1)
          client.socket[leave]()
          yield* connections(running, 0)
        }
      }
      const client = yield* openTls(running.port)
      client.get()
      yield* client.endsWith("served")
    })
  )

  it.live("of garbage is answered with an alert at most", () =>
    Effect.gen(function* () {
      const running = yield* serveTls()
      for (const garbage of [Buffer.alloc(1000), Buffer.alloc(1000, 0xff), Buffer.from("SSH-2.0-x\r\n".repeat(20))]) {
        const client = yield* open(running.port)
        client.send(garbage)
        yield* client.closed
        assert.isBelow(client.received, 20)
        yield* connections(running, 0)
      }
    })
  )
})
