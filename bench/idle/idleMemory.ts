import { setTimeout as sleep } from "node:timers/promises"
import type { CandidateName } from "../candidates.ts"
import type { RunPlan } from "../harness/commandLine.ts"
import { showProgress } from "../harness/progress.ts"
import { type IdleCandidate, type IdleResult, type IdleSample, judge, type Trust } from "../harness/results.ts"
import { problemsByCandidate, sampleInRounds } from "../harness/rounds.ts"
import { type RunningServer, withServer } from "../harness/serverProcess.ts"
import { spreadOf } from "../harness/statistics.ts"
import { idleRow } from "../rows.ts"
import { withIdleClient } from "./idleClient.ts"

/** Enough to compile what accepting and answering runs, too few to leave room that later connections would reuse. */
const warmUpConnections = 300

const settleMilliseconds = 500

const kibibytes = (bytes: number): number => bytes / 1024
const mebibytes = (bytes: number): number => bytes / 1_048_576

const measureConnections = (server: RunningServer) =>
  withIdleClient(server.port, async (client) => {
    await client.open(warmUpConnections)
    await client.closeAll()
    await sleep(settleMilliseconds)
    const before = await server.usage()
    await client.open(idleRow.connections)
    await sleep(settleMilliseconds)
    const after = await server.usage()
    const stillOpen = await client.countOpen()
    return {
      residentBytesPerConnection: (after.residentBytes - before.residentBytes) / idleRow.connections,
      heapBytesPerConnection: (after.heapAndExternalBytes - before.heapAndExternalBytes) / idleRow.connections,
      problems: stillOpen === idleRow.connections ? [] : [`only ${stillOpen} connections stayed open`]
    }
  })

const measureAtRest = (server: RunningServer): Promise<number> =>
  withIdleClient(server.port, async (client) => {
    await client.open(1)
    await client.closeAll()
    await sleep(settleMilliseconds)
    return (await server.usage()).residentBytes
  })

const takeSample = async (candidate: CandidateName): Promise<IdleSample> => {
  const residentBytesAtRest = await withServer(candidate, {}, measureAtRest)
  const perConnection = await withServer(candidate, { exposeGarbageCollector: true }, measureConnections)
  return { ...perConnection, residentBytesAtRest }
}

const summarize = (candidate: CandidateName, samples: ReadonlyArray<IdleSample>): IdleCandidate => ({
  candidate,
  residentKibibytesPerConnection: spreadOf(samples.map((sample) => kibibytes(sample.residentBytesPerConnection))),
  heapKibibytesPerConnection: spreadOf(samples.map((sample) => kibibytes(sample.heapBytesPerConnection))),
  mebibytesAtRest: spreadOf(samples.map((sample) => mebibytes(sample.residentBytesAtRest))),
  samples
})

const verdictsOf = (candidates: ReadonlyArray<IdleCandidate>, trust: Trust) =>
  candidates
    .filter(({ candidate }) => candidate === idleRow.subject)
    .flatMap((subject) => [
      judge(
        {
          row: idleRow.name,
          statement: `${idleRow.subject}, resident memory per idle connection`,
          measured: subject.residentKibibytesPerConnection,
          unit: "KiB",
          bound: "at most",
          budget: idleRow.kibibytesPerConnection
        },
        trust
      ),
      judge(
        {
          row: idleRow.name,
          statement: `${idleRow.subject}, resident memory of the process at rest`,
          measured: subject.mebibytesAtRest,
          unit: "MiB",
          bound: "at most",
          budget: idleRow.mebibytesAtRest
        },
        trust
      )
    ])

/** Undefined when none of its servers was selected. */
export const runIdleRow = async (plan: RunPlan): Promise<IdleResult | undefined> => {
  const selected = idleRow.candidates.filter((candidate) => plan.candidates.includes(candidate))
  if (selected.length === 0) return undefined
  const samples = await sampleInRounds(selected, plan.rounds, async (candidate, round) => {
    const sample = await takeSample(candidate)
    const figures = [
      `resident ${kibibytes(sample.residentBytesPerConnection).toFixed(2)} KiB per connection`,
      `heap ${kibibytes(sample.heapBytesPerConnection).toFixed(2)} KiB`,
      `at rest ${mebibytes(sample.residentBytesAtRest).toFixed(1)} MiB`
    ]
    showProgress(idleRow.name, round, plan.rounds, candidate, figures, sample.problems)
    return sample
  })
  const problems = problemsByCandidate(samples)
  const candidates = [...samples].map(([candidate, taken]) => summarize(candidate, taken))
  return {
    name: idleRow.name,
    title: idleRow.title,
    connections: idleRow.connections,
    problems,
    candidates,
    verdicts: verdictsOf(candidates, problems.length === 0 ? "sound" : "invalid")
  }
}
