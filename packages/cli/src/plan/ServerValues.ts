/**
 * The values of the server's options, from the texts that somebody has given for them. Knows nothing of the library that
 * reads command lines, so that a supervisor and its workers can do without.
 */
import * as Endpoint from "@pagi/core/options/Endpoint"
import * as OptionTexts from "@pagi/core/options/OptionTexts"
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Flags that exclude each other, or that this process may not use. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { message: Schema.String }) {}

/** What somebody gave for an option. */
export const Given = Schema.Struct({
  /** The flag or environment variable, as messages name it. */
  source: Schema.String,
  /** Several for a flag that was given several times. */
  text: Schema.Union([Schema.String, Schema.Array(Schema.String)]),
  /** In place of a text, what a configuration file has: numbers, lists and the like, as programs give them. */
  value: Schema.optionalKey(Schema.Unknown),
  /** Where it is from, if it is neither a flag nor a variable that the process was started with. */
  origin: Schema.optionalKey(Schema.Literals(["envFile", "secrets", "file", "detected"]))
})

export type Given = typeof Given.Type

/** Everything that somebody gave, by the names of the options. */
export const Texts = Schema.Struct({ options: Schema.Record(Schema.String, Given), noAccessLog: Schema.Boolean })

export type Texts = typeof Texts.Type

const isFlag = (given: Given | undefined): boolean =>
  given !== undefined && given.origin === undefined && given.source.startsWith("--")

/** Whether somebody has said anything: an empty variable is how an environment says that it has none. */
export const isGiven = (given: Given | undefined): given is Given =>
  given !== undefined && (isFlag(given) || given.origin === "file" || given.text !== "")

/** What wins over what: the lower number. */
const ranks = { envFile: 2, secrets: 3, file: 4, detected: 5 } as const

const rankOf = (given: Given | undefined): number => {
  if (given === undefined) return Number.POSITIVE_INFINITY
  return given.origin === undefined ? (isFlag(given) ? 0 : 1) : ranks[given.origin]
}

/**
 * What was given. Of the ways to say where to listen there may be one; a flag for one of them wins over the variables
 * for the others, and these over what files say.
 */
const givenOptions = Effect.fnUntraced(function* (options: Texts["options"]) {
  const all = new Map(
    Object.entries(options)
      .filter(([, given]) => isGiven(given))
      .toSorted(([, one], [, other]) => rankOf(one) - rankOf(other))
  )
  for (const [name, given] of all) {
    const isStronger = (other: string): boolean => rankOf(all.get(other)) < rankOf(given)
    const isOverruled = Endpoint.exclusion((other) => other === name || isStronger(other))?.some((one) => one === name)
    if (isOverruled === true && rankOf(given) > 0) all.delete(name)
  }
  const excluded = Endpoint.exclusion((name) => all.has(name))
  if (excluded === undefined) return all
  const [one, other] = excluded.map((name) => all.get(name)?.source ?? name)
  return yield* new UsageError({ message: `${one} and ${other} exclude each other` })
})

/** What of all that was given is used, by the names of the options. */
export const used = Effect.fnUntraced(function* (input: Texts) {
  const given = yield* givenOptions(input.options)
  if (input.noAccessLog) {
    if (isFlag(given.get("accessLog"))) {
      return yield* new UsageError({ message: "--access-log and --no-access-log exclude each other" })
    }
    given.set("accessLog", { source: "--no-access-log", text: "off" })
  }
  const all: ReadonlyMap<string, Given> = given
  return all
})

/** Checks all values. */
export const resolve = Effect.fnUntraced(function* (input: Texts) {
  const given = yield* used(input)
  return yield* OptionTexts.resolve(
    given,
    (option) => given.get(option)?.source ?? `--${ServerOptions.flagName(option)}`
  )
})
