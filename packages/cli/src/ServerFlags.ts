/** The flags of the server, read off the table of its options. */
import * as Endpoint from "@pagi/core/Endpoint"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Flags that exclude each other. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { message: Schema.String }) {}

/** What somebody gave for an option. */
export interface Given {
  /** The flag or environment variable, as messages name it. */
  readonly source: string
  /** Several for a flag that was given several times. */
  readonly text: string | ReadonlyArray<string>
}

type Definition = ServerOptions.Definition<unknown, unknown>

const describe = (name: string, definition: Definition): string => {
  const repeat = definition.kind.fromTexts === undefined ? "" : "; may be repeated"
  const standard = ServerOptions.defaultText(definition)
  const notes = `${standard === undefined ? "" : `default ${standard}; `}${ServerOptions.environmentName(name)}`
  return `${definition.description}${repeat} (${notes})`
}

const textFlag = (name: string, { alias, kind }: Definition): Flag.Flag<string | ReadonlyArray<string>> => {
  const flag = withAlias(Flag.String(name).pipe(Flag.withMetavar(kind.placeholder)), alias)
  return kind.fromTexts === undefined ? flag : Flag.atLeast(flag, 1)
}

const withAlias = <A>(flag: Flag.Flag<A>, alias: string | undefined): Flag.Flag<A> =>
  alias === undefined ? flag : Flag.withAlias(flag, alias)

const define = (name: string, definition: Definition): Flag.Flag<Option.Option<Given>> => {
  const flagName = ServerOptions.flagName(name)
  const variable = ServerOptions.environmentName(name)
  const flag =
    typeof definition.defaultValue === "boolean"
      ? withAlias(Flag.map(Flag.Boolean(flagName), String), definition.alias)
      : textFlag(flagName, definition)
  return flag.pipe(
    Flag.withDescription(describe(name, definition)),
    Flag.map((text): Given => ({ source: `--${flagName}`, text })),
    Flag.withFallbackConfig(Config.map(Config.String(variable), (text): Given => ({ source: variable, text }))),
    Flag.optional
  )
}

/** One flag for each option, by the option's name; an environment variable stands in for a flag that is not given. */
export const options: Readonly<Record<string, Flag.Flag<Option.Option<Given>>>> = Object.fromEntries(
  ServerOptions.definitions.map(([name, definition]) => [name, define(name, definition)])
)

/** The short way to write `--access-log off`. */
export const noAccessLog: Flag.Flag<boolean> = Flag.Boolean("no-access-log").pipe(
  Flag.withoutNegation,
  Flag.withDescription("Logs no finished requests"),
  Flag.withDefault(false)
)

/** What the flags and the environment came to. */
export interface Input {
  readonly options: Readonly<Record<string, Option.Option<Given>>>
  readonly noAccessLog: boolean
}

const isFlag = (given: Given | undefined): boolean => given?.source.startsWith("--") === true

/** An empty variable is how an environment says that it has none. */
const isGiven = (given: Given): boolean => isFlag(given) || given.text !== ""

/**
 * What was given. Of the ways to say where to listen there may be one; a flag for one of them wins over the variables
 * for the others.
 */
const givenOptions = Effect.fnUntraced(function* (options: Input["options"]) {
  const all = new Map<string, Given>()
  for (const [name, option] of Object.entries(options)) {
    if (Option.isSome(option) && isGiven(option.value)) all.set(name, option.value)
  }
  for (const [name, given] of all) {
    const isOverruled = Endpoint.exclusion((other) => other === name || isFlag(all.get(other)))?.some(
      (one) => one === name
    )
    if (isOverruled && !isFlag(given)) all.delete(name)
  }
  const excluded = Endpoint.exclusion((name) => all.has(name))
  if (excluded === undefined) return all
  const [one, other] = excluded.map((name) => all.get(name)?.source ?? name)
  return yield* new UsageError({ message: `${one} and ${other} exclude each other` })
})

/** Checks all values. */
export const resolve = Effect.fnUntraced(function* (input: Input) {
  const values: Record<string, unknown> = {}
  const all = yield* givenOptions(input.options)
  for (const [name, definition] of ServerOptions.definitions) {
    const given = all.get(name)
    if (given === undefined) continue
    if (name === "accessLog" && input.noAccessLog && isFlag(given)) {
      return yield* new UsageError({ message: "--access-log and --no-access-log exclude each other" })
    }
    assign(values, name, yield* ServerOptions.parse(given.source, definition, given.text))
  }
  if (input.noAccessLog) values["accessLog"] = "off"
  // Each value has been accepted by the definition of the option whose name it has.
  return yield* ServerOptions.make(values as ServerOptions.Input).pipe(Effect.mapError(withFlagName))
})

/** Puts the value of `group.option` into the object `group`. */
const assign = (values: Record<string, unknown>, name: string, value: unknown): void => {
  const [group = "", option] = name.split(".")
  values[group] = option === undefined ? value : { ...(values[group] as object | undefined), [option]: value } // Made here.
}

/** A value may be fine by itself but not together with another; the message names the flag as the others do. */
const withFlagName = ({ expected, option, value }: ServerOptions.InvalidOption): ServerOptions.InvalidOption =>
  new ServerOptions.InvalidOption({ option: `--${ServerOptions.flagName(option)}`, value, expected })
