/** Writes the manual page of the command in roff, from the table of options and what the command knows of itself. */
import { definitions, environmentName, flagName } from "@pagi/core/options/ServerOptions"
import { configFiles } from "../plan/CommandLine.ts"
import { titles, topicNamed } from "../plan/HelpText.ts"
import { command } from "../run/ServerCommand.ts"
import { type CompletedFlag, read } from "../completions/Completed.ts"

/** What the page says that is not in the table. */
export interface ManualFacts {
  readonly version: string
  /** With their meanings. */
  readonly exitCodes: ReadonlyArray<readonly [code: string, meaning: string]>
}

/** A text as roff shows it: what means something to it is escaped, and hyphens are those that can be typed. */
const plain = (text: string): string => text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/gm, "\\&$&")

const bold = (text: string): string => `\\fB${plain(text)}\\fR`
const italic = (text: string): string => `\\fI${plain(text)}\\fR`

const section = (title: string, ...lines: ReadonlyArray<string>): string => [`.SH ${title}`, ...lines].join("\n")

/** A term with its explanation. */
const item = (term: string, explanation: string): string => [".TP", term, plain(explanation)].join("\n")

const variables = new Map(definitions.map(([name]) => [flagName(name), environmentName(name)] as const))

const termOf = ({ names, value }: CompletedFlag): string => {
  const short = names.filter((name) => !name.startsWith("--"))
  const long = names.filter((name) => name.startsWith("--"))
  return [...short, ...long].map(bold).join(", ") + (value === undefined ? "" : ` ${italic(value.placeholder)}`)
}

const { commands, name, serving } = read(command)

const longName = ({ names: [name = ""] }: CompletedFlag): string => name.replace(/^--(?:no-)?/, "")

const groupOf = (flag: CompletedFlag): string => topicNamed(longName(flag)) ?? "others"

const options = titles.map(([group, title]) => {
  const items = serving.flags
    .filter((flag) => groupOf(flag) === group)
    .map((flag) => {
      const variable = variables.get(longName(flag))
      return item(termOf(flag), `${flag.description}.${variable === undefined ? "" : ` Variable: ${variable}.`}`)
    })
  return [`.SS ${title}`, ...items].join("\n")
})

const commandItems = commands.map(({ argument, description, flags, name }) => {
  const own = flags.filter((flag) => !serving.flags.includes(flag))
  const words = [bold(name), ...own.map((flag) => `[${termOf(flag)}]`), `[${italic(argument.placeholder)}]`]
  return item(words.join(" "), `${description}.`)
})

const signals: ReadonlyArray<readonly [name: string, meaning: string]> = [
  ["SIGTERM, SIGINT", "Stop: requests that have begun are finished. A second one ends them at once."],
  ["SIGHUP", "Read certificates and open log files anew; with workers, replace these one after the other."],
  ["SIGUSR1", "Open log files anew."],
  ["SIGUSR2", "With workers: start a new server that takes over, and leave."],
  ["SIGTTIN, SIGTTOU", "With workers: one more, one less."]
]

const files: ReadonlyArray<readonly [name: string, meaning: string]> = [
  [configFiles.join(", "), "Options, in the folder where the command is started; another one is named by --config."]
]

const examples: ReadonlyArray<readonly [line: string, meaning: string]> = [
  [`${name} --port 8080 ./app.ts`, "Serve the application that a module exports."],
  [`${name} --workers auto --host 0.0.0.0 ./app.ts`, "Serve with a process for each processor, on all addresses."],
  [`${name} check --json ./app.ts`, "Show with which options it would be served, as JSON."],
  [`${name} --help pressure`, "Show the options about too many requests, with their defaults."]
]

/** The whole page. */
export const manualPage = ({
  exitCodes,
  version
}: ManualFacts): string => `.\\" Written by npm run docs:man from the table of options; edit that.
${[
  `.TH ${name.toUpperCase().replaceAll("-", "\\-")} 1 "" "PAGI ${version}" "User Commands"`,
  section("NAME", `${plain(name)} \\- ${plain(serving.description.replace(/^S/, "s"))}`),
  section(
    "SYNOPSIS",
    `${bold(name)} [${italic("FLAGS")}] [${italic("APP")}]`,
    ".br",
    `${bold(name)} ${commands.map((one) => bold(one.name)).join("|")} [${italic("FLAGS")}] [${italic("ARGUMENT")}]`
  ),
  section(
    "DESCRIPTION",
    plain(
      "Serves HTTP/1.1, HTTP/2, WebSockets and event streams. APP is the module of an application, such as ./app.ts or, for another export than the default one, ./app.ts:name. Without it the files of the current folder are served."
    ),
    ".PP",
    plain(
      "Each option may be set by a flag, an environment variable, and in a configuration file. Flags win over variables, and variables over files. Durations are in seconds, or have a unit: 500ms, 5s, 2m, 1h. Sizes are in bytes, or have a unit: 64KiB, 10MB. Flags that take no value are turned off by --no- before the name."
    )
  ),
  section("COMMANDS", ...commandItems),
  section("OPTIONS", ...options),
  section("FILES", ...files.map(([term, meaning]) => item(bold(term), meaning))),
  section("SIGNALS", ...signals.map(([term, meaning]) => item(bold(term), meaning))),
  section("EXIT STATUS", ...exitCodes.map(([code, meaning]) => item(bold(code), `${meaning}.`))),
  section("EXAMPLES", ...examples.map(([line, meaning]) => item(bold(line), meaning)))
].join("\n")}
`
