import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type CoreShares, coreShares, type LoadResult, runGenerator } from "../harness/generatorProcess.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import type { Http2Load } from "../rows/row.ts"

const withBodyFile = async <Value>(bytes: number, use: (options: ReadonlyArray<string>) => Promise<Value>) => {
  if (bytes === 0) return use([])
  const directory = mkdtempSync(join(tmpdir(), "pagi-bench-"))
  try {
    const file = join(directory, "body")
    writeFileSync(file, Buffer.alloc(bytes, "b"))
    return await use(["--data", file, "--header", "content-type: application/octet-stream"])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const commandFor = (port: number, load: Http2Load, seconds: number): ReadonlyArray<string> => [
  "h2load",
  ...["--threads", "1"],
  ...["--clients", String(load.connections)],
  ...["--max-concurrent-streams", String(load.streams)],
  ...["--duration", String(seconds)],
  // Servers prefer different suites; with one to choose from, all do the same work.
  ...["--tls13-ciphers", "TLS_AES_128_GCM_SHA256"],
  `${load.tls ? "https" : "http"}://127.0.0.1:${port}${load.path}`
]

const numbersIn = (output: string, pattern: RegExp): ReadonlyArray<number> => {
  const match = pattern.exec(output)
  if (match === null) throw new BenchmarkProblem(`h2load gave no result: ${output.trim()}`)
  return match.slice(1).map(Number)
}

const requestLine =
  /^requests: \d+ total, \d+ started, (\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$/m
const statusLine = /^status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$/m
const trafficLine = /^traffic: \S+ \((\d+)\) total/m

const parseResult = (output: string, load: Http2Load, seconds: number, shares: CoreShares): LoadResult => {
  const [count = 0, failed = 0, errored = 0, timedOut = 0] = numbersIn(output, requestLine)
  const badStatuses = numbersIn(output, statusLine).reduce((sum, number) => sum + number, 0)
  const [bytes = 0] = numbersIn(output, trafficLine)
  const protocol = load.tls ? /^Application protocol: h2$/m : /^Application protocol: h2c$/m
  const problems = [
    [failed, "failed requests"],
    [errored, "errored requests"],
    [timedOut, "timeouts"],
    [badStatuses, "answers that are not 2xx"]
  ] as const
  return {
    count,
    // What it counts, it counts within exactly this time.
    seconds,
    mebibytesPerSecond: (bytes + count * load.bodyBytes) / seconds / 1_048_576,
    medianLatencyMicroseconds: undefined,
    tailLatencyMicroseconds: undefined,
    generatorBusy: shares.busy,
    generatorWaiting: shares.waiting,
    problems: [
      ...problems.flatMap(([number, meaning]) => (number === 0 ? [] : [`${number} ${meaning}`])),
      ...(count === 0 ? ["no answers at all"] : []),
      ...(protocol.test(output) ? [] : ["not HTTP/2"])
    ]
  }
}

export const generateStreams = (port: number, load: Http2Load, seconds: number): Promise<LoadResult> =>
  withBodyFile(load.bodyBytes, async (options) => {
    const command = [...commandFor(port, load, seconds), ...options]
    const observe = (processId: number | undefined) => coreShares(processId, seconds)
    const { observed, output } = await runGenerator(command, seconds, observe)
    return parseResult(output, load, seconds, observed)
  })
