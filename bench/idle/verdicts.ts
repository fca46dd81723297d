import { type IdleCandidate, judge, type Trust, type Verdict } from "../harness/results.ts"
import { pairedRatios } from "../harness/statistics.ts"
import type { IdleRow } from "../rows/row.ts"

const perConnection = ({ samples }: IdleCandidate): ReadonlyArray<number> =>
  samples.map((sample) => sample.residentBytesPerConnection)

/** Those of the row's budgets whose servers were measured. */
export const idleVerdicts = (
  { budgets, name, subject }: IdleRow,
  candidates: ReadonlyArray<IdleCandidate>,
  trust: Trust
): ReadonlyArray<Verdict> => {
  const { kibibytesPerConnection, mebibytesAtRest, timesPeers = [] } = budgets
  const measured = candidates.find(({ candidate }) => candidate === subject)
  if (measured === undefined) return []
  const most = (question: Pick<Verdict, "statement" | "measured" | "unit" | "budget">): Verdict =>
    judge({ row: name, bound: "at most", ...question }, trust)
  return [
    ...(kibibytesPerConnection === undefined
      ? []
      : [
          most({
            statement: `${subject}, resident memory per idle connection`,
            measured: measured.residentKibibytesPerConnection,
            unit: "KiB",
            budget: kibibytesPerConnection
          })
        ]),
    ...(mebibytesAtRest === undefined
      ? []
      : [
          most({
            statement: `${subject}, resident memory of the process at rest`,
            measured: measured.mebibytesAtRest,
            unit: "MiB",
            budget: mebibytesAtRest
          })
        ]),
    ...timesPeers.flatMap(({ atMost, peer: name }) => {
      const peer = candidates.find(({ candidate }) => candidate === name)
      if (peer === undefined) return []
      return most({
        statement: `${subject} / ${name}, resident memory per connection`,
        measured: pairedRatios(perConnection(measured), perConnection(peer)),
        unit: "×",
        budget: atMost
      })
    })
  ]
}
