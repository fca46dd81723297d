/** The flags of the server, read off the table of its options. */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import * as Config from "effect/Config"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import type { Given, Texts } from "./ServerValues.ts"

type Definition = ServerOptions.Definition<unknown, unknown>

const describe = (flagName: string, definition: Definition): string => {
  const { defaultValue, description, kind } = definition
  if (defaultValue === false) return description
  if (defaultValue === true) return `${description}; --no-${flagName} turns that off`
  const repeat = kind.fromTexts === undefined ? "" : "; may be repeated"
  const standard = ServerOptions.defaultText(definition)
  return `${description}${repeat}${standard === undefined ? "" : ` (default ${standard})`}`
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
    Flag.withDescription(describe(flagName, definition)),
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

/** What was given, without what was not. */
export const texts = ({ noAccessLog, options }: Input): Texts => {
  const given: Record<string, Given> = {}
  for (const [name, option] of Object.entries(options)) if (Option.isSome(option)) given[name] = option.value
  return { options: given, noAccessLog }
}
