import { type LoadResult, runGenerator } from "./generatorProcess.ts"
import type { LoadReport } from "./loadReport.ts"
import { BenchmarkProblem } from "./problem.ts"

/** A load generator that is a program of ours. */
export interface LoadClient {
  /** For messages. */
  readonly name: string
  readonly script: string
  readonly arguments: ReadonlyArray<string>
  /** What it counts, and the payload of each. */
  readonly counts: string
  readonly bytesOfEach: number
}

const parseReport = ({ name }: LoadClient, output: string): LoadReport => {
  try {
    // The client prints a report and nothing else.
    return JSON.parse(output) as LoadReport
  } catch {
    throw new BenchmarkProblem(`the ${name} client gave no result: ${output.trim()}`)
  }
}

/** Runs the client against a server for so long, and returns what it reports. */
export const runLoadClient = async (client: LoadClient, port: number, seconds: number): Promise<LoadResult> => {
  const command = [process.execPath, client.script, "--port", String(port), "--seconds", String(seconds)]
  const { output } = await runGenerator([...command, ...client.arguments], seconds, async () => undefined)
  const { busy, problems, waiting, ...report } = parseReport(client, output)
  return {
    ...report,
    mebibytesPerSecond: (report.count * client.bytesOfEach) / report.seconds / 1_048_576,
    generatorBusy: busy,
    generatorWaiting: waiting,
    problems: report.count === 0 ? [...problems, `no ${client.counts} at all`] : problems
  }
}
