/** What `pagi-server check` does: all that a start does before it listens, and a list of what every option is. */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import * as PagiApp from "@pagi/core/contract/PagiApp"
import * as AccessLogFile from "@pagi/node/accessLog/AccessLogFile"
import * as Wrapping from "@pagi/node/around/Wrapping"
import * as TlsFiles from "@pagi/node/tls/TlsFiles"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { InspectionWish } from "../plan/CommandCheck.ts"
import * as FileEnvironment from "../plan/FileEnvironment.ts"
import type { ServerPlan } from "../plan/ServerPlan.ts"
import * as ServerValues from "../plan/ServerValues.ts"
import * as PidFile from "../service/PidFile.ts"
import * as ServedApplication from "./ServedApplication.ts"

/** An option as it is shown. */
export interface ShownOption {
  readonly name: string
  /** As on the command line; nothing for an option that has no value. */
  readonly value: string | null
  /** The flag, variable or file, or `default`. */
  readonly source: string
}

const valueOf = (options: ServerOptions.Values, name: string): unknown => {
  const [group = "", option] = name.split(".")
  const all: Readonly<Record<string, unknown>> = option === undefined ? { ...options } : { ...options.tls }
  return all[option ?? group]
}

/** Every option with its value and where that is from; of secrets only that they are there. */
export const shown = (
  used: ReadonlyMap<string, ServerValues.Given>,
  options: ServerOptions.Values
): ReadonlyArray<ShownOption> =>
  ServerOptions.definitions.flatMap(([name, { kind }]) => {
    if (name.startsWith("tls.") && options.tls === undefined) return []
    const value = valueOf(options, name)
    const text = value === undefined ? "" : kind.toText(value)
    const source = used.get(name)?.source ?? "default"
    return [{ name, value: text === "" ? null : kind.isSecret === true ? "(not shown)" : text, source }]
  })

const table = (rows: ReadonlyArray<ShownOption>): string => {
  const texts = rows.map(({ name, source, value }) => [name, value ?? "none", source] as const)
  const widthOf = (column: 0 | 1): number => Math.min(40, Math.max(...texts.map((row) => row[column].length)))
  const [first, second] = [widthOf(0), widthOf(1)]
  return texts.map(([name, value, source]) => `${name.padEnd(first)}  ${value.padEnd(second)}  ${source}`).join("\n")
}

/** Stands for the application where only what is put around it is looked at. */
const nothing: PagiApp.PagiApp["Service"] = { application: PagiApp.make({}), context: Context.empty() }

/**
 * Prints the options, reads certificates, looks for folders and loads the application if that is wanted; fails as a start
 * would.
 */
export const inspect = Effect.fnUntraced(function* (
  plan: ServerPlan,
  options: ServerOptions.Values,
  { isJson, loadsApplication }: InspectionWish
) {
  const { served } = plan
  const rows = shown(yield* ServerValues.used(served.texts), options)
  if (isJson) {
    const values = Object.fromEntries(rows.map(({ name, ...row }) => [name, row]))
    yield* Console.log(JSON.stringify({ app: served.app, process: plan.process, options: values }))
  } else {
    yield* Console.log(`application: ${served.app ?? "the files of the current directory"}\n${table(rows)}`)
  }
  if (options.tls !== undefined && !options.disableTls) yield* TlsFiles.read(options.tls)
  if (plan.process.pid !== null) yield* PidFile.checkFolder(plan.process.pid)
  yield* AccessLogFile.check(options.accessLog)
  yield* Wrapping.wrap(nothing, options)
  if (options.otlp !== "off") {
    const OtlpSettings = yield* Effect.promise(() => import("../otlp/OtlpSettings.ts"))
    yield* OtlpSettings.read(options.otlp, FileEnvironment.withFiles(served))
  }
  if (!loadsApplication) return
  FileEnvironment.apply(served.environment)
  yield* Effect.scoped(
    Layer.build(
      Layer.provide(
        ServedApplication.layer(served, options.bootTimeout),
        Layer.succeed(ServerOptions.ServerOptions, ServerOptions.forOneProcess(options))
      )
    )
  )
})
