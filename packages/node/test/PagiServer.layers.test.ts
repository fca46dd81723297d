import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { stopwatch } from "../../../test/support/Stopwatch.ts"
import * as PagiServer from "../src/PagiServer.ts"
import { fetchText, open } from "./support/Client.ts"
import { answer } from "./support/Server.ts"

const app = PagiApp.layer(PagiApp.make({ http: answer("here") }))

describe("PagiServer.layer", () => {
  it("is also PagiServerLive", () => {
    assert.strictEqual(PagiServer.PagiServerLive, PagiServer.layer)
  })
})

describe("PagiServer.layerConfig", () => {
  const inEnvironment = (env: Record<string, string>) =>
    PagiServer.layerConfig.pipe(
      Layer.provide(app),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
    )

  it.live("serves with the options of the environment", () =>
    Effect.gen(function* () {
      const { effectiveMaxConnections, port } = yield* PagiServer.PagiServer
      assert.strictEqual(effectiveMaxConnections, 7)
      assert.match(yield* fetchText(port), /here$/)
    }).pipe(
      Effect.provide(
        inEnvironment({
          PAGI_PORT: "0",
          PAGI_MAX_CONNECTIONS: "7",
          PAGI_ACCESS_LOG: "off",
          PAGI_LOG_LEVEL: "warn"
        })
      )
    )
  )

  it.live("fails with the name of a variable whose value is not allowed", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(inEnvironment({ PAGI_PORT: "http" }))))
      assert.strictEqual(error._tag, "InvalidOption")
      assert.strictEqual(
        error.message,
        'option PAGI_PORT: "http" is not allowed; expected a whole number from 0 to 65535'
      )
    })
  )
})

describe("PagiServer.layerTest", () => {
  const clocked = PagiApp.layer(
    PagiApp.make({
      http: Effect.fnUntraced(function* (scope, _receive, send) {
        yield* send({ type: "http.response.start", status: 200 })
        yield* send({ type: "http.response.body", body: `${scope.path} at ${yield* Clock.currentTimeMillis}` })
      })
    })
  )

  // All of this is under TestClock, which nobody moves.
  it.effect("has a client that needs paths only, and the application has the clock of the test", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.get("/Ada")
      assert.strictEqual(yield* response.text, "/Ada at 0")
      const [year] = /\d{4}/.exec(response.headers["date"] ?? "") ?? []
      assert.isAbove(Number(year), 2000)
    }).pipe(Effect.provide(PagiServer.layerTest().pipe(Layer.provide(clocked))))
  )

  it.effect("has its time limits by the live clock", () =>
    Effect.gen(function* () {
      const { port } = yield* PagiServer.PagiServer
      const client = yield* open(port)
      yield* client.ended
    }).pipe(Effect.provide(PagiServer.layerTest({ headersTimeout: "100 millis" }).pipe(Layer.provide(clocked))))
  )

  it.effect("takes options, and refuses those that are not allowed", () =>
    Effect.gen(function* () {
      const { status } = yield* HttpClient.post("/", { body: HttpBody.text("much") })
      assert.strictEqual(status, 413)
      const error = yield* Effect.flip(
        Effect.scoped(Layer.build(Layer.provide(PagiServer.layerTest({ maxConnections: 0 }), clocked)))
      )
      assert.strictEqual(error._tag, "InvalidOption")
    }).pipe(Effect.provide(PagiServer.layerTest({ maxBodySize: 3 }).pipe(Layer.provide(clocked))))
  )

  it.live("does not wait for idle connections of its client when it ends", () =>
    Effect.gen(function* () {
      const answered = Effect.provide(Effect.map(HttpClient.get("/"), stopwatch), Layer.fresh(PagiServer.layerTest()))
      const elapsed = yield* Effect.provide(answered, clocked)
      // As long as those of other servers have for a request that is under way.
      assert.isBelow(elapsed(), 300)
    })
  )

  it.effect("is another server each time", () => {
    const port = Effect.map(PagiServer.PagiServer, ({ port }) => port)
    const portOf = (layer: ReturnType<typeof PagiServer.layerTest>) =>
      Effect.provide(port, Layer.provide(layer, clocked))
    return Effect.gen(function* () {
      const [one, other] = yield* Effect.all(
        [portOf(PagiServer.layerTest()), portOf(PagiServer.layerTest({ quiet: true }))],
        { concurrency: 2 }
      )
      assert.notStrictEqual(one, other)
    })
  })
})
