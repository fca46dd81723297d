import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CurrentLoggers } from "effect/Logger"
import { MetricRegistry } from "effect/Metric"
import { MinimumLogLevel } from "effect/References"
import * as Tracer from "effect/Tracer"
import { join } from "node:path"
import * as ServedApplication from "../../src/run/ServedApplication.ts"

class Command extends Context.Service<Command, string>()("test/Command") {}

const fixture = join(import.meta.dirname, "../fixtures/services.ts")

describe("ApplicationServices", () => {
  it.effect("are also where spans and metrics go, when they go somewhere", () =>
    Effect.gen(function* () {
      const registry = new Map()
      const around = Layer.mergeAll(
        Layer.succeed(Tracer.Tracer, Tracer.nativeTracer),
        Layer.succeed(MetricRegistry, registry),
        ServerOptions.layer()
      )
      const built = yield* Effect.provide(Layer.build(ServedApplication.layer({ app: `${fixture}:default` })), around)
      const { context } = Context.get(built, PagiApp.PagiApp)
      assert.isTrue(context.mapUnsafe.has(Tracer.Tracer.key))
      assert.strictEqual(Context.get(context, MetricRegistry), registry)
    })
  )

  it.effect("are the log, its level and the clock, whatever the command has", () =>
    Effect.gen(function* () {
      const loggers = new Set([])
      const clock = yield* Clock.Clock
      const around = Layer.mergeAll(
        Layer.succeed(Command, "a service of the command's own"),
        Layer.succeed(CurrentLoggers, loggers),
        Layer.succeed(MinimumLogLevel, "Warn"),
        ServerOptions.layer({ port: 8080 })
      )
      // What Effects and Layers find besides.
      const server = [
        "effect/FileSystem",
        "effect/Path",
        "effect/Terminal",
        "effect/http/Etag/Generator",
        "effect/http/HttpPlatform",
        "effect/http/HttpServer",
        "effect/process/ChildProcessSpawner",
        "~effect/Stdio"
      ]
      const ownKeys: Readonly<Record<string, ReadonlyArray<string>>> = {
        default: [],
        effect: server,
        layer: [...server, "test/Own"].toSorted()
      }
      for (const [exported, own] of Object.entries(ownKeys)) {
        const built = yield* Effect.provide(
          Layer.build(ServedApplication.layer({ app: `${fixture}:${exported}` })),
          around
        )
        const { context } = Context.get(built, PagiApp.PagiApp)
        assert.strictEqual(Context.get(context, CurrentLoggers), loggers)
        assert.strictEqual(Context.get(context, MinimumLogLevel), "Warn")
        assert.strictEqual(Context.get(context, Clock.Clock), clock)
        const others = new Set(context.mapUnsafe.keys())
        for (const { key } of [CurrentLoggers, MinimumLogLevel, Clock.Clock]) others.delete(key)
        // What Effect itself keeps while it builds layers.
        others.delete("effect/Layer/CurrentMemoMap")
        assert.deepStrictEqual([...others].toSorted(), own)
      }
    })
  )
})
