import type { Latencies } from "./latencies.ts"
import { ownScheduling } from "./scheduling.ts"

/** What a load generator that is a program of ours prints of its run. */
export interface LoadReport {
  /** What was asked for and came: echoed messages, or answered connections. */
  readonly count: number
  readonly seconds: number
  readonly medianLatencyMicroseconds: number
  readonly tailLatencyMicroseconds: number
  readonly busy: number
  readonly waiting: number
  readonly problems: ReadonlyArray<string>
}

/** Runs a load in this process, which tells how much came of it, and measures the time and the processor that it takes. */
export const measureLoad = async (
  latencies: Latencies,
  run: (startedAt: number) => Promise<number>
): Promise<Omit<LoadReport, "problems">> => {
  const before = await ownScheduling()
  const startedAt = performance.now()
  const count = await run(startedAt)
  const elapsedMicroseconds = (performance.now() - startedAt) * 1000
  const after = await ownScheduling()
  return {
    count,
    seconds: elapsedMicroseconds / 1e6,
    medianLatencyMicroseconds: latencies.microsecondsAt(0.5),
    tailLatencyMicroseconds: latencies.microsecondsAt(0.99),
    busy: (after.processorMicroseconds - before.processorMicroseconds) / elapsedMicroseconds,
    waiting: (after.waitedForOthersMicroseconds - before.waitedForOthersMicroseconds) / elapsedMicroseconds
  }
}

/** Prints the report as the only output of this process, and ends it. */
export const printReport = (report: LoadReport): void => {
  process.stdout.write(JSON.stringify(report), () => process.exit())
}
