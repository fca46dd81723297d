import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { PagiServer, PagiServerLive } from "../src/PagiServer.ts"
import { fetchText, open } from "./support/Client.ts"
import { answer, serve, serveHttp } from "./support/Server.ts"
import { until } from "./support/Until.ts"

class Greeter extends Context.Service<Greeter, { readonly greet: (name: string) => Effect.Effect<string> }>()(
  "test/Greeter"
) {
  static readonly layer = Layer.succeed(Greeter, { greet: (name) => Effect.succeed(`Good day, ${name}!`) })
}

const greeting = PagiApp.make({
  http: Effect.fnUntraced(function* (scope, _receive, send) {
    const greeter = yield* Greeter
    yield* send({ type: "http.response.start", status: 200 })
    yield* send({ type: "http.response.body", body: yield* greeter.greet(scope.path.slice(1)) })
  })
})

describe("PagiServerLive", () => {
  it.live("is composed with an application and options, and the application with the program's services", () => {
    const ServerLive = PagiServerLive.pipe(
      Layer.provide(PagiApp.layer(greeting)),
      Layer.provide(Greeter.layer),
      Layer.provide(ServerOptions.layer({ port: 0, accessLog: "off", logLevel: "warn" }))
    )
    return Effect.gen(function* () {
      const { port } = yield* PagiServer
      assert.match(yield* fetchText(port, "/Ada"), /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nGood day, Ada!$/s)
    }).pipe(Effect.provide(ServerLive))
  })

  it.live("serves for as long as the layer is launched", () =>
    Effect.gen(function* () {
      const ports: Array<number> = []
      const ServerLive = Layer.effectDiscard(
        Effect.map(PagiServer, ({ port }) => {
          ports.push(port)
        })
      ).pipe(
        Layer.provide(PagiServerLive),
        Layer.provide(PagiApp.layer(PagiApp.make({ http: answer("here") }))),
        Layer.provide(ServerOptions.layer({ port: 0, accessLog: "off", logLevel: "warn" }))
      )
      const running = yield* Effect.forkChild(Layer.launch(ServerLive))
      yield* until("the server starts", () => ports.length > 0)
      const [port = 0] = ports
      assert.match(yield* fetchText(port), /here$/)
      yield* Fiber.interrupt(running)
      assert.strictEqual(yield* Effect.flip(fetchText(port)), "ECONNREFUSED")
    })
  )

  it.live("tells where it listens", () =>
    Effect.gen(function* () {
      const { server } = yield* serveHttp(answer("here"))
      assert.deepStrictEqual(server.address, ["127.0.0.1", server.port])
      assert.isAbove(server.port, 0)
      assert.strictEqual(server.listeners.length, 1)
      assert.deepStrictEqual(server.listeners[0]?.address, server.address)
      assert.strictEqual(server.listeners[0]?.url, `http://127.0.0.1:${server.port}/`)
    })
  )

  it.live("gives the request both ends of its connection", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(
        Effect.fnUntraced(function* (scope, _receive, send) {
          const { client, scheme, server } = scope
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: JSON.stringify({ client, scheme, server }) })
        })
      )
      const client = yield* open(port)
      const { localPort } = client.socket
      client.get("/", "Connection: close\r\n")
      yield* client.ended
      assert.deepStrictEqual(JSON.parse(client.body.toString()), {
        client: ["127.0.0.1", localPort],
        scheme: "http",
        server: ["127.0.0.1", port]
      })
    })
  )

  it.live("counts the open connections", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(answer("here"))
      assert.strictEqual(yield* server.connectionCount, 0)
      const first = yield* open(port)
      const second = yield* open(port)
      for (const client of [first, second]) {
        client.get()
        yield* client.endsWith("here")
      }
      assert.strictEqual(yield* server.connectionCount, 2)
      first.socket.end()
      yield* until("the connection is counted out", () => Effect.runSync(server.connectionCount) === 1)
    })
  )

  it.live("tells the number of connections beyond which it answers 503", () =>
    Effect.gen(function* () {
      const { server } = yield* serveHttp(answer("here"), { maxConnections: 7 })
      assert.strictEqual(server.effectiveMaxConnections, 7)
    })
  )

  it.live("shuts down once, however often it is asked to", () =>
    Effect.gen(function* () {
      let shutdowns = 0
      const { close, port, server } = yield* serve(
        PagiApp.make({
          http: answer("here"),
          lifespan: Effect.fnUntraced(function* (_scope, receive, send) {
            yield* receive
            yield* send({ type: "lifespan.startup.complete" })
            yield* receive
            shutdowns++
            yield* send({ type: "lifespan.shutdown.complete" })
          })
        })
      )
      assert.isTrue(yield* server.isRunning)
      yield* Effect.all([server.shutdown, server.shutdown, server.shutdown], { concurrency: "unbounded" })
      assert.isFalse(yield* server.isRunning)
      assert.strictEqual(shutdowns, 1)
      assert.strictEqual(yield* Effect.flip(fetchText(port)), "ECONNREFUSED")
      yield* server.shutdown
      yield* close
      assert.strictEqual(shutdowns, 1)
    })
  )

  it.live("goes on shutting down when the one who asked for it gives up waiting", () =>
    Effect.gen(function* () {
      let finished = false
      const { close, port, server } = yield* serveHttp(
        Effect.fnUntraced(function* (scope, _receive, send) {
          yield* scope.shuttingDown
          yield* until("the shutdown is abandoned", () => abandoned)
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: "finished" })
          finished = true
        })
      )
      let abandoned = false
      const client = yield* open(port)
      client.get()
      yield* until("the request begins", () => server.connectionCount.pipe(Effect.runSync) === 1)
      const waiting = yield* Effect.forkChild(server.shutdown, { startImmediately: true })
      yield* until("the drain begins", () => !Effect.runSync(server.isRunning))
      yield* Fiber.interrupt(waiting)
      abandoned = true
      yield* close
      assert.isTrue(finished)
      assert.match(client.text, /finished$/)
    })
  )

  it.live("can be shut down from within a request, which it then waits for in vain and interrupts", () =>
    Effect.gen(function* () {
      const interrupted: Array<string> = []
      const servers: Array<PagiServer["Service"]> = []
      const { close, port, server } = yield* serveHttp(
        (scope) =>
          Effect.onInterrupt(
            scope.path === "/stop" ? Effect.forEach(servers, (server) => server.shutdown) : Effect.never,
            () => Effect.sync(() => interrupted.push(scope.path))
          ),
        { shutdownTimeout: "50 millis" }
      )
      servers.push(server)
      const other = yield* open(port)
      other.get("/other")
      yield* until("the other request begins", () => Effect.runSync(server.connectionCount) === 1)
      const client = yield* open(port)
      client.get("/stop")
      yield* client.closed
      yield* other.closed
      yield* close
      assert.deepStrictEqual(interrupted.toSorted(), ["/other", "/stop"])
    })
  )
})
