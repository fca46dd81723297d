import type { FigureResult } from "../figures/result.ts"
import { type IdleResult, isDisturbed, type ThroughputResult, type Verdict } from "../harness/results.ts"
import { medianOf } from "../harness/statistics.ts"
import type { Suite } from "../rows/row.ts"
import { decimals, range, table, whole } from "./format.ts"
import { allProblems, allVerdicts, type Report } from "./report.ts"

const outcomeTexts: Record<Verdict["outcome"], string> = {
  met: "met",
  missed: "**missed**",
  "no budget": "–",
  disturbed: "**disturbed**",
  invalid: "**INVALID**"
}

export const verdictTable = (verdicts: ReadonlyArray<Verdict>): string =>
  table(
    ["row", "compared", "median", "min – max", "goal", "outcome"],
    verdicts.map(({ bound, budget, measured, outcome, row, statement, unit }) => [
      row,
      statement,
      `${measured.median.toFixed(2)} ${unit}`,
      range(measured, decimals(2)),
      budget === undefined ? "–" : `${bound} ${budget} ${unit}`,
      outcomeTexts[outcome]
    ])
  )

/** A dash where the load generator has no latencies. */
const milliseconds = (microseconds: ReadonlyArray<number | undefined>): string => {
  const known = microseconds.filter((value) => value !== undefined)
  return known.length === 0 ? "–" : (medianOf(known) / 1000).toFixed(2)
}

export const throughputTable = (row: ThroughputResult): string =>
  table(
    [
      "server",
      `${row.unit} (median)`,
      "min – max",
      "MiB/s",
      "p50 ms",
      "p99 ms",
      "processor µs each",
      "server core busy",
      "load core busy",
      "disturbed",
      "peak memory"
    ],
    row.candidates.map(({ candidate, perSecond, samples }) => [
      candidate,
      whole(perSecond.median),
      range(perSecond, whole),
      medianOf(samples.map((sample) => sample.mebibytesPerSecond)).toFixed(1),
      milliseconds(samples.map((sample) => sample.medianLatencyMicroseconds)),
      milliseconds(samples.map((sample) => sample.tailLatencyMicroseconds)),
      medianOf(samples.map((sample) => (1e6 * sample.serverBusy) / sample.perSecond)).toFixed(1),
      `${whole(100 * medianOf(samples.map((sample) => sample.serverBusy)))} %`,
      `${whole(100 * medianOf(samples.map((sample) => sample.generatorBusy)))} %`,
      `${samples.filter(isDisturbed).length} of ${samples.length}`,
      `${whole(medianOf(samples.map((sample) => sample.peakResidentBytes)) / 1_048_576)} MiB`
    ])
  )

export const figureTable = ({ candidates, columns }: FigureResult): string =>
  table(
    ["server", ...columns.flatMap(({ name, unit }) => [`${name}, ${unit} (median)`, "min – max"]), "disturbed"],
    candidates.map(({ candidate, samples, spreads }) => [
      candidate,
      ...spreads.flatMap((spread) => [spread.median.toFixed(1), range(spread, decimals(1))]),
      `${samples.filter(isDisturbed).length} of ${samples.length}`
    ])
  )

export const idleTable = (idle: IdleResult): string =>
  table(
    ["server", "resident KiB per connection", "min – max", "heap KiB per connection", "min – max", "at rest MiB"],
    idle.candidates.map((result) => [
      result.candidate,
      result.residentKibibytesPerConnection.median.toFixed(2),
      range(result.residentKibibytesPerConnection, decimals(2)),
      result.heapKibibytesPerConnection.median.toFixed(2),
      range(result.heapKibibytesPerConnection, decimals(2)),
      result.mebibytesAtRest.median.toFixed(1)
    ])
  )

const machineTable = ({ machine, rounds, seconds }: Report): string =>
  table(
    ["", ""],
    [
      ["date", machine.date],
      ["processor", `${machine.processor}, ${machine.cores} cores; server on core 0, load generator on core 1`],
      ["memory", `${machine.memoryGibibytes} GiB`],
      ["system", `${machine.kernel}, Node ${machine.node}, ${machine.loadGenerator}`],
      ["load average before", String(machine.loadAverageBefore)],
      ["rounds", `${rounds}, of ${seconds} s each after 1 s of warm-up`],
      ...Object.entries(machine.packages)
    ]
  )

const warnings = (report: Report): ReadonlyArray<string> => [
  ...(report.isTrial ? ["> A trial run: fewer rounds, seconds, rows or servers than a whole one.", ""] : []),
  ...allProblems(report).map((problem) => `> **INVALID** ${problem}\n`)
]

const figureSection = (row: FigureResult): ReadonlyArray<string> => [
  `### ${row.name}`,
  "",
  `${row.title}.${row.problems.length === 0 ? "" : " **INVALID**"}`,
  "",
  figureTable(row),
  ""
]

const throughputSection = (row: ThroughputResult): ReadonlyArray<string> => [
  `### ${row.name}`,
  "",
  `${row.title}.${row.problems.length === 0 ? "" : " **INVALID**"}`,
  "",
  throughputTable(row),
  ""
]

const idleExplanations: Record<IdleResult["protocol"], { readonly each: string; readonly atRest: string }> = {
  http: { each: "connections, each with one answer", atRest: "request" },
  http2: { each: "connections, each with acknowledged settings and one answer", atRest: "request" },
  websocket: { each: "WebSockets, each with one echoed message", atRest: "such WebSocket" }
}

const idleSection = (idle: IdleResult): ReadonlyArray<string> => {
  const { atRest, each } = idleExplanations[idle.protocol]
  return [
    `### ${idle.name}`,
    "",
    `${idle.title}: by how much ${whole(idle.connections)} ${each}, make the process grow,`,
    "both sides after a forced garbage collection. The verdict uses resident memory, since only that counts what Node",
    "keeps outside the heap for a connection; heap is `heapUsed + external`, which contains array buffers.",
    "V8's space for new objects is held at 1 MiB (`--max-semi-space-size=1`): it grows with the load, keeps its size, and",
    "would count as connections' memory.",
    `At rest is resident memory after the start and one ${atRest}, without these flags.`,
    "",
    idleTable(idle),
    ""
  ]
}

export const renderMarkdown = (suite: Suite, report: Report): string =>
  [
    `# ${suite.title} benchmark`,
    "",
    `Written by \`npm run bench -- --rows ${suite.name}\`. The servers take turns in each round, freshly started, and answer`,
    "the same. A ratio is taken within each round; the median of the rounds decides. A measurement is disturbed when other",
    "programs had one of the two cores for more than 5 % of its time. It is then taken again, at most twice; when half",
    "of the rounds stay disturbed, no budget is judged. All run as npm installs them for a user: this server is the packed",
    "command, `pagi-server` with an application, and the others are programs beside the packages that they import.",
    ...suite.remarks,
    "",
    ...warnings(report),
    `![Throughput and memory of each server](${suite.name}.svg)`,
    "",
    "## Goals",
    "",
    verdictTable(allVerdicts(report)),
    "",
    "## Figures",
    "",
    ...report.throughput.flatMap(throughputSection),
    ...report.figures.flatMap(figureSection),
    ...(report.idle === undefined ? [] : idleSection(report.idle)),
    "## Machine",
    "",
    machineTable(report),
    ""
  ].join("\n")
