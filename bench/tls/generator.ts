import { fileURLToPath } from "node:url"
import { type LoadResult, runGenerator } from "../harness/generatorProcess.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import type { TlsLoad } from "../rows/row.ts"
import { greeting } from "../servers/support/contract.ts"
import type { ConnectionsReport } from "./client.ts"

const script = fileURLToPath(new URL("./client.ts", import.meta.url))

const commandFor = (port: number, load: TlsLoad, seconds: number): ReadonlyArray<string> => [
  process.execPath,
  script,
  ...["--port", String(port)],
  ...["--connections", String(load.connections)],
  ...(load.resumes ? ["--resumes"] : []),
  ...["--seconds", String(seconds)]
]

const parseReport = (output: string): ConnectionsReport => {
  try {
    // The client prints a report and nothing else.
    return JSON.parse(output) as ConnectionsReport
  } catch {
    throw new BenchmarkProblem(`the TLS client gave no result: ${output.trim()}`)
  }
}

export const generateConnections = async (port: number, load: TlsLoad, seconds: number): Promise<LoadResult> => {
  const { output } = await runGenerator(commandFor(port, load, seconds), seconds, async () => undefined)
  const { busy, connections, problems, waiting, ...report } = parseReport(output)
  return {
    ...report,
    count: connections,
    mebibytesPerSecond: (connections * greeting.length) / report.seconds / 1_048_576,
    generatorBusy: busy,
    generatorWaiting: waiting,
    problems: connections === 0 ? [...problems, "no connections at all"] : problems
  }
}
