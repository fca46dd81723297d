import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { IsExported, warnIfIgnored } from "../../src/process/OtlpOption.ts"

const warningsOf = (otlp: string, isExported: boolean) =>
  Effect.gen(function* () {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
    yield* warnIfIgnored({ otlp }).pipe(
      Effect.provideService(IsExported, isExported),
      Effect.provide(Logger.layer([logger]))
    )
    return lines
  })

describe("OtlpOption", () => {
  it.effect("is warned of where nobody carries it out", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* warningsOf("off", false), [])
      assert.deepStrictEqual(yield* warningsOf("http://localhost:4318/", true), [])
      assert.deepStrictEqual(yield* warningsOf("on", false), [
        "Warn option otlp has no effect in a program; provide Effect's layer for OTLP (docs/otlp.md)"
      ])
    })
  )
})
