import { type IdleResult, isDisturbed, type ThroughputResult, type Verdict } from "../harness/results.ts"
import { medianOf } from "../harness/statistics.ts"
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
    ["row", "compared", "median", "min – max", "budget", "outcome"],
    verdicts.map(({ bound, budget, measured, outcome, row, statement, unit }) => [
      row,
      statement,
      `${measured.median.toFixed(2)} ${unit}`,
      range(measured, decimals(2)),
      budget === undefined ? "–" : `${bound} ${budget} ${unit}`,
      outcomeTexts[outcome]
    ])
  )

export const throughputTable = (row: ThroughputResult): string =>
  table(
    [
      "server",
      "requests/s (median)",
      "min – max",
      "MiB/s",
      "p50 ms",
      "p99 ms",
      "server core busy",
      "disturbed",
      "peak memory"
    ],
    row.candidates.map(({ candidate, requestsPerSecond, samples }) => [
      candidate,
      whole(requestsPerSecond.median),
      range(requestsPerSecond, whole),
      medianOf(samples.map((sample) => sample.mebibytesPerSecond)).toFixed(1),
      ...latencies(row, samples),
      `${whole(100 * medianOf(samples.map((sample) => sample.serverBusy)))} %`,
      `${samples.filter(isDisturbed).length} of ${samples.length}`,
      `${whole(medianOf(samples.map((sample) => sample.peakResidentBytes)) / 1_048_576)} MiB`
    ])
  )

/** wrk times a pipelined batch as one, and has no tail for it. */
const latencies = (row: ThroughputResult, samples: ThroughputResult["candidates"][number]["samples"]) =>
  row.load.pipelineDepth > 1
    ? ["–", "–"]
    : [
        (medianOf(samples.map((sample) => sample.medianLatencyMicroseconds)) / 1000).toFixed(2),
        (medianOf(samples.map((sample) => sample.tailLatencyMicroseconds)) / 1000).toFixed(2)
      ]

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

const throughputSection = (row: ThroughputResult): ReadonlyArray<string> => [
  `### ${row.name}`,
  "",
  `${row.title}.${row.problems.length === 0 ? "" : " **INVALID**"}`,
  "",
  throughputTable(row),
  ""
]

const idleSection = (idle: IdleResult): ReadonlyArray<string> => [
  `### ${idle.name}`,
  "",
  `${idle.title}: by how much ${whole(idle.connections)} connections, each with one answer, make the process grow,`,
  "both sides after a forced garbage collection. The verdict uses resident memory, since only that counts what Node",
  "keeps outside the heap for a connection; heap is `heapUsed + external`, which contains array buffers.",
  "At rest is resident memory after the start and one request, without `--expose-gc`. Every server is bundled into one",
  "file, as one would ship it; from TypeScript sources it would take some 50 MiB more.",
  "",
  idleTable(idle),
  ""
]

export const renderMarkdown = (report: Report): string =>
  [
    "# HTTP/1.1 benchmark",
    "",
    "Written by `npm run bench`. The servers take turns in each round, freshly started, and answer the same bodies.",
    "A ratio is taken within each round; the median of the rounds decides. A measurement is disturbed when other",
    "programs had one of the two cores for more than 5 % of its time. It is then taken again, at most twice; when half",
    "of the rounds stay disturbed, no budget is judged. MiB/s counts answers with their heads, and request bodies.",
    "",
    ...warnings(report),
    "![Throughput and memory of each server](http1.svg)",
    "",
    "## Budgets",
    "",
    verdictTable(allVerdicts(report)),
    "",
    "## Figures",
    "",
    ...report.throughput.flatMap(throughputSection),
    ...(report.idle === undefined ? [] : idleSection(report.idle)),
    "## Machine",
    "",
    machineTable(report),
    ""
  ].join("\n")
