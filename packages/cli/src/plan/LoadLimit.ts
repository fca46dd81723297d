/**
 * How long the sources of options may take to be read: `bootTimeout`, as far as it is known by then. A configuration file
 * that says so itself says it too late.
 */
import { longestTimer } from "@pagi/core/options/OptionKind"
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import * as Duration from "effect/Duration"

type Definition = ServerOptions.Definition<unknown, unknown>

const definition = new Map<string, Definition>(ServerOptions.definitions).get("bootTimeout")

/** Of a text that may be anybody's; of the default where it is none that is allowed, which is told later. */
const read = (text: string | undefined): unknown => {
  if (text === undefined || definition === undefined) return definition?.defaultValue
  const { defaultValue, kind } = definition
  const input = kind.fromText(text)
  return (input === undefined ? undefined : kind.accept(input)) ?? defaultValue
}

/** Milliseconds; infinitely many for no limit. */
export const ofText = (text: string | undefined): number => {
  const value = read(text)
  const milliseconds = Duration.isDuration(value) ? Duration.toMillis(value) : 0
  return milliseconds === 0 || milliseconds > longestTimer ? Number.POSITIVE_INFINITY : milliseconds
}

const flag = "--boot-timeout"

/** The same, of a command line that nobody has read yet. */
export const ofCommandLine = (args: ReadonlyArray<string>, environment: NodeJS.ProcessEnv): number => {
  const index = args.findLastIndex((arg) => arg === flag || arg.startsWith(`${flag}=`))
  const arg = args[index]
  const given = arg === flag ? args[index + 1] : arg?.slice(flag.length + 1)
  return ofText(given ?? (environment[ServerOptions.environmentName("bootTimeout")] || undefined))
}
