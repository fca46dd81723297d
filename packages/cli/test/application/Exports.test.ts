/** Every kind of export, in the process of the test; the system tests have each of them served by a command. */
import { assert, describe, it } from "@effect/vitest"
import { tcp } from "@pagi/core/options/Endpoint"
import * as PagiApp from "@pagi/core/PagiApp"
import * as TestClient from "@pagi/core/testing/TestClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as AppLoader from "../../src/application/AppLoader.ts"
import * as Exports from "../support/Exports.ts"
import { collecting } from "../support/Log.ts"

const endpoint = tcp("127.0.0.1", 8080)

const answers = ({ path, reference, text, words }: Exports.Served) =>
  Effect.gen(function* () {
    const asking = Effect.gen(function* () {
      const { application, context } = yield* PagiApp.PagiApp
      const client = yield* Effect.provideContext(TestClient.make(application), context)
      const { text: answered } = yield* client.request({ path: `/${path}` })
      assert.strictEqual(answered, text, reference)
    }).pipe(Effect.scoped, Effect.provide(AppLoader.layer(Exports.fixture(reference), endpoint)))
    const lines = yield* collecting(Effect.provideService(asking, References.MinimumLogLevel, "Debug"))
    const [found, ...others] = lines.filter((line) => line.startsWith(`debug: ${Exports.subjectOf(reference)} of `))
    assert.deepStrictEqual(others, [])
    assert.isTrue(found?.endsWith(` is ${words}`), found)
  })

const refuses = ({ line, reference }: Exports.Refused, limit?: Duration.Duration) =>
  Effect.gen(function* () {
    const loading = Layer.build(AppLoader.layer(Exports.fixture(reference), endpoint, limit))
    const error = yield* Effect.flip(Effect.scoped(loading))
    assert.strictEqual(error.message, `cannot load ${Exports.fixture(reference.replace(/:\w+$/, ""))}: ${line}`)
  })

describe("AppLoader", () => {
  for (const one of Exports.programs) it.live(`serves ${one.reference}: ${one.words}`, () => answers(one))

  for (const one of Exports.fetchHandlers) it.live(`serves ${one.reference}: ${one.words}`, () => answers(one))

  for (const one of Exports.unusable) it.live(`refuses ${one.reference}`, () => refuses(one))

  it.live("refuses what serves and never completes", () => refuses(Exports.launched(2), Duration.seconds(2)))
})
