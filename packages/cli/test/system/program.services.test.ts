import { assert, describe, it } from "@effect/vitest"
import { poolKey } from "@pagi/core/contract/PoolKey"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as PagiApp from "@pagi/core/PagiApp"
import { PagiServer, PagiServerLive } from "@pagi/node/PagiServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EffectScope from "effect/Scope"
import { join } from "node:path"
import app from "../fixtures/services.ts"
import * as Program from "../support/Program.ts"

const fixture = join(import.meta.dirname, "../fixtures/services.ts")

interface Keys {
  readonly http: ReadonlyArray<string>
  readonly lifespan: ReadonlyArray<string>
}

const keysAt = (url: string): Effect.Effect<Keys> =>
  // The fixture answers this.
  Effect.promise(() => fetch(url, { headers: { connection: "close" } }).then((response) => response.json())) as never

const served = (flags: ReadonlyArray<string>, name: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const program = yield* Program.start(["--port", "0", "--no-access-log", ...flags, `${fixture}:${name}`])
      const keys = yield* keysAt(yield* Program.address(program))
      yield* program.signal("SIGTERM")
      assert.strictEqual((yield* program.result).code, 0)
      return keys
    })
  )

/** A program around the server that has nothing of its own. */
const embedded = Effect.scoped(
  Effect.gen(function* () {
    const options = ServerOptions.layer({ port: 0, accessLog: "off", logLevel: "warn" })
    const server = Layer.provide(PagiServerLive, Layer.merge(PagiApp.layer(app), options))
    const built = yield* Effect.updateContext(
      Layer.build(server),
      (context: Context.Context<EffectScope.Scope>): Context.Context<EffectScope.Scope> =>
        Context.pick(EffectScope.Scope)(context)
    )
    return yield* keysAt(`http://127.0.0.1:${Context.get(built, PagiServer).port}/`)
  })
)

/** What Effect keeps while it builds layers. */
const isOfEffect = (key: string): boolean => key === "effect/Layer/CurrentMemoMap"

describe("the services of an application", () => {
  it.live(
    "are the same without workers and with them, but for the pool, and those of an embedded server with nothing around it and the log",
    () =>
      Effect.gen(function* () {
        const singles = yield* Effect.forEach(["default", "layer"], (name) => served([], name))
        const workers = yield* Effect.forEach(["default", "layer"], (name) => served(["--workers", "1"], name))
        // By that topics and clusters find the other workers.
        for (const { http, lifespan } of workers) for (const keys of [http, lifespan]) assert.include(keys, poolKey)
        const withoutPool = ({ http, lifespan }: Keys): Keys => ({
          http: http.filter((key) => key !== poolKey),
          lifespan: lifespan.filter((key) => key !== poolKey)
        })
        assert.deepStrictEqual(workers.map(withoutPool), singles)
        const [single = assert.fail("there is none")] = singles
        assert.deepStrictEqual(single.lifespan, single.http)
        const { http } = yield* embedded
        const log = ["effect/Logger/CurrentLoggers", "effect/References/MinimumLogLevel"]
        assert.sameMembers([...single.http], [...new Set([...http, ...log])])
        assert.sameMembers(
          http.filter((key) => !isOfEffect(key)),
          ["effect/Scope"]
        )
      }),
    90_000
  )
})
