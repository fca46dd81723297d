/** What `--help` prints: all flags in groups, within the width of a terminal. */
import type { FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as Option from "effect/Option"
import { styleText } from "node:util"

/** Columns of a terminal that has not been made wider. */
const width = 80

/** The column at which descriptions begin. */
const indent = 28

/** Which flags belong together. A flag belongs to the first group whose pattern its name matches. */
const groups: ReadonlyArray<readonly [title: string, pattern: RegExp]> = [
  ["Where to listen", /^(?:host|port|socket|socket-mode|listen|listener-backlog|proxy-protocol)$/],
  ["TLS", /^(?:ssl-|disable-tls)/],
  ["Development", /^reload/],
  [
    "Processes",
    /^(?:workers|(?:min|max)-workers|reuseport|max-requests|max-worker-memory|max-loop-delay|heartbeat-|daemonize|pid|user|group|control)/
  ],
  ["Administration", /^admin/],
  ["Configuration", /^(?:env|env-file|config|secrets)$/],
  ["Behind proxies", /^(?:trusted-|root-path$)/],
  ["Logs", /log|^quiet$|request-id$/],
  ["Telemetry", /^otlp$/],
  ["Start and stop", /^(?:lifespan|boot-|drain-|shutdown-)/],
  ["HTTP/2", /^(?:http2|h2-)/],
  ["WebSocket and event streams", /^(?:max-ws|ws-|sse-|max-receive|per-message)/],
  ["Around the application", /^static/],
  ["Time limits", /timeout|grace/],
  ["Under pressure", /^(?:max-concurrent|max-queue|health-paths|request-deadline)/],
  ["Sizes and numbers", /^(?:max-|write-|sync-)/],
  ["Others", /^/]
]

const groupOf = ({ name }: FlagDoc): string => groups.find(([, pattern]) => pattern.test(name))?.[0] ?? ""

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

/** The whole text. */
export const format = ({ args = [], description, examples = [], flags, globalFlags = [], usage }: HelpDoc): string =>
  [
    description,
    `${heading("Usage:")} ${usage}`,
    ...section(
      "Arguments",
      args.map((arg) =>
        entry(
          arg.name,
          Option.getOrElse(arg.description, () => "")
        )
      )
    ),
    ...groups.flatMap(([title]) =>
      section(title, [...flags, ...globalFlags].filter((flag) => groupOf(flag) === title).map(flagEntry))
    ),
    wrap(
      "Each option may also be set by a variable: that of --max-body-size is PAGI_MAX_BODY_SIZE. Flags win. Durations " +
        "are in seconds, or have a unit: 500ms, 5s, 2m, 1h. Sizes are in bytes, or have a unit: 64KiB, 10MB.",
      width
    ).join("\n"),
    ...section(
      "Examples",
      examples.map(({ command, description = "" }) => `  ${command}\n      ${description}`)
    )
  ].join("\n\n")
