import type { CandidateName } from "../candidates.ts"
import type { Verdict } from "../harness/results.ts"
import type { Spread } from "../harness/statistics.ts"
import type { FigureRow } from "../rows/row.ts"

export interface FigureSample {
  /** One for each column of the row. */
  readonly values: ReadonlyArray<number>
  readonly coreLostToOthers: number
  readonly problems: ReadonlyArray<string>
}

export interface FigureCandidate {
  readonly candidate: CandidateName
  readonly spreads: ReadonlyArray<Spread>
  readonly samples: ReadonlyArray<FigureSample>
}

export interface FigureResult {
  readonly name: string
  readonly title: string
  readonly columns: ReadonlyArray<Column>
  readonly problems: ReadonlyArray<string>
  readonly candidates: ReadonlyArray<FigureCandidate>
  readonly verdicts: ReadonlyArray<Verdict>
}

export interface Column {
  readonly name: string
  readonly unit: "ms" | "MiB"
}

export const columnsOf: Readonly<Record<FigureRow["measures"], ReadonlyArray<Column>>> = {
  start: [
    { name: "to the first answer", unit: "ms" },
    { name: "resident at rest", unit: "MiB" }
  ],
  "slow readers": [
    { name: "longest wait", unit: "ms" },
    { name: "peak memory", unit: "MiB" }
  ]
}
