import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type { LifespanScope } from "@pagi/core/Scope"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { connect } from "node:net"
import { InheritedSockets, none, passOn } from "../../src/listen/InheritedSockets.ts"
import { AcceptShare } from "../../src/connection/AcceptShare.ts"
import * as BoundSockets from "../../src/supervisor/BoundSockets.ts"
import { WorkerIdentity } from "../../src/process/WorkerIdentity.ts"
import { fetchText, open } from "../support/Client.ts"
import { answer, serve } from "../support/Server.ts"
import { until } from "../support/Until.ts"

/** An application that keeps the scope of its lifespan. */
const makeApplication = () => {
  const scopes: Array<LifespanScope> = []
  const application = PagiApp.make({
    http: answer("here"),
    lifespan: Effect.fnUntraced(function* (scope, receive, send) {
      scopes.push(scope)
      yield* receive
      yield* send({ type: "lifespan.startup.complete" })
      yield* receive
      yield* send({ type: "lifespan.shutdown.complete" })
    })
  })
  return { application, scopes }
}

const serveAs = (identity: WorkerIdentity | undefined, options: ServerOptions.Input = {}) =>
  Effect.gen(function* () {
    const { application, scopes } = makeApplication()
    const messages: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      messages.push(`${logLevel} ${String(message)}`)
    })
    const { port, server } = yield* serve(application, { logLevel: "debug", ...options }).pipe(
      Effect.provideService(WorkerIdentity, identity),
      Effect.provide(Logger.layer([logger]))
    )
    return { messages, port, scopes, server }
  })

describe("a server that is a worker", () => {
  it.live("tells its application so, and leaves it to others to say where it listens", () =>
    Effect.gen(function* () {
      const { messages, port, scopes } = yield* serveAs({ num: 3 })
      assert.deepInclude(scopes[0]?.pagi, { isWorker: true, workerNum: 3 })
      assert.include(messages, `Debug listening on http://127.0.0.1:${port}/`)
    })
  )

  it.live("is none by default", () =>
    Effect.gen(function* () {
      const { messages, port, scopes } = yield* serveAs(undefined)
      assert.isFalse(scopes[0]?.pagi.isWorker)
      assert.notProperty(scopes[0]?.pagi, "workerNum")
      assert.include(messages, `Info listening on http://127.0.0.1:${port}/`)
    })
  )

  it.live("counts requests, and not the lifespan", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveAs(undefined)
      assert.strictEqual(yield* server.requestCount, 0)
      for (let count = 1; count <= 3; count++) {
        yield* fetchText(port)
        assert.strictEqual(yield* server.requestCount, count)
      }
    })
  )

  it.live("opens the same port as others with reuseport, which servers that are no workers do not", () =>
    Effect.gen(function* () {
      const { port } = yield* serveAs(undefined)
      const error = yield* Effect.flip(serveAs({ num: 1 }, { port, reuseport: true, workers: 2 }))
      assert.match(error.message, /is already in use$/)
      const first = yield* serveAs({ num: 1 }, { reuseport: true })
      const second = yield* serveAs({ num: 2 }, { port: first.port, reuseport: true, workers: 2 })
      assert.strictEqual(second.port, first.port)
      yield* fetchText(first.port)
      assert.strictEqual((yield* first.server.requestCount) + (yield* second.server.requestCount), 1)
    })
  )

  it.live("lets others go first on sockets that it shares with them, with more connections than its share", () =>
    Effect.gen(function* () {
      const options = yield* ServerOptions.make({ port: 0 })
      const bound = yield* BoundSockets.bind(options, none)
      let slept = 0
      const share = new AcceptShare(() => {
        slept++
      })
      const { server } = yield* serveAs({ num: 1, share }).pipe(
        Effect.provideService(InheritedSockets, passOn(yield* bound.surrender))
      )
      const port = bound.sockets[0].address[1] ?? 0
      assert.strictEqual(server.port, port)
      for (let count = 1; count <= 6; count++) {
        yield* Effect.acquireRelease(
          Effect.sync(() => connect({ port, host: "127.0.0.1" })),
          (socket) => Effect.sync(() => socket.destroy())
        )
        yield* until("it has accepted", () => Effect.runSync(server.connectionCount) === count)
        assert.strictEqual(slept, Math.max(0, count - 4))
      }
      share.average = 100
      yield* open(port)
      assert.strictEqual(slept, 2)
    })
  )

  it.live("does not wait on sockets of its own", () =>
    Effect.gen(function* () {
      let slept = 0
      const share = new AcceptShare(() => {
        slept++
      })
      const { port, server } = yield* serveAs({ num: 1, share })
      for (let count = 0; count < 6; count++) yield* open(port)
      yield* until("it has accepted all", () => Effect.runSync(server.connectionCount) === 6)
      assert.strictEqual(slept, 0)
    })
  )
})
