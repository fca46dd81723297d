import { type CandidateName, candidateNames } from "./candidates.ts"
import { effect } from "./rows/effect.ts"
import { http1 } from "./rows/http1.ts"
import { http2 } from "./rows/http2.ts"
import { process } from "./rows/process.ts"
import type { Budget, Limit, Suite, ThroughputRow } from "./rows/row.ts"
import { tls } from "./rows/tls.ts"
import { websocket } from "./rows/websocket.ts"

export const suites: ReadonlyArray<Suite> = [http1, effect, tls, http2, websocket, process]

export const rowNamesOf = (suite: Suite): ReadonlyArray<string> => [
  ...suite.throughput.map((row) => row.name),
  ...suite.figures.map((row) => row.name),
  ...(suite.idle === undefined ? [] : [suite.idle.name])
]

const measuredIn = (suite: Suite): ReadonlySet<CandidateName> =>
  new Set([
    ...suite.throughput.flatMap((row) => [row.subject, ...row.peers]),
    ...suite.figures.flatMap((row) => row.candidates),
    ...(suite.idle?.candidates ?? [])
  ])

export const candidatesOf = (suite: Suite): ReadonlyArray<CandidateName> => {
  const named = measuredIn(suite)
  return candidateNames.filter((name) => named.has(name))
}

/** A change may cost so much, since a benchmark does not tell less from chance. */
const tolerance = 0.03

const predecessors: Partial<Record<CandidateName, CandidateName>> = {
  pagi: "pagi-before",
  "pagi-access-log": "pagi-before-access-log"
}

const rowWithBefore = (row: ThroughputRow): ThroughputRow => {
  const peer = predecessors[row.subject]
  if (peer === undefined) return row
  const budget: Budget = { peer, atLeast: 1 - tolerance }
  return { ...row, peers: [peer, ...row.peers], budgets: [budget, ...row.budgets] }
}

const limit: Limit = { peer: "pagi-before", atMost: 1 + tolerance }

/** The same rows with another version of this server as a peer, compared with which nothing may be lost. */
export const withBefore = (suite: Suite): Suite => ({
  ...suite,
  throughput: suite.throughput.map(rowWithBefore),
  figures: suite.figures.map((row) => ({
    ...row,
    candidates: [...row.candidates, "pagi-before"],
    budgets: { ...row.budgets, timesPeers: [limit, ...row.budgets.timesPeers] }
  })),
  ...(suite.idle === undefined
    ? {}
    : {
        idle: {
          ...suite.idle,
          candidates: [...suite.idle.candidates, "pagi-before"],
          budgets: { ...suite.idle.budgets, timesPeers: [limit, ...(suite.idle.budgets.timesPeers ?? [])] }
        }
      })
})
