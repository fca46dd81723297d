import { setTimeout as sleep } from "node:timers/promises"
import type { CandidateName } from "../candidates.ts"
import type { SuitePlan } from "../harness/commandLine.ts"
import { descriptorLimit } from "../harness/machine.ts"
import { showProgress } from "../harness/progress.ts"
import type { IdleCandidate, IdleResult, IdleSample } from "../harness/results.ts"
import { problemsByCandidate, sampleInRounds } from "../harness/rounds.ts"
import type { RunningServer } from "../harness/runningServer.ts"
import { withServer } from "../harness/serverProcess.ts"
import { spreadOf } from "../harness/statistics.ts"
import type { IdleRow } from "../rows/row.ts"
import { withIdleClient } from "./idleClient.ts"
import { idleVerdicts } from "./verdicts.ts"

/** Enough to compile what accepting and answering runs, too few to leave room that later connections would reuse. */
const warmUpConnections = 300

const settleMilliseconds = 500

/** For everything that is not one of the connections, and for what a server keeps back. */
const otherDescriptors = 200

const kibibytes = (bytes: number): number => bytes / 1024
const mebibytes = (bytes: number): number => bytes / 1_048_576

const measureConnections = (server: RunningServer, { connections, protocol }: IdleRow) =>
  withIdleClient(server.port, protocol, async (client) => {
    await client.open(warmUpConnections)
    await client.closeAll()
    await sleep(settleMilliseconds)
    const before = await server.memory()
    await client.open(connections)
    await sleep(settleMilliseconds)
    const after = await server.memory()
    const stillOpen = await client.countOpen()
    return {
      residentBytesPerConnection: (after.residentBytes - before.residentBytes) / connections,
      heapBytesPerConnection: (after.heapAndExternalBytes - before.heapAndExternalBytes) / connections,
      problems: stillOpen === connections ? [] : [`only ${stillOpen} connections stayed open`]
    }
  })

const measureAtRest = (server: RunningServer, { protocol }: IdleRow): Promise<number> =>
  withIdleClient(server.port, protocol, async (client) => {
    await client.open(1)
    await client.closeAll()
    await sleep(settleMilliseconds)
    return (await server.usage()).residentBytes
  })

const takeSample = async (candidate: CandidateName, row: IdleRow): Promise<IdleSample> => {
  const residentBytesAtRest = await withServer(candidate, {}, (server) => measureAtRest(server, row))
  const perConnection = await withServer(candidate, { measuresMemory: true }, (server) =>
    measureConnections(server, row)
  )
  return { ...perConnection, residentBytesAtRest }
}

const summarize = (candidate: CandidateName, samples: ReadonlyArray<IdleSample>): IdleCandidate => ({
  candidate,
  residentKibibytesPerConnection: spreadOf(samples.map((sample) => kibibytes(sample.residentBytesPerConnection))),
  heapKibibytesPerConnection: spreadOf(samples.map((sample) => kibibytes(sample.heapBytesPerConnection))),
  mebibytesAtRest: spreadOf(samples.map((sample) => mebibytes(sample.residentBytesAtRest))),
  samples
})

/** Undefined when none of its servers was selected. */
export const runIdleRow = async (whole: IdleRow, plan: SuitePlan): Promise<IdleResult | undefined> => {
  const row = { ...whole, connections: Math.min(whole.connections, descriptorLimit() - otherDescriptors) }
  const selected = row.candidates.filter((candidate) => plan.candidates.includes(candidate))
  if (selected.length === 0) return undefined
  const samples = await sampleInRounds(selected, plan.rounds, async (candidate, round) => {
    const sample = await takeSample(candidate, row)
    const figures = [
      `resident ${kibibytes(sample.residentBytesPerConnection).toFixed(2)} KiB per connection`,
      `heap ${kibibytes(sample.heapBytesPerConnection).toFixed(2)} KiB`,
      `at rest ${mebibytes(sample.residentBytesAtRest).toFixed(1)} MiB`
    ]
    showProgress(row.name, round, plan.rounds, candidate, figures, sample.problems)
    return sample
  })
  const problems = problemsByCandidate(samples)
  const candidates = [...samples].map(([candidate, taken]) => summarize(candidate, taken))
  const { connections, name, protocol, title } = row
  const verdicts = idleVerdicts(row, candidates, problems.length === 0 ? "sound" : "invalid")
  return { name, title, protocol, connections, problems, candidates, verdicts }
}
