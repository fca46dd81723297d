import { bundleServers } from "./harness/bundles.ts"
import { endChildrenOnExit } from "./harness/children.ts"
import { parseCommandLine, type RunPlan, usage } from "./harness/commandLine.ts"
import { machineFacts, requireTools } from "./harness/machine.ts"
import { BenchmarkProblem } from "./harness/problem.ts"
import type { ThroughputResult } from "./harness/results.ts"
import { writeServedFile } from "./harness/servedFile.ts"
import { runThroughputRow } from "./harness/throughput.ts"
import { runIdleRow } from "./idle/idleMemory.ts"
import { idleTable, throughputTable, verdictTable } from "./report/markdown.ts"
import { allProblems, allVerdicts, type Report } from "./report/report.ts"
import { writeReport } from "./report/write.ts"
import { fileRowName, idleRow, throughputRows } from "./rows.ts"

const print = (...paragraphs: ReadonlyArray<string>): void => {
  process.stdout.write(`${paragraphs.join("\n\n")}\n\n`)
}

const measureAll = async (plan: RunPlan): Promise<Report> => {
  const machine = await machineFacts()
  const throughput: Array<ThroughputResult> = []
  for (const row of throughputRows.filter(({ name }) => plan.rows.includes(name))) {
    const result = await runThroughputRow(row, plan)
    if (result !== undefined) throughput.push(result)
  }
  const idle = plan.rows.includes(idleRow.name) ? await runIdleRow(plan) : undefined
  const { isTrial, rounds, seconds } = plan
  return { machine, rounds, seconds, isTrial, throughput, idle }
}

const printReport = (report: Report): void => {
  for (const row of report.throughput) print(`${row.name}: ${row.title}`, throughputTable(row))
  if (report.idle !== undefined) print(`${report.idle.name}: ${report.idle.title}`, idleTable(report.idle))
  const verdicts = allVerdicts(report)
  if (verdicts.length > 0) print(verdictTable(verdicts))
}

const main = async (): Promise<number> => {
  const plan = parseCommandLine(process.argv.slice(2))
  if (plan === "help") {
    print(usage)
    return 0
  }
  requireTools()
  endChildrenOnExit()
  await bundleServers()
  if (plan.rows.includes(fileRowName)) writeServedFile()
  const report = await measureAll(plan)
  const files = await writeReport(report, plan.outputDirectory)
  printReport(report)
  print(`written: ${files.join(", ")}`)
  const problems = allProblems(report)
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
