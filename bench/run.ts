import { bundleServers } from "./harness/bundles.ts"
import { writeCertificate } from "./harness/certificate.ts"
import { endChildrenOnExit } from "./harness/children.ts"
import { parseCommandLine, type SuitePlan, usage } from "./harness/commandLine.ts"
import { machineFacts, requireTools } from "./harness/machine.ts"
import { BenchmarkProblem } from "./harness/problem.ts"
import type { ThroughputResult } from "./harness/results.ts"
import { writeServedFile } from "./harness/servedFile.ts"
import { runThroughputRow } from "./harness/throughput.ts"
import { runIdleRow } from "./idle/idleMemory.ts"
import { writeDocuments } from "./nghttpd/documents.ts"
import { idleTable, throughputTable, verdictTable } from "./report/markdown.ts"
import { allProblems, allVerdicts, type Report } from "./report/report.ts"
import { writeReport } from "./report/write.ts"
import { fileRowName } from "./rows/http1.ts"
import { http2, http2Rows } from "./rows/http2.ts"

const print = (...paragraphs: ReadonlyArray<string>): void => {
  process.stdout.write(`${paragraphs.join("\n\n")}\n\n`)
}

const measureAll = async (plan: SuitePlan): Promise<Report> => {
  const { isTrial, rounds, rows, seconds, suite } = plan
  const machine = await machineFacts(suite)
  const throughput: Array<ThroughputResult> = []
  for (const row of suite.throughput.filter(({ name }) => rows.includes(name))) {
    const result = await runThroughputRow(row, plan)
    if (result !== undefined) throughput.push(result)
  }
  const idle = rows.includes(suite.idle.name) ? await runIdleRow(suite.idle, plan) : undefined
  return { machine, rounds, seconds, isTrial, throughput, idle }
}

const printReport = (report: Report): void => {
  for (const row of report.throughput) print(`${row.name}: ${row.title}`, throughputTable(row))
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

const main = async (): Promise<number> => {
  const plans = parseCommandLine(process.argv.slice(2))
  if (plans === "help") {
    print(usage)
    return 0
  }
  requireTools(plans)
  endChildrenOnExit()
  await bundleServers(plans.flatMap((plan) => plan.candidates))
  if (plans.some((plan) => plan.rows.includes(fileRowName))) writeServedFile()
  if (plans.some((plan) => plan.suite === http2)) {
    writeCertificate()
    writeDocuments(http2Rows)
  }
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
