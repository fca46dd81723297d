import type { CandidateName } from "../candidates.ts"

export const showProgress = (
  row: string,
  round: number,
  rounds: number,
  candidate: CandidateName,
  figures: ReadonlyArray<string>,
  problems: ReadonlyArray<string>
): void => {
  const loud = problems.length === 0 ? "" : `  INVALID: ${problems.join("; ")}`
  process.stderr.write(`${row} ${round + 1}/${rounds}  ${candidate.padEnd(24)} ${figures.join(", ")}${loud}\n`)
}
