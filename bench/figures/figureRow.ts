import { type CandidateName, isBefore } from "../candidates.ts"
import type { SuitePlan } from "../harness/commandLine.ts"
import { showProgress } from "../harness/progress.ts"
import { isDisturbed, judge, type Trust, type Verdict } from "../harness/results.ts"
import { problemsByCandidate, sampleInRounds } from "../harness/rounds.ts"
import { pairedRatios, spreadOf } from "../harness/statistics.ts"
import type { FigureRow } from "../rows/row.ts"
import { sampleLongestWait } from "../slowReaders/longestWait.ts"
import { sampleStart } from "../start/firstAnswer.ts"
import { type Column, columnsOf, type FigureCandidate, type FigureResult, type FigureSample } from "./result.ts"

const takers: Readonly<Record<FigureRow["measures"], (candidate: CandidateName) => Promise<FigureSample>>> = {
  start: sampleStart,
  "slow readers": sampleLongestWait
}

const valuesOf = (column: number, { samples }: FigureCandidate): ReadonlyArray<number> =>
  samples.map(({ values }) => values[column] ?? Number.NaN)

const summarize = (
  candidate: CandidateName,
  columns: ReadonlyArray<Column>,
  samples: ReadonlyArray<FigureSample>
): FigureCandidate => {
  const result = { candidate, spreads: [], samples }
  return { ...result, spreads: columns.map((_, column) => spreadOf(valuesOf(column, result))) }
}

/** As of throughput: a median stands as long as fewer than half of its rounds were disturbed. */
const trustIn = (measured: ReadonlyArray<FigureCandidate>): Trust => {
  const samples = measured.flatMap((candidate) => candidate.samples)
  if (samples.some(({ problems }) => problems.length > 0)) return "invalid"
  return samples.filter(isDisturbed).length * 2 < samples.length ? "sound" : "disturbed"
}

const verdictsOf = (
  { budgets, name, subject }: FigureRow,
  columns: ReadonlyArray<Column>,
  candidates: ReadonlyArray<FigureCandidate>
): ReadonlyArray<Verdict> => {
  const measured = candidates.find(({ candidate }) => candidate === subject)
  if (measured === undefined) return []
  const ratios = candidates
    .filter((peer) => peer !== measured)
    .flatMap((peer) =>
      // Of two versions of this server nothing may be lost in any column; other peers are compared in the first.
      columns.slice(0, isBefore(peer.candidate) ? columns.length : 1).map((what, column) =>
        judge(
          {
            row: name,
            statement: `${subject} / ${peer.candidate}, ${what.name}`,
            measured: pairedRatios(valuesOf(column, measured), valuesOf(column, peer)),
            unit: "×",
            bound: "at most",
            budget: budgets.timesPeers.find((one) => one.peer === peer.candidate)?.atMost
          },
          trustIn([measured, peer])
        )
      )
    )
  if (budgets.mebibytesAtRest === undefined) return ratios
  const atRest = judge(
    {
      row: name,
      statement: `${subject}, resident memory of the process at rest`,
      measured: spreadOf(valuesOf(1, measured)),
      unit: "MiB",
      bound: "at most",
      budget: budgets.mebibytesAtRest
    },
    trustIn([measured])
  )
  return [...ratios, atRest]
}

/** Undefined when none of its servers was selected. */
export const runFigureRow = async (row: FigureRow, plan: SuitePlan): Promise<FigureResult | undefined> => {
  const selected = row.candidates.filter((candidate) => plan.candidates.includes(candidate))
  if (selected.length === 0) return undefined
  const columns = columnsOf[row.measures]
  const samples = await sampleInRounds(selected, plan.rounds, async (candidate, round) => {
    const sample = await takers[row.measures](candidate)
    const figures = columns.map(({ name, unit }, column) => `${name} ${sample.values[column]?.toFixed(1)} ${unit}`)
    const lost = `${isDisturbed(sample) ? "DISTURBED, " : ""}${Math.round(100 * sample.coreLostToOthers)} % lost`
    showProgress(row.name, round, plan.rounds, candidate, [...figures, lost], sample.problems)
    return sample
  })
  const candidates = [...samples].map(([candidate, taken]) => summarize(candidate, columns, taken))
  const { name, title } = row
  const verdicts = verdictsOf(row, columns, candidates)
  return { name, title, columns, problems: problemsByCandidate(samples), candidates, verdicts }
}
