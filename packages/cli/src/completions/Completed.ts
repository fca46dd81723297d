/** What may be on a command line, as scripts that complete it need to know it: read off the command and its table of options. */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import type * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import { topics } from "../plan/HelpText.ts"

/** The value of a flag, or what follows a command. */
export interface CompletedValue {
  /** As `--help` names it. */
  readonly placeholder: string
  /** Those that can be listed. */
  readonly words: ReadonlyArray<string>
  /** Whether files or folders may be named. */
  readonly files: "file" | "folder" | undefined
}

export interface CompletedFlag {
  /** With their dashes, the long one first. */
  readonly names: ReadonlyArray<string>
  readonly description: string
  /** Absent for one that takes none. */
  readonly value: CompletedValue | undefined
  /** Whether it may be given several times. */
  readonly repeats: boolean
}

export interface CompletedCommand {
  /** Empty for serving, which has no name. */
  readonly name: string
  readonly description: string
  readonly flags: ReadonlyArray<CompletedFlag>
  readonly argument: CompletedValue
}

/** All that may be on the command line of a program. */
export interface CompletedProgram {
  readonly name: string
  readonly serving: CompletedCommand
  /** Those that are named by the first word. */
  readonly commands: ReadonlyArray<CompletedCommand>
}

/** The shells that there are scripts for. */
export const shells = ["bash", "zsh", "fish"] as const

/** Of the flags that have no row in the table: what they stand for, and which of them may be repeated. */
const ownPlaceholders: ReadonlyMap<string, string> = new Map([
  ["config", "FILE"],
  ["env-file", "FILE"],
  ["secrets", "FOLDER"],
  ["pid", "FILE"],
  ["control", "PATH"],
  ["user", "NAME"],
  ["group", "NAME"]
])
const repeated: ReadonlySet<string> = new Set(["env-file", "secrets"])

const definitions = new Map(
  ServerOptions.definitions.map(([name, definition]) => [ServerOptions.flagName(name), definition] as const)
)

/** Whether a part of a placeholder is a value as it is to be written, and does not stand for one as `FILE` and `a=N[,b]` do. */
const isValue = (part: string): boolean => /^[\w.-]+$/.test(part) && /[^A-Z]/.test(part)

/** Reads a placeholder such as `FILE`, `PATH|GLOB`, `on|off` or `N|auto`. */
export const readPlaceholder = (placeholder: string): CompletedValue => {
  const parts = placeholder.split("|")
  const isFile = parts.some((part) => part === "FILE" || part === "PATH")
  const words = parts.filter(isValue)
  return { placeholder, words, files: isFile ? "file" : parts.includes("FOLDER") ? "folder" : undefined }
}

const served: CompletedValue = { placeholder: "APP", words: [], files: "file" }
const server: CompletedValue = { placeholder: "PID|PATH|HOST:PORT", words: [], files: "file" }
const adminListener: CompletedValue = { placeholder: "HOST:PORT|PATH", words: [], files: "file" }

const flagsOf = ({ aliases, description = "", name, negation, type }: Completions.FlagDescriptor) => {
  const names = [`--${name}`, ...aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`))]
  if (type._tag !== "Boolean") {
    const kind = definitions.get(name)?.kind
    const value = readPlaceholder(kind?.placeholder ?? ownPlaceholders.get(name) ?? "VALUE")
    return [{ names, description, value, repeats: kind?.fromTexts !== undefined || repeated.has(name) }]
  }
  const flag: CompletedFlag = { names, description, value: undefined, repeats: false }
  if (negation === false) return [flag]
  const negated = { ...flag, names: [negation ?? `--no-${name}`], description: `Turns --${name} off` }
  // Of the two, the one is of use that changes something.
  return [definitions.get(name)?.defaultValue === true ? negated : flag]
}

const flag = (names: ReadonlyArray<string>, description: string, value?: CompletedValue): CompletedFlag => ({
  names,
  description,
  value,
  repeats: false
})

const wordOf = (words: ReadonlyArray<string>): CompletedValue => ({ placeholder: "WORD", words, files: undefined })

const json = flag(["--json"], "JSON in place of a table")

/** Reads what may be given to the command; what is beside serving is read by `start`, and not by the library. */
export const read = (command: Command.Command.Any): CompletedProgram => {
  const { description = "", flags, name } = Completions.fromCommand(command)
  const ofServer = flags.flatMap(flagsOf)
  const others = [
    flag(["--help", "-h"], "Shows help, for a group of flags or for all", wordOf(topics)),
    flag(["--version", "-v"], "Shows the version"),
    flag(["--completions"], "Writes the script by which a shell completes command lines", wordOf(shells))
  ]
  return {
    name,
    serving: { name: "", description, flags: [...ofServer, ...others], argument: served },
    commands: [
      {
        name: "check",
        description: "Shows every option and where it is from, and whether a start would succeed",
        flags: [json, flag(["--no-app"], "Loads no application"), ...ofServer],
        argument: served
      },
      {
        name: "status",
        description: "Shows how a server is",
        flags: [json, flag(["--watch"], "Again every second")],
        argument: server
      },
      {
        name: "health",
        description: "Asks a server whether it is ready, as health checks do",
        flags: [
          flag(["--live"], "Asks only whether the server's process answers"),
          flag(["--timeout"], "How long the answer may take (default 5)", readPlaceholder("SECONDS"))
        ],
        argument: adminListener
      },
      { name: "top", description: "Shows what a server does, second by second", flags: [], argument: server }
    ]
  }
}
