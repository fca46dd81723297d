import { assert, describe, it } from "@effect/vitest"
import type { Readiness } from "@pagi/core/Scope"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { fetchText, open } from "./support/Client.ts"
import { answer, serveHttp } from "./support/Server.ts"
import { turns, until } from "./support/Until.ts"

/** Waits for `count` others before it goes on, or for ever. */
const barrier = (count: number): Effect.Effect<void> => {
  let arrived = 0
  return Effect.suspend(() => {
    arrived++
    return until("all arrive at the barrier", () => arrived >= count)
  })
}

describe("the drain of a server", () => {
  it.live("lets a request in flight finish, and its response says that the connection closes", () =>
    Effect.gen(function* () {
      let isWaiting = false
      const { close, port } = yield* serveHttp((scope, receive, send) =>
        Effect.suspend(() => {
          isWaiting = true
          return Effect.andThen(scope.shuttingDown, answer("finished")(scope, receive, send))
        })
      )
      const client = yield* open(port)
      client.get()
      yield* until("the request begins", () => isWaiting)
      yield* close
      yield* client.ended
      assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(client.text, /\r\nconnection: close\r\n/)
      assert.match(client.text, /\r\n\r\nfinished$/)
    })
  )

  it.live("closes idle connections soon and takes no new ones while a request is in flight", () =>
    Effect.gen(function* () {
      let mayFinish = false
      let isWaiting = false
      const { port, server } = yield* serveHttp((scope, receive, send) =>
        Effect.gen(function* () {
          if (scope.path === "/slow") {
            isWaiting = true
            yield* until("the request may finish", () => mayFinish)
          }
          yield* answer("done")(scope, receive, send)
        })
      )
      const idle = yield* open(port)
      idle.get()
      yield* idle.endsWith("done")
      const slow = yield* open(port)
      slow.get("/slow")
      yield* until("the slow request begins", () => isWaiting)
      const stopping = yield* Effect.forkChild(server.shutdown, { startImmediately: true })
      const [waited] = yield* Effect.timed(idle.closed)
      // Every other time limit that could be at work here is a second or more.
      assert.isBelow(Duration.toMillis(waited), 700)
      assert.strictEqual(yield* Effect.flip(Effect.scoped(open(port))), "ECONNREFUSED")
      assert.strictEqual(slow.received, 0)
      mayFinish = true
      yield* Fiber.join(stopping)
      yield* slow.closed
      assert.match(slow.text, /done$/)
    })
  )

  it.live("begins after drainDelay, in which the server says that it is not ready, and serves on", () =>
    Effect.gen(function* () {
      let readiness: Readiness | undefined
      const { port, server } = yield* serveHttp(
        (scope, receive, send) => {
          readiness = scope.readiness
          return answer(scope.readiness.isReady ? "ready" : "not ready")(scope, receive, send)
        },
        { drainDelay: "300 millis" }
      )
      const idle = yield* open(port)
      idle.get()
      yield* idle.endsWith("\r\n\r\nready")
      const stopping = yield* Effect.forkChild(Effect.timed(server.shutdown), { startImmediately: true })
      yield* until("the server is not ready", () => readiness?.isReady === false)
      idle.get()
      yield* idle.endsWith("\r\n\r\nnot ready")
      assert.match(yield* fetchText(port), /\r\n\r\nnot ready$/)
      assert.isTrue(yield* server.isRunning)
      const [waited] = yield* Fiber.join(stopping)
      yield* idle.closed
      assert.isAtLeast(Duration.toMillis(waited), 295)
      assert.isBelow(Duration.toMillis(waited), 2300)
      assert.strictEqual(yield* Effect.flip(fetchText(port)), "ECONNREFUSED")
    })
  )

  it.effect("takes drainDelay, and then shutdownTimeout for what does not finish", () =>
    Effect.gen(function* () {
      const seen: Array<Readiness> = []
      const { port, server } = yield* serveHttp(
        (scope) =>
          Effect.suspend(() => {
            seen.push(scope.readiness)
            return Effect.never
          }),
        { drainDelay: "10 seconds", shutdownTimeout: "20 seconds", logLevel: "error" }
      )
      const client = yield* open(port)
      client.get()
      yield* until("the request begins", () => seen.length > 0)
      const stopping = yield* Effect.forkChild(Effect.flip(server.shutdown), { startImmediately: true })
      yield* until("the server is not ready", () => seen[0]?.isReady === false)
      yield* TestClock.adjust("9999 millis")
      assert.isTrue(yield* server.isRunning)
      yield* TestClock.adjust("1 milli")
      yield* until("the drain begins", () => !Effect.runSync(server.isRunning))
      yield* TestClock.adjust("19999 millis")
      yield* turns(10)
      assert.isUndefined(stopping.pollUnsafe())
      yield* TestClock.adjust("1 milli")
      const error = yield* Fiber.join(stopping)
      assert.deepStrictEqual([error._tag, error.connections], ["IncompleteDrain", 1])
      yield* client.closed
    })
  )

  it.live("answers a request that was already on its way on a connection that had none yet", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(answer("in time"))
      const client = yield* open(port)
      yield* until("the connection is accepted", () => Effect.runSync(server.connectionCount) === 1)
      const stopping = yield* Effect.forkChild(server.shutdown, { startImmediately: true })
      yield* until("the drain begins", () => !Effect.runSync(server.isRunning))
      client.get()
      yield* client.ended
      assert.match(client.text, /in time$/)
      yield* Fiber.join(stopping)
    })
  )

  it.live("interrupts what takes longer than the time limit, waits for its finalizers and leaves nothing open", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const requests = 5
      const together = barrier(requests)
      const { close, port, server } = yield* serveHttp(
        (scope) =>
          Effect.never.pipe(
            Effect.ensuring(
              Effect.gen(function* () {
                events.push(`begins to clean up: ${scope.connection.disconnectReason}`)
                yield* together
                events.push("has cleaned up")
              })
            )
          ),
        { shutdownTimeout: "20 millis" }
      )
      const clients = yield* Effect.forEach(Array.from({ length: requests }), () => open(port))
      for (const client of clients) client.get()
      yield* until("all connections are open", () => Effect.runSync(server.connectionCount) === requests)
      yield* close
      assert.deepStrictEqual(events.slice(0, requests), Array(requests).fill("begins to clean up: server_shutdown"))
      assert.deepStrictEqual(events.slice(requests), Array(requests).fill("has cleaned up"))
      assert.strictEqual(yield* server.connectionCount, 0)
      for (const client of clients) {
        yield* client.closed
        assert.strictEqual(client.received, 0)
      }
      yield* Effect.scoped(serveHttp(answer("again"), { port }))
    })
  )

  it.live("does not let a client that keeps its side open hold it up for longer than it lingers", () =>
    Effect.gen(function* () {
      const { close, port, server } = yield* serveHttp(answer("done"))
      const client = yield* open(port, { allowHalfOpen: true })
      client.get()
      yield* client.endsWith("done")
      yield* close
      assert.isTrue(client.hasEnded)
      assert.strictEqual(yield* server.connectionCount, 0)
    })
  )

  it.live("is complete although a client keeps its side open beyond the time limit", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(answer("done"), { shutdownTimeout: "500 millis" })
      const client = yield* open(port, { allowHalfOpen: true })
      client.get()
      yield* client.endsWith("done")
      const [waited] = yield* Effect.timed(server.shutdown)
      assert.isAtLeast(Duration.toMillis(waited), 490)
      assert.isTrue(client.hasEnded)
      assert.strictEqual(yield* server.connectionCount, 0)
    })
  )

  it.live("does not let a client that reads nothing hold it up for longer than the time limit", () =>
    Effect.gen(function* () {
      const { close, port, server } = yield* serveHttp(answer(Buffer.alloc(32 * 1_048_576)), {
        shutdownTimeout: "50 millis"
      })
      const client = yield* open(port)
      client.socket.pause()
      client.get()
      yield* until("the request arrives", () => Effect.runSync(server.connectionCount) === 1)
      yield* close
      assert.strictEqual(yield* server.connectionCount, 0)
    })
  )

  for (const [what, handler] of [
    ["that cannot be interrupted", Effect.uninterruptible(Effect.never)],
    ["whose finalizers do not end", Effect.ensuring(Effect.never, Effect.never)]
  ] as const) {
    it.effect(`leaves an application alone ${what}, and says which`, () =>
      Effect.gen(function* () {
        const messages: Array<string> = []
        const logger = Logger.make(({ message }) => void messages.push(String(message)))
        let isRunning = false
        const { close, port, server } = yield* serveHttp(
          () =>
            Effect.suspend(() => {
              isRunning = true
              return handler
            }),
          { shutdownTimeout: "10 seconds" }
        ).pipe(Effect.provide(Logger.layer([logger])))
        const client = yield* open(port)
        client.get("/stuck?token=1")
        yield* until("the request begins", () => isRunning)
        const stopping = yield* Effect.forkChild(Effect.flip(server.shutdown), { startImmediately: true })
        yield* until("the drain begins", () => !Effect.runSync(server.isRunning))
        yield* TestClock.adjust("10 seconds")
        yield* client.closed
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Fiber.join(stopping))._tag, "IncompleteDrain")
        yield* close
        assert.deepStrictEqual(messages, [
          "1 connection did not finish within 10s, and had to be closed",
          "did not end within 3s of being interrupted, and is left alone: GET /stuck"
        ])
      })
    )
  }
})
