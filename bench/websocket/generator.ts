import { fileURLToPath } from "node:url"
import { type LoadResult, runGenerator } from "../harness/generatorProcess.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import type { EchoLoad } from "../rows/row.ts"
import type { EchoReport } from "./client.ts"

const script = fileURLToPath(new URL("./client.ts", import.meta.url))

const commandFor = (port: number, load: EchoLoad, seconds: number): ReadonlyArray<string> => [
  process.execPath,
  script,
  ...["--port", String(port)],
  ...["--connections", String(load.connections)],
  ...["--in-flight", String(load.messagesInFlight)],
  ...["--bytes", String(load.messageBytes)],
  ...["--kind", load.kind],
  ...["--seconds", String(seconds)]
]

const parseReport = (output: string): EchoReport => {
  try {
    // The client prints a report and nothing else.
    return JSON.parse(output) as EchoReport
  } catch {
    throw new BenchmarkProblem(`the WebSocket client gave no result: ${output.trim()}`)
  }
}

export const generateEchoes = async (port: number, load: EchoLoad, seconds: number): Promise<LoadResult> => {
  const { output } = await runGenerator(commandFor(port, load, seconds), seconds, async () => undefined)
  const { busy, messages, problems, waiting, ...report } = parseReport(output)
  return {
    ...report,
    count: messages,
    mebibytesPerSecond: (messages * load.messageBytes) / report.seconds / 1_048_576,
    generatorBusy: busy,
    generatorWaiting: waiting,
    problems: messages === 0 ? [...problems, "no echoes at all"] : problems
  }
}
