/**
 * Writes docs/options.md from the table of options. With `--check` it writes nothing and fails when the page is out
 * of date.
 */
import { defaultText, definitions, environmentName, flagName, groupOf, groups } from "@pagi/core/ServerOptions"
import { code, tableOf } from "./support/table.ts"
import { write } from "./support/written.ts"

const noneOr = (text: string | undefined): string => (text === undefined ? "none" : code(text))

const head = ["option", "default", "allowed", "meaning"]

const rowOf = ([name, definition]: (typeof definitions)[number]): ReadonlyArray<string> => [
  code(name),
  noneOr(defaultText(definition)),
  definition.kind.expected.replaceAll("|", "\\|"),
  definition.description.replaceAll("|", "\\|")
]

/** A heading and a table for each group. */
const groupSections = Object.entries(groups).map(([group, { title }]) => {
  const rows = definitions.filter(([name]) => groupOf(name) === group).map(rowOf)
  return `## ${title}\n\n\`pagi-server --help ${group}\` shows these.\n\n${tableOf([head, ...rows])}`
})

const sourceRows = definitions.map(([name, definition]) => [
  code(name),
  [definition.alias === undefined ? undefined : `-${definition.alias}`, `--${flagName(name)}`]
    .filter((flag) => flag !== undefined)
    .map(code)
    .join(", "),
  code(environmentName(name))
])

/** What waits for a restart, with the group of TLS as one. */
const atStart = [
  ...new Set(
    definitions.flatMap(([name, { isAtStart = false }]) =>
      isAtStart ? [name.startsWith("tls.") ? "everything of `tls`" : code(name)] : []
    )
  )
].join(", ")

const text = `# Options

<!-- Written by \`npm run docs:options\` from packages/core/src/options/OptionGroups.ts; edit the table there. -->

A program sets options with \`ServerOptions.layer({ … })\`, where a duration is anything that Effect reads as one
(\`"5 seconds"\`, \`Duration.minutes(1)\`, milliseconds as a number). The command line and the environment write the same
options as text, durations in seconds and sizes in bytes unless they have a unit: \`500ms\`, \`5s\`, \`2m\`, \`1h\`;
\`64KiB\`, \`10MB\`, \`1GiB\`, where kB, MB and GB count in thousands and KiB, MiB and GiB in 1024s. An option that does not exist and a value that is not allowed
stop the server before it listens, with the name, the value and what is allowed.

${groupSections.join("\n\n")}

## What a value of 0 and the like mean

With 0, \`maxRequests\`, \`maxWorkerMemory\`, \`maxLoopDelay\`, \`heartbeatTimeout\`, \`bootTimeout\`, \`maxBodySize\`, \`lifespanStartupTimeout\`,
\`timeout\`, \`headersTimeout\`, \`bodyTimeout\`, \`requestTimeout\`, \`writeTimeout\`, \`sseIdleTimeout\`, \`wsIdleTimeout\`,
\`maxWsFrameSize\`, \`maxWsMessageSize\`, \`maxWsFragments\`,
\`maxConcurrentRequests\`, \`maxQueueTime\` and \`requestDeadline\` set no limit, a \`shutdownTimeout\` waits for ever, and a \`disconnectGrace\` leaves no time at all.
A \`timeout\` has to be longer than a proxy or load balancer in front keeps its idle connections (often 60 seconds):
otherwise both ends close at the same time, and a request that is on its way then is lost. What \`disconnectGrace\`
costs: a request whose client has left keeps its application, all that this holds, and a place among
\`maxConnections\` (over HTTP/2, among the running requests of its connection) until it has ended, and for so long at
most; where many clients leave early and handlers take long, a shorter one frees them sooner.
Options with a dot belong to the group \`tls\`, which programs give as one object with at least \`cert\` and \`key\`;
[tls.md](tls.md) explains them. With a \`tls.reloadInterval\` of 0 files are read again only when told to.
Programs may also set \`extensions\`, an object of what every scope advertises under that name; it has no flag, and is
\`{ fullflush: {} }\` unless it is set.

## What a server takes up while it runs

With workers, \`SIGHUP\` reads files of options again ([configuration.md](configuration.md)), and the next workers have what
they say. The process above the workers uses these at its start alone, so they wait for a restart, and a warning names
those that would differ: ${atStart}.

## Flags and environment variables

A flag wins over the environment variable, and the variable over the default. An empty variable counts as none.
One whose name begins with \`PAGI_\` and that is not known is warned of.
Programs read the same variables with \`PagiServer.layerConfig\`.

${tableOf([["option", "flag", "environment"], ...sourceRows])}
`

write({ path: "docs/options.md", subject: "the options", script: "docs:options" }, text)
