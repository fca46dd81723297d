/**
 * What can be set about a server. One table says for each option what it is for, its default and what is allowed;
 * programs, command-line flags, environment variables and the documentation are all read off it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LogLevel } from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as Combinations from "./Combinations.ts"
import { type GroupName, groups, table } from "./OptionGroups.ts"
import { environmentName, flagName } from "./OptionNames.ts"
import { type Definition, fillIn, type InputOf, type Rows, type ValueOf } from "./OptionTable.ts"
import { accept, defaultText, fail, hidden, InvalidOption, parse } from "./OptionText.ts"
import type { Extensions } from "../contract/Scope.ts"
import * as TlsOptions from "./TlsOptions.ts"

export { accept, defaultText, environmentName, flagName, InvalidOption, parse }
export { type GroupName, groups, table }
export type { Definition }

type Table = typeof table
type OptionName = keyof Table
/** All options with their values. */
export type Values = { readonly [Name in OptionName]: ValueOf<Table[Name]> } & {
  /** Extensions that scopes advertise; by default `fullflush`, which the server has itself. */
  readonly extensions: Extensions
  readonly tls: TlsOptions.Values | undefined
}

/** What a program sets; the rest keeps its default. Durations are Effect's `Duration.Input`. */
export type Input = { readonly [Name in OptionName]?: InputOf<Table[Name]> } & {
  readonly extensions?: Extensions
  readonly tls?: TlsOptions.Input
}

/** The table's rows without their exact types. */
const rows = Object.entries(table) as unknown as Rows<OptionName>

type TlsOptionName = `tls.${(typeof TlsOptions.definitions)[number][0]}`

/** Every option, for code that treats all of them alike; those of the group `tls` have a dot in their names. */
export const definitions: Rows<OptionName | TlsOptionName> = [
  ...rows,
  ...TlsOptions.definitions.map(([name, definition]) => [`tls.${name}` as const, definition] as const)
]

/** The group that an option is in; those of `tls` are in the group of that name. */
export const groupOf = (name: OptionName | TlsOptionName): GroupName => {
  for (const [group, { rows }] of Object.entries(groups)) if (name in rows) return group as GroupName // A key of it.
  return "tls"
}

/** Options that only the workers of a server have a use for. */
export const workersOnly = [
  "reuseport",
  "maxRequests",
  "maxRequestsJitter",
  "maxWorkerMemory",
  "maxLoopDelay",
  "minWorkers",
  "maxWorkers",
  "heartbeatTimeout"
] as const satisfies ReadonlyArray<OptionName>

/** What one process cannot honour; of the last the command makes something else. */
const forWorkers = ["workers", ...workersOnly, "bootTimeout"] as const

/** What the command alone honours: the messages of a program go to the Logger that it provides. */
const forCommand = ["logFormat", "reload", "reloadInclude"] as const

/** Those of some options that are not as they are by default. */
const changedOf = (values: Values, names: ReadonlyArray<OptionName>): ReadonlyArray<OptionName> =>
  rows.flatMap(([name, { defaultValue, kind }]) =>
    names.includes(name) && kind.toText(values[name]) !== kind.toText(defaultValue) ? [name] : []
  )

/** What a server in a program cannot honour and that is not as it is by default, and who could. */
export const withoutEffect = (
  values: Values
): { readonly needsWorkers: ReadonlyArray<OptionName>; readonly needsCommand: ReadonlyArray<OptionName> } => ({
  needsWorkers: changedOf(values, forWorkers),
  needsCommand: changedOf(values, forCommand)
})

/** The same values for one process, with the defaults of what it cannot honour. */
export const forOneProcess = (values: Values): Values => ({
  ...values,
  ...Object.fromEntries([...forWorkers, ...forCommand].map((name) => [name, table[name].defaultValue]))
})

const shownText = ({ defaultValue, kind }: Definition<unknown, unknown>, value: unknown): string | undefined => {
  if (value === undefined) return undefined
  const text = kind.toText(value)
  if (text === kind.toText(defaultValue)) return undefined
  return kind.isSecret === true ? hidden : text
}

/** The options that are not as they are by default, by their names, as the command line has them; without secrets. */
export const differing = (values: Values): Readonly<Record<string, string>> => {
  const shown: Record<string, string> = {}
  for (const [name, definition] of definitions) {
    const [group, option] = name.split(".")
    const given: Readonly<Record<string, unknown>> = option === undefined ? values : { ...values.tls }
    const text = shownText(definition, given[option ?? group ?? ""])
    if (text !== undefined) shown[name] = text
  }
  return shown
}

/** Fills in the defaults and checks every value. */
export const make = (input: Input = {}): Effect.Effect<Values, InvalidOption> =>
  Effect.gen(function* () {
    const { extensions = { fullflush: {} }, tls: givenTls, ...given } = input
    if (!Predicate.isObject(extensions))
      return yield* fail("extensions", extensions, "an object with a property for each extension")
    const tls = TlsOptions.accept(givenTls)
    if (tls !== undefined && "option" in tls) return yield* fail(tls.option, tls.value, tls.expected)
    const values: Record<string, unknown> = { extensions, tls }
    const problem = fillIn(rows, given, values)
    if (problem !== undefined) return yield* fail(problem.option, problem.value, problem.expected, problem.isSecret)
    // Every name of the table has an accepted value by now.
    const complete = values as Values
    const combination = Combinations.problemOf(complete, (name) => input[name] !== undefined)
    if (combination !== undefined) {
      const { expected, option } = combination
      return yield* fail(option, input[option] ?? complete[option], expected, table[option].kind.isSecret)
    }
    const derived: { accessLog?: string; accessLogFormat?: string; maxWsFrameSize?: number } = {}
    // Who wants to read lines by a program wants to read all of them so.
    if (input.accessLogFormat === undefined) {
      if (complete.logFormat === "json") derived.accessLogFormat = "json"
      if (complete.logFormat === "logfmt") derived.accessLog = "log"
    }
    if (complete.quiet) derived.accessLog = "off"
    if (input.accessLog !== undefined) derived.accessLog = input.accessLog
    if (input.maxWsFrameSize === undefined) derived.maxWsFrameSize = complete.maxWsMessageSize
    return { ...complete, ...derived }
  })

const logLevels: Readonly<Record<Values["logLevel"], LogLevel>> = {
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error"
}

/** The least severe message that is logged, with what `quiet` means for it. */
export const minimumLogLevel = ({ logLevel, quiet }: Pick<Values, "logLevel" | "quiet">): LogLevel =>
  quiet && logLevel !== "error" ? "Warn" : logLevels[logLevel]

/** Whether the number of workers depends on how busy they are. */
export const isScaled = ({ maxWorkers, minWorkers }: Pick<Values, "maxWorkers" | "minWorkers">): boolean =>
  minWorkers > 0 || maxWorkers !== 0

/** The options of a server. */
export class ServerOptions extends Context.Service<ServerOptions, Values>()("@pagi/core/ServerOptions") {}

/** Provides options to a server; fails at once on a value that is not allowed. */
export const layer = (input: Input = {}): Layer.Layer<ServerOptions, InvalidOption> =>
  Layer.effect(ServerOptions, make(input))
