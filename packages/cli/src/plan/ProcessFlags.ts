/** The flags of the command that are no options of the server, since they concern its process. */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import * as Config from "effect/Config"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import type { ProcessPlan } from "./ServerPlan.ts"

const text = (name: string, metavar: string, description: string): Flag.Flag<Option.Option<string>> => {
  const variable = ServerOptions.environmentName(name)
  return Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.withFallbackConfig(Config.String(variable)),
    Flag.optional
  )
}

export const flags = {
  daemonize: Flag.Boolean("daemonize").pipe(
    Flag.withAlias("D"),
    Flag.withoutNegation,
    Flag.withDescription("Serves in the background; the command ends when the server is ready, or has failed"),
    Flag.withDefault(false)
  ),
  pid: text("pid", "FILE", "File that names the process to send signals to"),
  user: text("user", "NAME", "User to become when all sockets are bound, as a name or number; for root only"),
  group: text("group", "NAME", "Group to become; without it, that of the user"),
  control: text("control", "PATH", "Socket at which the server tells its status; found by default")
}

const several = (name: string, metavar: string, description: string) => {
  const variable = ServerOptions.environmentName(name)
  return Flag.String(ServerOptions.flagName(name)).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(`${description}; may be repeated`),
    Flag.atLeast(1),
    Flag.withFallbackConfig(Config.map(Config.String(variable), (text) => (text === "" ? [] : text.split(",")))),
    Flag.optional
  )
}

/** Where options and variables are read from. */
export const sourceFlags = {
  config: text("config", "FILE", "Configuration file; without it, pagi.config.json, .ts, .mts, .mjs or .js here"),
  envFile: several("envFile", "FILE", "File of variables NAME=value; those of the environment win over it"),
  secrets: several("secrets", "FOLDER", "Folder with a file for each variable, named like it")
}

export type SourceInput = { readonly [Name in keyof typeof sourceFlags]: ValueOf<(typeof sourceFlags)[Name]> }

/** The files and folders that somebody named. */
export interface SourcePlan {
  readonly config: string | null
  readonly envFiles: ReadonlyArray<string>
  readonly secrets: ReadonlyArray<string>
}

export const sourcePlan = ({ config, envFile, secrets }: SourceInput): SourcePlan => ({
  config: textOf(config),
  envFiles: Option.getOrElse(envFile, () => []),
  secrets: Option.getOrElse(secrets, () => [])
})

type ValueOf<F> = F extends Flag.Flag<infer Value> ? Value : never

export type Input = { readonly [Name in keyof typeof flags]: ValueOf<(typeof flags)[Name]> }

/** An empty text is how an environment says that it has none. */
const textOf = (given: Option.Option<string>): string | null => Option.getOrUndefined(given) || null

export const plan = ({ control, daemonize, group, pid, user }: Input): ProcessPlan => ({
  daemonize,
  pid: textOf(pid),
  user: textOf(user),
  group: textOf(group),
  control: textOf(control)
})
