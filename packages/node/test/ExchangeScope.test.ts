import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { attempt, fetch } from "./support/HttpSuiteClient.ts"
import { serveWay, ways } from "./support/HttpSuiteWay.ts"
import { serve } from "./support/Server.ts"
import { turns, until } from "./support/Until.ts"
import { connect } from "./support/WebSocketClient.ts"

/** Counts what applications have acquired and not released; may let the release wait. */
class Resources {
  open = 0
  acquired = 0
  isReleasing = false
  mayRelease = true

  readonly acquire = Effect.acquireRelease(
    Effect.sync(() => {
      this.open++
      this.acquired++
    }),
    () =>
      Effect.gen({ self: this }, function* () {
        this.isReleasing = true
        yield* until("it may be released", () => this.mayRelease)
        this.open--
      })
  )

  /** Waits until so many were acquired and all of them released. */
  readonly released = (count: number) =>
    until(`${count} are released`, () => this.acquired === count && this.open === 0)
}

/** An application of every kind of exchange, each of which acquires something and then does what its path says. */
const makeApp = (resources: Resources) =>
  PagiApp.make({
    http: Effect.fnUntraced(function* (scope, receive, send) {
      yield* resources.acquire
      if (scope.path === "/fail") return yield* Effect.fail("why")
      if (scope.path === "/die") return yield* Effect.die("why")
      if (scope.path === "/wait") return yield* Effect.never
      if (scope.path === "/until-gone") while ((yield* receive).type !== "http.disconnect");
      yield* send({ type: "http.response.start", status: 200 })
      yield* send({ type: "http.response.body", body: "good" })
    }),
    sse: Effect.fnUntraced(function* (_scope, receive, send) {
      yield* resources.acquire
      // Dies with its exchange, or the test never ends.
      yield* Effect.forkScoped(Effect.forever(Effect.sleep("1 minute")))
      yield* send({ type: "sse.start" })
      yield* send({ type: "sse.send", data: "hello" })
      while ((yield* receive).type !== "sse.disconnect");
    }),
    websocket: Effect.fnUntraced(function* (_scope, receive, send) {
      yield* resources.acquire
      yield* send({ type: "websocket.accept" })
      while ((yield* receive).type !== "websocket.disconnect");
    })
  })

for (const way of ways) {
  describe(`the scope of an exchange over HTTP/${way.version} on ${way.over}`, () => {
    it.live("ends with it, whatever its end", () =>
      Effect.gen(function* () {
        const resources = new Resources()
        const { client } = yield* serveWay(way, makeApp(resources), { disconnectGrace: 0 })
        yield* fetch(client)
        yield* fetch(client)
        yield* resources.released(2)
        assert.strictEqual((yield* attempt(client, { path: "/fail" })).status, 500)
        assert.strictEqual((yield* attempt(client, { path: "/die" })).status, 500)
        yield* resources.released(4)
        for (const path of ["/until-gone", "/wait"]) {
          const before = resources.acquired
          const exchange = client.begin({ path })
          yield* until("it runs", () => resources.acquired > before)
          exchange.abort()
          yield* resources.released(before + 1)
        }
        const stream = client.begin({ headers: { accept: "text/event-stream" } })
        yield* stream.receives("data: hello\n\n")
        stream.abort()
        yield* resources.released(7)
      }).pipe(Effect.provide(Logger.layer([])))
    )

    it.live("is waited for by a server that stops, also when it interrupts", () =>
      Effect.gen(function* () {
        const resources = new Resources()
        const { client, server } = yield* serveWay(way, makeApp(resources), { shutdownTimeout: 0.01 })
        resources.mayRelease = false
        client.begin({ path: "/wait" })
        yield* until("it runs", () => resources.acquired === 1)
        const closing = yield* Effect.forkChild(server.close, { startImmediately: true })
        yield* until("the application is interrupted", () => resources.isReleasing)
        yield* turns(10)
        assert.isUndefined(closing.pollUnsafe())
        assert.strictEqual(resources.open, 1)
        resources.mayRelease = true
        yield* Fiber.join(closing)
        assert.strictEqual(resources.open, 0)
      }).pipe(Effect.provide(Logger.layer([])))
    )
  })
}

describe("the scope of a WebSocket session", () => {
  it.live("ends with it, closed by the client, cut off, or ended by the server", () =>
    Effect.gen(function* () {
      const resources = new Resources()
      const { close, port } = yield* serve(makeApp(resources))
      const url = `ws://127.0.0.1:${port}`
      const closing = yield* connect(url)
      yield* closing.opened
      closing.socket.close()
      yield* resources.released(1)
      const leaving = yield* connect(url)
      yield* leaving.opened
      leaving.socket.terminate()
      yield* resources.released(2)
      const staying = yield* connect(url)
      yield* staying.opened
      yield* close
      assert.strictEqual(resources.open, 0)
      assert.strictEqual(resources.acquired, 3)
    })
  )
})
