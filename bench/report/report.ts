import type { MachineFacts } from "../harness/machine.ts"
import type { FigureResult } from "../figures/result.ts"
import type { IdleResult, ThroughputResult, Verdict } from "../harness/results.ts"

export interface Report {
  readonly machine: MachineFacts
  readonly rounds: number
  readonly seconds: number
  readonly isTrial: boolean
  readonly throughput: ReadonlyArray<ThroughputResult>
  readonly figures: ReadonlyArray<FigureResult>
  readonly idle: IdleResult | undefined
}

export const allVerdicts = (report: Report): ReadonlyArray<Verdict> => [
  ...[...report.throughput, ...report.figures].flatMap((row) => row.verdicts),
  ...(report.idle?.verdicts ?? [])
]

export const allProblems = (report: Report): ReadonlyArray<string> => [
  ...[...report.throughput, ...report.figures].flatMap((row) =>
    row.problems.map((problem) => `${row.name}: ${problem}`)
  ),
  ...(report.idle?.problems.map((problem) => `${report.idle?.name}: ${problem}`) ?? [])
]
