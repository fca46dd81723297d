import { fileURLToPath } from "node:url"
import { type CoreShares, coreShares, type LoadResult, runGenerator } from "../harness/generatorProcess.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import type { HttpLoad } from "../rows/row.ts"

const script = fileURLToPath(new URL("./load.lua", import.meta.url))

const commandFor = (port: number, load: HttpLoad, seconds: number): ReadonlyArray<string> => [
  "wrk",
  "-t1",
  `-c${load.connections}`,
  `-d${seconds}s`,
  "--timeout",
  "5s",
  "-s",
  script,
  `${load.tls ? "https" : "http"}://127.0.0.1:${port}`,
  "--",
  load.path,
  load.method,
  String(load.bodyBytes),
  String(load.pipelineDepth),
  load.closeAfterEach ? "close" : "keep",
  ...(load.json === undefined ? [] : [load.json])
]

const problemNames = {
  connectErrors: "connections refused",
  readErrors: "read errors",
  writeErrors: "write errors",
  timeouts: "timeouts",
  badStatuses: "answers that are not 2xx or 3xx"
}

const parseResult = (output: string, load: HttpLoad, shares: CoreShares): LoadResult => {
  const line = output.split("\n").find((candidate) => candidate.startsWith("RESULT "))
  if (line === undefined) throw new BenchmarkProblem(`wrk gave no result: ${output.trim()}`)
  const fields = new Map(
    line
      .split(" ")
      .slice(1)
      .map((pair) => [pair.split("=")[0] ?? "", Number(pair.split("=")[1])])
  )
  const field = (name: string): number => fields.get(name) ?? Number.NaN
  const seconds = field("microseconds") / 1e6
  const requests = field("requests")
  const problems = Object.entries(problemNames).flatMap(([name, meaning]) =>
    field(name) === 0 ? [] : [`${field(name)} ${meaning}`]
  )
  // wrk times a pipelined batch as one, and has no tail for it.
  const hasLatencies = load.pipelineDepth === 1
  return {
    count: requests,
    seconds,
    mebibytesPerSecond: (field("bytes") + requests * load.bodyBytes) / seconds / 1_048_576,
    medianLatencyMicroseconds: hasLatencies ? field("p50") : undefined,
    tailLatencyMicroseconds: hasLatencies ? field("p99") : undefined,
    generatorBusy: shares.busy,
    generatorWaiting: shares.waiting,
    problems: requests === 0 ? [...problems, "no answers at all"] : problems
  }
}

export const generateRequests = async (port: number, load: HttpLoad, seconds: number): Promise<LoadResult> => {
  const observe = (processId: number | undefined) => coreShares(processId, seconds)
  const { observed, output } = await runGenerator(commandFor(port, load, seconds), seconds, observe)
  return parseResult(output, load, observed)
}
