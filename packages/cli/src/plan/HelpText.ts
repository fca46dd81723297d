/** What `--help` prints: all flags in groups, within the width of a terminal. */
import type { FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import * as Option from "effect/Option"
import { styleText } from "node:util"

/** Columns of a terminal that has not been made wider. */
const width = 80

/** The column at which descriptions begin. */
const indent = 28

/** The group of flags that are no options of the server; the others of the command are in the last one. */
const ofCommand: Readonly<Record<string, ServerOptions.GroupName>> = {
  config: "configuration",
  "env-file": "configuration",
  secrets: "configuration",
  daemonize: "processes",
  pid: "processes",
  user: "processes",
  group: "processes",
  control: "processes",
  "no-access-log": "logs"
}

/** Flags that `--help` shows by themselves, since most who serve something want them. */
const mostUsed: ReadonlySet<string> = new Set([
  "host",
  "port",
  "socket",
  "workers",
  "ssl-cert",
  "ssl-key",
  "log-level",
  "access-log",
  "quiet",
  "help",
  "version"
])

/** The groups of flags, in their order. */
export const titles: ReadonlyArray<readonly [group: string, title: string, about: string]> = [
  ...Object.entries(ServerOptions.groups).map(([name, { about, title }]) => [name, title, about] as const),
  ["others", "Others", "help, version, completions for shells"]
]

/** What `--help` can be asked for: a group of options, the flags that are in none, or everything. */
export const topics: ReadonlyArray<string> = [...titles.map(([group]) => group), "all"]

/** By the names of flags; made when help is asked for, as all that follows. */
const groupsOfFlags = (): ReadonlyMap<string, string> =>
  new Map([
    ...ServerOptions.definitions.map(([name]) => [ServerOptions.flagName(name), ServerOptions.groupOf(name)] as const),
    ...Object.entries(ofCommand)
  ])

/**
 * The topic that is meant by a word: a topic itself, or the group of a flag or option of that name.
 *
 * @returns nothing for what is neither
 */
export const topicNamed = (word: string): string | undefined => {
  if (topics.includes(word)) return word
  const groups = groupsOfFlags()
  return groups.get(word) ?? groups.get(ServerOptions.flagName(word))
}

const heading = (text: string): string => styleText("bold", text, { stream: process.stdout })

/** The words of a text on lines of at most this many columns; a default stays with its word. */
const wrap = (text: string, columns: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(/(?<!\(default) /)) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = ""
    }
    line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** A name with its description beside it, or below it when the name is long. */
const entry = (name: string, description: string): string => {
  const [first = "", ...others] = wrap(description, width - indent)
  const start = `  ${name}`
  const below = `\n${" ".repeat(indent)}`
  const beside = start.length + 2 <= indent ? start.padEnd(indent) : `${start}${below}`
  return [`${beside}${first}`, ...others].join(below)
}

/** `-p, --port PORT`. */
const nameOf = ({ aliases, name, type }: FlagDoc): string => {
  const alias = aliases.find((one) => /^-[^-]$/.test(one))
  return `${alias === undefined ? "    " : `${alias}, `}--${name}${type === "boolean" ? "" : ` ${type}`}`
}

const flagEntry = (flag: FlagDoc): string =>
  entry(
    nameOf(flag),
    Option.getOrElse(flag.description, () => "")
  )

const section = (title: string, entries: ReadonlyArray<string>): ReadonlyArray<string> =>
  entries.length === 0 ? [] : [`${heading(`${title}:`)}\n${entries.join("\n")}`]

const noteOnValues = (): string =>
  wrap(
    "Each option may also be set by a variable: that of --max-body-size is PAGI_MAX_BODY_SIZE. Flags win. Durations " +
      "are in seconds, or have a unit: 500ms, 5s, 2m, 1h. Sizes are in bytes, or have a unit: 64KiB, 10MB.",
    width
  ).join("\n")

const flagsOf = ({ flags, globalFlags = [] }: HelpDoc): ReadonlyArray<FlagDoc> => [...flags, ...globalFlags]

/** The flags of a group, with their defaults. */
const groupSection = (doc: HelpDoc, [group, title]: (typeof titles)[number]): ReadonlyArray<string> => {
  const groups = groupsOfFlags()
  const inGroup = flagsOf(doc).filter(({ name }) => (groups.get(name) ?? "others") === group)
  return section(title, inGroup.map(flagEntry))
}

/** The groups in a line each, and the most used flags. */
const overview = (doc: HelpDoc): ReadonlyArray<string> => [
  ...section(
    "Most used flags",
    flagsOf(doc)
      .filter(({ name }) => mostUsed.has(name))
      .map(flagEntry)
  ),
  ...section(
    "Groups of flags (--help GROUP shows one, --help all shows all)",
    titles.map(([group, title, about]) => entry(group, `${title}: ${about}`))
  )
]

const argumentsOf = ({ args = [] }: HelpDoc): ReadonlyArray<string> =>
  section(
    "Arguments",
    args.map(({ description, name }) =>
      entry(
        name,
        Option.getOrElse(description, () => "")
      )
    )
  )

const examplesOf = ({ examples = [] }: HelpDoc): ReadonlyArray<string> =>
  section(
    "Examples",
    examples.map(({ command, description = "" }) => `  ${command}\n      ${description}`)
  )

/**
 * The whole text.
 *
 * @param topic one of `topics`; without, the groups are named and the most used flags shown
 */
export const format = (doc: HelpDoc, topic?: string): string => {
  const shown = titles.filter(([group]) => topic === "all" || topic === group)
  const flags = topic === undefined ? overview(doc) : shown.flatMap((group) => groupSection(doc, group))
  const start = [doc.description, `${heading("Usage:")} ${doc.usage}`, ...argumentsOf(doc)]
  if (topic !== undefined && topic !== "all") return [...flags, noteOnValues()].join("\n\n")
  return [...start, ...flags, noteOnValues(), ...examplesOf(doc)].join("\n\n")
}

/** A command line that asks for help, without the topic that it asks for. */
export interface Asked {
  readonly args: ReadonlyArray<string>
  /** As it was given; it may be none of `topics`. */
  readonly topic: string | undefined
}

/** Takes the topic off `--help TOPIC` and `--help=TOPIC`, where that is the whole command line. */
export const topicOf = (args: ReadonlyArray<string>): Asked => {
  const [flag = "", topic, ...others] = args
  if (others.length > 0) return { args, topic: undefined }
  if (topic === undefined && flag.startsWith("--help="))
    return { args: ["--help"], topic: flag.slice("--help=".length) }
  const isAsked = (flag === "--help" || flag === "-h") && topic !== undefined && !topic.startsWith("-")
  return isAsked ? { args: [flag], topic } : { args, topic: undefined }
}
