import { candidateOf, type CandidateName } from "./candidates.ts"
import { runFigureRow } from "./figures/figureRow.ts"
import type { FigureResult } from "./figures/result.ts"
import { writeCertificate } from "./harness/certificate.ts"
import { endChildrenOnExit, leaveServerCore } from "./harness/children.ts"
import { type Order, parseCommandLine, type SuitePlan, usage } from "./harness/commandLine.ts"
import { estimateOf } from "./harness/estimate.ts"
import { prepareInstallations } from "./harness/installations.ts"
import { machineFacts, requireTools } from "./harness/machine.ts"
import { BenchmarkProblem } from "./harness/problem.ts"
import { absenceOf } from "./harness/programs.ts"
import type { ThroughputResult } from "./harness/results.ts"
import { writeServedFile } from "./harness/servedFile.ts"
import { writeServerFiles } from "./harness/serverFiles.ts"
import { runThroughputRow } from "./harness/throughput.ts"
import { runIdleRow } from "./idle/idleMemory.ts"
import { writeDocuments } from "./nghttpd/documents.ts"
import { figureTable, idleTable, throughputTable, verdictTable } from "./report/markdown.ts"
import { allProblems, allVerdicts, type Report } from "./report/report.ts"
import { writeReport } from "./report/write.ts"
import { fileRowName } from "./rows/http1.ts"
import { http2, http2Rows } from "./rows/http2.ts"
import { needsCertificate } from "./rows/row.ts"

const print = (...paragraphs: ReadonlyArray<string>): void => {
  process.stdout.write(`${paragraphs.join("\n\n")}\n\n`)
}

const measureAll = async (plan: SuitePlan): Promise<Report> => {
  const { isTrial, rounds, rows, seconds, suite } = plan
  const machine = machineFacts(plan)
  const throughput: Array<ThroughputResult> = []
  for (const row of suite.throughput.filter(({ name }) => rows.includes(name))) {
    const result = await runThroughputRow(row, plan)
    if (result !== undefined) throughput.push(result)
  }
  const figures: Array<FigureResult> = []
  for (const row of suite.figures.filter(({ name }) => rows.includes(name))) {
    const result = await runFigureRow(row, plan)
    if (result !== undefined) figures.push(result)
  }
  const hasIdle = suite.idle !== undefined && rows.includes(suite.idle.name)
  const idle = hasIdle ? await runIdleRow(suite.idle, plan) : undefined
  return { machine, rounds, seconds, isTrial, throughput, figures, idle }
}

const printReport = (report: Report): void => {
  for (const row of report.throughput) print(`${row.name}: ${row.title}`, throughputTable(row))
  for (const row of report.figures) print(`${row.name}: ${row.title}`, figureTable(row))
  if (report.idle !== undefined) print(`${report.idle.name}: ${report.idle.title}`, idleTable(report.idle))
  const verdicts = allVerdicts(report)
  if (verdicts.length > 0) print(verdictTable(verdicts))
}

/** Returns what makes its figures invalid. */
const runSuite = async (plan: SuitePlan): Promise<ReadonlyArray<string>> => {
  const report = await measureAll(plan)
  const files = await writeReport(plan.suite, report, plan.outputDirectory)
  printReport(report)
  print(`written: ${files.join(", ")}`)
  return allProblems(report)
}

/** What is missing is said, and everything else is measured. */
const absentOf = (names: ReadonlySet<CandidateName>): ReadonlySet<CandidateName> => {
  const absent = new Set<CandidateName>()
  for (const name of names) {
    const absence = absenceOf(name)
    if (absence === undefined) continue
    absent.add(name)
    process.stderr.write(`!!! NOT MEASURED: ${name}: ${absence}\n`)
  }
  return absent
}

const without = (plan: SuitePlan, absent: ReadonlySet<CandidateName>): SuitePlan => {
  const candidates = plan.candidates.filter((name) => !absent.has(name))
  return { ...plan, candidates, isTrial: plan.isTrial || candidates.length < plan.candidates.length }
}

/** Everything that is there before the first measurement. */
const prepare = async ({ against, plans }: Order): Promise<ReadonlyArray<SuitePlan>> => {
  const names = new Set(plans.flatMap(({ candidates }) => candidates))
  const installations = new Set([...names].map((name) => candidateOf(name).installation))
  prepareInstallations(installations, against)
  for (const installation of installations) await writeServerFiles(installation)
  if (plans.some(({ rows }) => rows.includes(fileRowName))) writeServedFile()
  if (plans.some(({ suite }) => suite.throughput.some(needsCertificate))) writeCertificate()
  if (plans.some(({ suite }) => suite.name === http2.name)) writeDocuments(http2Rows)
  const absent = absentOf(names)
  return plans.map((plan) => without(plan, absent))
}

const main = async (): Promise<number> => {
  const order = parseCommandLine(process.argv.slice(2))
  if (order === "help") {
    print(usage)
    return 0
  }
  requireTools(order.plans)
  endChildrenOnExit()
  const plans = await prepare(order)
  process.stderr.write(`about ${estimateOf(plans)} min on an idle machine\n`)
  leaveServerCore()
  const problems: Array<string> = []
  for (const plan of plans) problems.push(...(await runSuite(plan)))
  for (const problem of problems) process.stderr.write(`INVALID  ${problem}\n`)
  return problems.length === 0 ? 0 : 1
}

try {
  process.exit(await main())
} catch (error) {
  if (!(error instanceof BenchmarkProblem)) throw error
  process.stderr.write(`bench: ${error.message}\n`)
  process.exit(error.exitCode)
}
