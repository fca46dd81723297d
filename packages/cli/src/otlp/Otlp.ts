/** Whether a process exports what it does, and how its program is run then; loads what that takes only if it does. */
import type { InvalidOption, Values } from "@pagi/core/options/ServerOptions"
import { IsExported } from "@pagi/node/process/OtlpOption"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { CurrentLoggers } from "effect/Logger"
import * as MainProgram from "../program/MainProgram.ts"
import type { Instance } from "./OtlpExport.ts"

/**
 * Runs the program of a process such that what it does is exported, if its options say so; that ends after the program,
 * when everything has been sent. OpenTelemetry's variables are those of `environment`. Fails with `InvalidOption` for a variable of OpenTelemetry's that is not allowed.
 */
export const exporting =
  (
    { otlp }: Pick<Values, "otlp">,
    instance: Instance = {},
    environment: Readonly<Record<string, string | undefined>> = process.env
  ) =>
  <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E | InvalidOption, R> => {
    if (otlp === "off") return program
    const exported = Effect.gen(function* () {
      const OtlpSettings = yield* Effect.promise(() => import("./OtlpSettings.ts"))
      const settings = yield* OtlpSettings.read(otlp, environment)
      if (settings === undefined) {
        yield* Effect.logInfo("nothing is exported: variables of OpenTelemetry's (OTEL_…) turn that off")
        return yield* program
      }
      for (const name of settings.ignored) yield* Effect.logWarning(`the variable ${name} has no effect (docs/otlp.md)`)
      const OtlpExport = yield* Effect.promise(() => import("./OtlpExport.ts"))
      const others = yield* CurrentLoggers
      return yield* program.pipe(
        Effect.tapCause((cause) => report(cause, others)),
        Effect.provide(OtlpExport.layer(settings, instance))
      )
    })
    return Effect.provideService(exported, IsExported, true)
  }

/** Writes why the program has failed to what is exported; the log has it from whoever runs the program. */
const report = (cause: Cause.Cause<unknown>, others: ReadonlySet<unknown>): Effect.Effect<void> =>
  Effect.flatMap(CurrentLoggers, (all) =>
    Effect.provideService(
      MainProgram.report(cause),
      CurrentLoggers,
      new Set([...all].filter((logger) => !others.has(logger)))
    )
  )
