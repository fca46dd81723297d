import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type { State } from "@pagi/core/Scope"
import type { SendError } from "@pagi/core/SendError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { join } from "node:path"
import { ListenError } from "../src/accept/ListenError.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { fetchText, open, openUnix } from "./support/Client.ts"
import { answer, serve } from "./support/Server.ts"
import { listenTcp } from "./support/Listen.ts"
import { until } from "./support/Until.ts"

/** A lifespan that is told in `events`; it answers startup when `startUp` has completed. */
const lifespan = (
  events: Array<string>,
  startUp: (state: State) => Effect.Effect<void> = () => Effect.void
): PagiApp.LifespanHandler<SendError> =>
  Effect.fnUntraced(function* (scope, receive, send) {
    events.push((yield* receive).type)
    yield* startUp(scope.state)
    yield* send({ type: "lifespan.startup.complete" })
    events.push((yield* receive).type)
    yield* send({ type: "lifespan.shutdown.complete" })
  })

const withLifespan = (events: Array<string>, startUp?: (state: State) => Effect.Effect<void>) =>
  PagiApp.make({
    http: (scope, receive, send) =>
      Effect.andThen(
        Effect.sync(() => events.push("request")),
        answer("here")(scope, receive, send)
      ),
    lifespan: lifespan(events, startUp)
  })

/** A place that no other test can take, as it may a port that was free a moment ago. */
const socketPath = Effect.map(temporaryFolder, (folder) => join(folder, "app.sock"))

const occupiedPort = Effect.map(
  listenTcp({
    host: "127.0.0.1",
    port: 0,
    backlog: 1,
    onAcceptError: () => {},
    onSocket: ({ socket }) => socket.destroy()
  }),
  ({ address }) => address[1] ?? 0
)

describe("the lifespan of an application in a server", () => {
  it.live("starts before any connection is accepted and stops after the last request", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const mayStart = yield* Deferred.make<void>()
      const socket = yield* socketPath
      const starting = yield* Effect.forkChild(
        serve(
          withLifespan(events, () => Deferred.await(mayStart)),
          { socket }
        )
      )
      yield* until("the application is told to start", () => events.length > 0)
      assert.strictEqual(yield* Effect.flip(openUnix(socket)), "ENOENT")
      yield* Deferred.succeed(mayStart, undefined)
      const { close } = yield* Fiber.join(starting)
      const client = yield* openUnix(socket)
      client.get("/", "Connection: close\r\n")
      yield* client.ended
      yield* close
      assert.deepStrictEqual(events, ["lifespan.startup", "request", "lifespan.shutdown"])
    })
  )

  it.live("stops only when the requests under way have ended", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const app = PagiApp.make({
        http: (scope, receive, send) =>
          Effect.gen(function* () {
            events.push("request begins")
            yield* scope.shuttingDown
            yield* answer("done")(scope, receive, send)
            events.push("request ends")
          }),
        lifespan: lifespan(events)
      })
      const { close, port } = yield* serve(app)
      const client = yield* open(port)
      client.get()
      yield* until("the request begins", () => events.includes("request begins"))
      yield* close
      assert.deepStrictEqual(events, ["lifespan.startup", "request begins", "request ends", "lifespan.shutdown"])
    })
  )

  it.live("leaves a state of which every request has a shallow copy", () =>
    Effect.gen(function* () {
      const shared = { requests: 0 }
      const app = PagiApp.make({
        http: (scope, receive, send) =>
          Effect.suspend(() => {
            const seen = JSON.stringify(scope.state)
            scope.state["own"] = scope.path
            shared.requests++
            return answer(seen)(scope, receive, send)
          }),
        lifespan: lifespan([], (state) =>
          Effect.sync(() => {
            state["shared"] = shared
          })
        )
      })
      const { port } = yield* serve(app)
      assert.match(yield* fetchText(port, "/a"), /\r\n\r\n{"shared":{"requests":0}}$/)
      assert.match(yield* fetchText(port, "/b"), /\r\n\r\n{"shared":{"requests":1}}$/)
    })
  )

  it.live("refuses the start with the application's message, and nothing listens", () =>
    Effect.gen(function* () {
      const socket = yield* socketPath
      const app = PagiApp.make({
        http: answer("here"),
        lifespan: (_scope, _receive, send) => send({ type: "lifespan.startup.failed", message: "no database" })
      })
      const error = yield* Effect.flip(serve(app, { socket }))
      assert.strictEqual(error._tag, "LifespanError")
      assert.strictEqual(error.message, "application startup failed: no database")
      assert.strictEqual(yield* Effect.flip(openUnix(socket)), "ENOENT")
    })
  )

  it.live("warns of options that one process cannot honour, by their names", () =>
    Effect.gen(function* () {
      const messages: Array<string> = []
      const logger = Logger.make(({ message }) => {
        messages.push(String(message))
      })
      const options = { workers: 2, maxRequests: 5, heartbeatTimeout: "50 seconds", bootTimeout: "1 second" } as const
      yield* Effect.provide(serve(PagiApp.make({ http: answer("here") }), options), Logger.layer([logger]))
      assert.deepStrictEqual(
        messages,
        ["workers", "maxRequests", "bootTimeout"].map(
          (name) => `option ${name} has no effect in one process; PagiSupervisor serves with workers`
        )
      )
    })
  )

  it.live("refuses the start of an application that has not answered in time", () =>
    Effect.gen(function* () {
      const app = PagiApp.make({ http: answer("here"), lifespan: () => Effect.never })
      const error = yield* Effect.flip(serve(app, { lifespanStartupTimeout: "20 millis" }))
      assert.strictEqual(error.message, "application startup failed: no answer within 20ms")
    })
  )

  it.live("is shut down, once, when the port is in use", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const port = yield* occupiedPort
      const error = yield* Effect.flip(Effect.scoped(serve(withLifespan(events), { port })))
      assert.instanceOf(error, ListenError)
      assert.strictEqual(error.message, `port ${port} on 127.0.0.1 is already in use`)
      assert.deepStrictEqual(events, ["lifespan.startup", "lifespan.shutdown"])
    })
  )

  it.live("is shut down, once, when the access log cannot be written", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const error = yield* Effect.flip(
        Effect.scoped(serve(withLifespan(events), { accessLog: `${import.meta.dirname}/missing/access.log` }))
      )
      assert.strictEqual(error._tag, "AccessLogError")
      assert.deepStrictEqual(events, ["lifespan.startup", "lifespan.shutdown"])
    })
  )
})
