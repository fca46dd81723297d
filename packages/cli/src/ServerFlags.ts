/** The flags of the server, read off the table of its options. */
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
  readonly text: string
}

type Definition = ServerOptions.Definition<unknown, unknown>

const describe = (name: string, { defaultValue, description, kind }: Definition): string =>
  `${description} (default ${kind.toText(defaultValue)}; ${ServerOptions.environmentName(name)})`

const textFlag = (name: string, definition: Definition): Flag.Flag<string> =>
  Flag.String(name).pipe(Flag.withMetavar(definition.kind.placeholder))

const define = (name: string, definition: Definition): Flag.Flag<Option.Option<Given>> => {
  const flagName = ServerOptions.flagName(name)
  const variable = ServerOptions.environmentName(name)
  const flag =
    typeof definition.defaultValue === "boolean"
      ? Flag.map(Flag.Boolean(flagName), String)
      : textFlag(flagName, definition)
  return (definition.alias === undefined ? flag : Flag.withAlias(flag, definition.alias)).pipe(
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

/** An empty variable is how an environment says that it has none. */
const isGiven = (given: Given): boolean => given.source.startsWith("--") || given.text !== ""

/** Checks all values. */
export const resolve = Effect.fnUntraced(function* (input: Input) {
  const values: Record<string, unknown> = {}
  for (const [name, definition] of ServerOptions.definitions) {
    const given = Option.getOrUndefined(Option.filter(input.options[name] ?? Option.none(), isGiven))
    if (given === undefined) continue
    if (name === "accessLog" && input.noAccessLog && given.source.startsWith("--")) {
      return yield* new UsageError({ message: "--access-log and --no-access-log exclude each other" })
    }
    values[name] = yield* ServerOptions.parse(given.source, definition, given.text)
  }
  if (input.noAccessLog) values["accessLog"] = "off"
  // Each value has been accepted by the definition of the option whose name it has.
  return yield* ServerOptions.make(values as ServerOptions.Input).pipe(Effect.mapError(withFlagName))
})

/** A value may be fine by itself but not together with another; the message names the flag as the others do. */
const withFlagName = ({ expected, option, value }: ServerOptions.InvalidOption): ServerOptions.InvalidOption =>
  new ServerOptions.InvalidOption({ option: `--${ServerOptions.flagName(option)}`, value, expected })
