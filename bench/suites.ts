import { type CandidateName, candidateNames } from "./candidates.ts"
import { http1 } from "./rows/http1.ts"
import { http2 } from "./rows/http2.ts"
import type { Suite } from "./rows/row.ts"
import { websocket } from "./rows/websocket.ts"

export const suites: ReadonlyArray<Suite> = [http1, http2, websocket]

export const rowNamesOf = (suite: Suite): ReadonlyArray<string> => [
  ...suite.throughput.map((row) => row.name),
  suite.idle.name
]

export const candidatesOf = (suite: Suite): ReadonlyArray<CandidateName> => {
  const named = new Set([...suite.throughput.flatMap((row) => [row.subject, ...row.peers]), ...suite.idle.candidates])
  return candidateNames.filter((name) => named.has(name))
}
