import { candidateOf, type CandidateName, isBefore } from "../candidates.ts"
import { needsCertificate, type ThroughputRow } from "../rows/row.ts"
import { requestOf } from "../rows/tls.ts"
import { generateStreams } from "../h2load/generator.ts"
import { checkHttp2Agreement } from "../http2/agreement.ts"
import { generateConnections } from "../tls/generator.ts"
import { checkEchoAgreement } from "../websocket/agreement.ts"
import { generateEchoes } from "../websocket/generator.ts"
import { generateRequests } from "../wrk/generator.ts"
import { withAccessLogFile } from "./accessLogFile.ts"
import { checkHttpAgreement } from "./agreement.ts"
import { certificate } from "./certificate.ts"
import type { SuitePlan } from "./commandLine.ts"
import type { LoadResult } from "./generatorProcess.ts"
import { showProgress } from "./progress.ts"
import { isDisturbed, judge, type Sample, type ThroughputResult, type Trust, type Verdict } from "./results.ts"
import { problemsByCandidate, sampleInRounds } from "./rounds.ts"
import type { RunningServer, StartOptions } from "./runningServer.ts"
import { withServer } from "./serverProcess.ts"
import { pairedRatios, spreadOf } from "./statistics.ts"

const warmUpSeconds = 1

interface Measurement {
  readonly sample: Sample
  /** Including those of the warm-up. */
  readonly requests: number
}

const generateLoad = (port: number, row: ThroughputRow, seconds: number): Promise<LoadResult> => {
  switch (row.protocol) {
    case "http":
      return generateRequests(port, row.load, seconds)
    case "http2":
      return generateStreams(port, row.load, seconds)
    case "websocket":
      return generateEchoes(port, row.load, seconds)
    case "tls":
      return generateConnections(port, row.load, seconds)
  }
}

const checkAgreement = (candidate: CandidateName, port: number, row: ThroughputRow): Promise<void> => {
  switch (row.protocol) {
    case "http":
      return checkHttpAgreement(candidate, port, row)
    case "http2":
      return checkHttp2Agreement(candidate, port, row)
    case "websocket":
      return checkEchoAgreement(candidate, port, row)
    case "tls":
      return checkHttpAgreement(candidate, port, requestOf(row))
  }
}

const startOptionsOf = (row: ThroughputRow): StartOptions => (needsCertificate(row) ? { certificate } : {})

const measure = async (server: RunningServer, row: ThroughputRow, seconds: number): Promise<Measurement> => {
  const warmUp = await generateLoad(server.port, row, warmUpSeconds)
  const before = await server.usage()
  const load = await generateLoad(server.port, row, seconds)
  const after = await server.usage()
  const { count, generatorWaiting, seconds: elapsedSeconds, ...figures } = load
  // Before and after the load, while its generator starts and ends, the server has next to nothing to do.
  const elapsedMicroseconds = elapsedSeconds * 1e6
  const serverBusy = (after.processorMicroseconds - before.processorMicroseconds) / elapsedMicroseconds
  const serverWaiting = (after.waitedForOthersMicroseconds - before.waitedForOthersMicroseconds) / elapsedMicroseconds
  const sample: Sample = {
    ...figures,
    perSecond: count / elapsedSeconds,
    attempts: 1,
    coreLostToOthers: Math.max(0, serverWaiting, generatorWaiting),
    serverBusy: Math.min(1, serverBusy),
    peakResidentBytes: after.peakResidentBytes,
    problems: [...warmUp.problems, ...load.problems]
  }
  return { sample, requests: count + warmUp.count }
}

const takeSample = (candidate: CandidateName, row: ThroughputRow, seconds: number): Promise<Sample> => {
  if (candidateOf(candidate).writesAccessLog !== true) {
    return withServer(candidate, startOptionsOf(row), async (server) => (await measure(server, row, seconds)).sample)
  }
  return withAccessLogFile(async (log) => {
    const use = (server: RunningServer) => measure(server, row, seconds)
    const { requests, sample } = await withServer(candidate, { ...startOptionsOf(row), accessLogPath: log.path }, use)
    return { ...sample, problems: [...sample.problems, ...(await log.problems(requests))] }
  })
}

const attemptLimit = 3

/**
 * Measures again when other programs had the cores. Only that decides, never the figure, and never after a problem,
 * so this favours no server; the attempt that lost least is kept.
 */
const takeQuietSample = async (candidate: CandidateName, row: ThroughputRow, seconds: number): Promise<Sample> => {
  let quietest = await takeSample(candidate, row, seconds)
  for (let attempts = 2; attempts <= attemptLimit && isDisturbed(quietest); attempts++) {
    if (quietest.problems.length > 0) break
    const sample = await takeSample(candidate, row, seconds)
    const keepsNew = sample.problems.length > 0 || sample.coreLostToOthers < quietest.coreLostToOthers
    quietest = { ...(keepsNew ? sample : quietest), attempts }
  }
  return quietest
}

const checkEachServer = async (row: ThroughputRow, candidates: ReadonlyArray<CandidateName>): Promise<void> => {
  for (const candidate of candidates) {
    await withAccessLogFile((log) => {
      const logging = candidateOf(candidate).writesAccessLog === true ? { accessLogPath: log.path } : {}
      return withServer(candidate, { ...startOptionsOf(row), ...logging }, (server) =>
        checkAgreement(candidate, server.port, row)
      )
    })
  }
}

/** A median stands as long as fewer than half of its rounds were disturbed. */
const trustIn = (subject: ReadonlyArray<Sample>, peer: ReadonlyArray<Sample>): Trust => {
  const rounds = subject.map((sample, round) => [sample, peer[round] ?? sample])
  if (rounds.some((pair) => pair.some((sample) => sample.problems.length > 0))) return "invalid"
  const disturbed = rounds.filter((pair) => pair.some(isDisturbed))
  return disturbed.length * 2 < rounds.length ? "sound" : "disturbed"
}

const perSecond = ({ perSecond }: Sample): number => perSecond

const perBusySecond = ({ perSecond, serverBusy }: Sample): number => perSecond / serverBusy

const tail = ({ tailLatencyMicroseconds }: Sample): number => tailLatencyMicroseconds ?? Number.NaN

const compare = (
  row: ThroughputRow,
  peer: CandidateName,
  subject: ReadonlyArray<Sample>,
  measured: ReadonlyArray<Sample>
): ReadonlyArray<Verdict> => {
  const { atLeast, atLeastWhenBusy, tailAtMost } = row.budgets.find((one) => one.peer === peer) ?? {}
  const trust = trustIn(subject, measured)
  const verdict = (
    what: string,
    figure: (sample: Sample) => number,
    bound: Verdict["bound"],
    budget: number | undefined
  ): Verdict => {
    const statement = `${row.subject} / ${peer}${what}`
    const ratios = pairedRatios(subject.map(figure), measured.map(figure))
    return judge({ row: row.name, statement, measured: ratios, unit: "×", bound, budget }, trust)
  }
  const isJudgedByWork = row.protocol === "tls"
  const workBudget = isJudgedByWork ? atLeast : atLeastWhenBusy
  // The generators of these take about as long for an answer as a server does, so they may be the limit; and of two
  // versions of one server this tells smaller differences.
  const showsWork = workBudget !== undefined || row.protocol === "http2" || isBefore(peer)
  return [
    verdict("", perSecond, "at least", isJudgedByWork ? undefined : atLeast),
    ...(showsWork ? [verdict(", per busy second of the server", perBusySecond, "at least", workBudget)] : []),
    ...(tailAtMost === undefined ? [] : [verdict(", 99th percentile of latencies", tail, "at most", tailAtMost)])
  ]
}

const verdictsOf = (
  row: ThroughputRow,
  samples: ReadonlyMap<CandidateName, ReadonlyArray<Sample>>
): ReadonlyArray<Verdict> => {
  const subject = samples.get(row.subject)
  if (subject === undefined) return []
  return row.peers.flatMap((peer) => {
    const measured = samples.get(peer)
    return measured === undefined ? [] : compare(row, peer, subject, measured)
  })
}

const units = { http: "requests/s", http2: "requests/s", websocket: "messages/s", tls: "connections/s" } as const

const percent = (share: number): string => `${Math.round(share * 100)} %`

/** Undefined when none of its servers was selected. */
export const runThroughputRow = async (row: ThroughputRow, plan: SuitePlan): Promise<ThroughputResult | undefined> => {
  const candidates = [row.subject, ...row.peers].filter((candidate) => plan.candidates.includes(candidate))
  if (candidates.length === 0) return undefined
  const unit = units[row.protocol]
  await checkEachServer(row, candidates)
  const samples = await sampleInRounds(candidates, plan.rounds, async (candidate, round) => {
    const sample = await takeQuietSample(candidate, row, plan.seconds)
    const figure = `${Math.round(sample.perSecond).toLocaleString("en")} ${unit}`
    const busy = `server ${percent(sample.serverBusy)} and generator ${percent(sample.generatorBusy)} busy`
    const disturbance = `${isDisturbed(sample) ? "DISTURBED, " : ""}${percent(sample.coreLostToOthers)} lost`
    showProgress(row.name, round, plan.rounds, candidate, [figure, busy, disturbance], sample.problems)
    return sample
  })
  const problems = problemsByCandidate(samples)
  return {
    name: row.name,
    title: row.title,
    load: row.load,
    unit,
    problems,
    candidates: [...samples].map(([candidate, taken]) => ({
      candidate,
      perSecond: spreadOf(taken.map((sample) => sample.perSecond)),
      samples: taken
    })),
    verdicts: verdictsOf(row, samples)
  }
}
