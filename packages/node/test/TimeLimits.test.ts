import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { open, requestText } from "./support/Client.ts"
import { takesLess } from "./support/Pace.ts"
import { answer, serve, serveHttp } from "./support/Server.ts"
import { until } from "./support/Until.ts"

/** The limit that a test is about; all others are seconds, or none. */
const limit = 300
const millis = `${limit} millis` as const

/** A timer of Node's may be early by less than a millisecond, for each of the ticks that a limit consists of. */
const early = 5

/** Far below any other limit, and far above what a busy machine needs. */
const late = 2000

/**
 * Checks that something takes as long as the limit. The connection is opened in it: what keeps the process from running
 * between its beginning and that of the limit counts for the limit, and has to count here as well.
 */
const takesTheLimit = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const [time, value] = yield* Effect.timed(takesLess(limit + late, effect))
    assert.isAtLeast(Duration.toMillis(time), limit - early)
    return value
  })

/** A handler that notes why its peer has gone, and never answers. */
const waiting = () => {
  const reasons: Array<DisconnectReason> = []
  let isRunning = false
  const handler: PagiApp.HttpHandler = (scope) =>
    Effect.suspend(() => {
      isRunning = true
      return Effect.map(scope.connection.disconnected, (reason) => reasons.push(reason))
    })
  return { reasons, handler, runs: until("the request arrives", () => isRunning) }
}

describe("a time limit", () => {
  it.live("timeout: ends a connection that makes no further request", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(answer("here"), { timeout: millis })
      const client = yield* takesTheLimit(
        Effect.gen(function* () {
          const client = yield* open(port)
          client.get()
          yield* client.ended
          return client
        })
      )
      assert.match(client.text, /^HTTP\/1\.1 200 .*here$/s)
      assert.deepStrictEqual(client.statuses, [200])
    })
  )

  it.live("timeout: reads first what has come while the process was busy for longer", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(answer("here"), { timeout: millis })
      const askTwice = Effect.gen(function* () {
        const start = performance.now()
        const client = yield* open(port)
        client.get()
        yield* until("there is an answer", () => client.statuses.length > 0)
        client.get()
        // Where the machine has stopped in the meantime, the second one may have come too late.
        if (performance.now() - start >= limit) return []
        const end = performance.now() + 2 * limit
        while (performance.now() < end);
        yield* until("there is another one", () => client.statuses.length === 2 || client.hasEnded)
        return client.statuses
      })
      const statuses = yield* Effect.repeat(askTwice, { until: ({ length }) => length > 0 })
      assert.deepStrictEqual(statuses, [200, 200])
    })
  )

  it.live("headersTimeout: ends a connection that sends nothing", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(answer("here"), { headersTimeout: millis })
      const client = yield* takesTheLimit(Effect.tap(open(port), (client) => client.ended))
      assert.strictEqual(client.text, "")
    })
  )

  it.live("headersTimeout: answers the part of a head with 408", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(answer("here"), { headersTimeout: millis })
      const client = yield* takesTheLimit(
        Effect.gen(function* () {
          const client = yield* open(port)
          client.send(requestText().slice(0, -2))
          yield* client.ended
          return client
        })
      )
      assert.match(client.text, /^HTTP\/1\.1 408 .*\r\nconnection: close\r\n/s)
    })
  )

  it.live("requestTimeout: drops a request whose body comes to a halt", () =>
    Effect.gen(function* () {
      const { handler, reasons } = waiting()
      const { port } = yield* serveHttp(handler, { requestTimeout: millis })
      const client = yield* takesTheLimit(
        Effect.gen(function* () {
          const client = yield* open(port)
          client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nabc")
          yield* client.closed
          return client
        })
      )
      yield* until("the application is told", () => reasons.length > 0)
      assert.deepStrictEqual(reasons, ["client_timeout"])
      assert.strictEqual(client.text, "")
    })
  )

  it.live("writeTimeout: resets a connection whose client does not read", () =>
    Effect.gen(function* () {
      const ends: Array<DisconnectReason> = []
      const { port, server } = yield* serveHttp(
        Effect.fnUntraced(function* ({ connection }, _receive, send) {
          connection.onDisconnect((reason) => ends.push(reason))
          yield* send({ type: "http.response.start", status: 200 })
          while (connection.isConnected) {
            yield* send({ type: "http.response.body", body: Buffer.alloc(65_536), more: true })
          }
        }),
        { writeTimeout: millis }
      )
      const client = yield* takesTheLimit(
        Effect.gen(function* () {
          const client = yield* open(port)
          client.socket.pause()
          client.get()
          yield* until("the application is told", () => ends.length > 0)
          return client
        })
      )
      assert.deepStrictEqual(ends, ["write_timeout"])
      yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
      client.socket.resume()
      yield* client.closed
      assert.strictEqual(client.errorCode, "ECONNRESET")
    })
  )

  it.live("sseIdleTimeout: ends an event stream on which nothing is sent", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        PagiApp.make({
          sse: Effect.fnUntraced(function* (_scope, _receive, send) {
            yield* send({ type: "sse.start" })
            yield* send({ type: "sse.send", data: "only" })
            yield* Effect.never
          })
        }),
        { sseIdleTimeout: millis, disconnectGrace: 0 }
      )
      const client = yield* takesTheLimit(
        Effect.gen(function* () {
          const client = yield* open(port)
          client.get("/", "Accept: text/event-stream\r\n")
          yield* client.ended
          return client
        })
      )
      assert.match(client.text, /data: only\n\n/)
    })
  )

  it.live("disconnectGrace: interrupts an application that runs on without its peer", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const { port, server } = yield* serveHttp(
        () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)),
        { disconnectGrace: millis }
      )
      yield* takesTheLimit(
        Effect.gen(function* () {
          const client = yield* open(port)
          client.socket.end(requestText())
          yield* until("the application is interrupted", () => interrupted > 0)
        })
      )
      yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
      assert.strictEqual(interrupted, 1)
    })
  )

  it.live("shutdownTimeout: cuts off what does not finish, and the shutdown says so", () =>
    Effect.gen(function* () {
      const { handler, reasons, runs } = waiting()
      const { port, server } = yield* serveHttp(handler, { shutdownTimeout: millis, logLevel: "error" })
      const client = yield* open(port)
      client.get()
      yield* runs
      const error = yield* takesTheLimit(Effect.flip(server.shutdown))
      assert.strictEqual(error.message, `1 connection did not finish within ${limit}ms, and had to be closed`)
      assert.deepStrictEqual(reasons, ["server_shutdown"])
      yield* client.closed
      assert.strictEqual(client.text, "")
    })
  )

  it.live("lifespanStartupTimeout: gives up on an application that does not say that it has started", () =>
    Effect.gen(function* () {
      const app = PagiApp.make({ http: answer("here"), lifespan: () => Effect.never })
      const error = yield* takesTheLimit(Effect.flip(serve(app, { lifespanStartupTimeout: millis })))
      assert.strictEqual(error.message, `application startup failed: no answer within ${limit}ms`)
    })
  )
})
