import type { CandidateName } from "../candidates.ts"
import type { IdleRow, ThroughputRow } from "../rows/row.ts"
import type { Spread } from "./statistics.ts"

export interface Sample {
  /** Answered requests, echoed messages, or answered connections. */
  readonly perSecond: number
  readonly mebibytesPerSecond: number
  readonly medianLatencyMicroseconds: number | undefined
  readonly tailLatencyMicroseconds: number | undefined
  /** The share of its core that the server used; well below 1 the limit was the load generator or another program. */
  readonly serverBusy: number
  readonly generatorBusy: number
  /** The larger share of the time that the server, or the load generator, wanted its core while other programs had it. */
  readonly coreLostToOthers: number
  readonly peakResidentBytes: number
  /** More than one when other programs disturbed the first. */
  readonly attempts: number
  readonly problems: ReadonlyArray<string>
}

export interface CandidateSamples {
  readonly candidate: CandidateName
  readonly perSecond: Spread
  readonly samples: ReadonlyArray<Sample>
}

/** How a measured value stands to what DESIGN §5 asks for. */
export interface Verdict {
  readonly row: string
  readonly statement: string
  readonly measured: Spread
  readonly unit: "×" | "KiB" | "MiB"
  readonly bound: "at least" | "at most"
  readonly budget: number | undefined
  readonly outcome: "met" | "missed" | "no budget" | "disturbed" | "invalid"
}

const tolerableCoreLoss = 0.05

/** Other programs used the cores, so the figures say little about the server. */
export const isDisturbed = (sample: Pick<Sample, "coreLostToOthers">): boolean =>
  sample.coreLostToOthers > tolerableCoreLoss

export interface ThroughputResult {
  readonly name: string
  readonly title: string
  readonly load: ThroughputRow["load"]
  readonly unit: "requests/s" | "messages/s" | "connections/s"
  readonly problems: ReadonlyArray<string>
  readonly candidates: ReadonlyArray<CandidateSamples>
  readonly verdicts: ReadonlyArray<Verdict>
}

export interface IdleSample {
  readonly residentBytesPerConnection: number
  readonly heapBytesPerConnection: number
  readonly residentBytesAtRest: number
  readonly problems: ReadonlyArray<string>
}

export interface IdleCandidate {
  readonly candidate: CandidateName
  readonly residentKibibytesPerConnection: Spread
  readonly heapKibibytesPerConnection: Spread
  readonly mebibytesAtRest: Spread
  readonly samples: ReadonlyArray<IdleSample>
}

export interface IdleResult {
  readonly name: string
  readonly title: string
  readonly protocol: IdleRow["protocol"]
  readonly connections: number
  readonly problems: ReadonlyArray<string>
  readonly candidates: ReadonlyArray<IdleCandidate>
  readonly verdicts: ReadonlyArray<Verdict>
}

export type Trust = "sound" | "disturbed" | "invalid"

export const judge = (question: Omit<Verdict, "outcome">, trust: Trust): Verdict => {
  const { bound, budget, measured } = question
  if (trust !== "sound") return { ...question, outcome: trust }
  if (budget === undefined) return { ...question, outcome: "no budget" }
  const isMet = bound === "at least" ? measured.median >= budget : measured.median <= budget
  return { ...question, outcome: isMet ? "met" : "missed" }
}
