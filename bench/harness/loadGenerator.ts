import { once } from "node:events"
import { readdir } from "node:fs/promises"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import type { Load } from "../rows.ts"
import { endChild, loadCore, spawnPinned, within } from "./children.ts"
import { BenchmarkProblem } from "./problem.ts"
import { scheduling } from "./scheduling.ts"

export interface LoadResult {
  readonly requests: number
  readonly requestsPerSecond: number
  /** Answers with their heads, and the bodies of requests. */
  readonly mebibytesPerSecond: number
  readonly medianLatencyMicroseconds: number
  readonly tailLatencyMicroseconds: number
  /** The share of the time that wrk was ready to run while its core ran something else. */
  readonly generatorWaiting: number
  readonly problems: ReadonlyArray<string>
}

const script = fileURLToPath(new URL("../wrk/load.lua", import.meta.url))

const commandFor = (port: number, load: Load, seconds: number): ReadonlyArray<string> => [
  "wrk",
  "-t1",
  `-c${load.connections}`,
  `-d${seconds}s`,
  "--timeout",
  "5s",
  "-s",
  script,
  `http://127.0.0.1:${port}`,
  "--",
  load.path,
  load.method,
  String(load.bodyBytes),
  String(load.pipelineDepth),
  load.closeAfterEach ? "close" : "keep"
]

const problemNames = {
  connectErrors: "connections refused",
  readErrors: "read errors",
  writeErrors: "write errors",
  timeouts: "timeouts",
  badStatuses: "answers that are not 2xx or 3xx"
}

const parseResult = (output: string, load: Load, generatorWaiting: number): LoadResult => {
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
  return {
    requests,
    requestsPerSecond: requests / seconds,
    mebibytesPerSecond: (field("bytes") + requests * load.bodyBytes) / seconds / 1_048_576,
    medianLatencyMicroseconds: field("p50"),
    tailLatencyMicroseconds: field("p99"),
    generatorWaiting,
    problems: requests === 0 ? [...problems, "no answers at all"] : problems
  }
}

/** Asked shortly before wrk ends, since its threads take their figures with them. */
const waitingShare = async (processId: number | undefined, seconds: number): Promise<number> => {
  const elapsedMilliseconds = seconds * 1000 - 200
  await sleep(elapsedMilliseconds)
  const tasks = `/proc/${processId}/task`
  const threads = await readdir(tasks).catch(() => [])
  const waits = threads.map((thread) => scheduling(`${tasks}/${thread}`).catch(() => undefined))
  const waited = (await Promise.all(waits)).reduce((sum, thread) => sum + (thread?.waitedMicroseconds ?? 0), 0)
  return waited / (elapsedMilliseconds * 1000)
}

export const generateLoad = async (port: number, load: Load, seconds: number): Promise<LoadResult> => {
  const child = spawnPinned(loadCore, commandFor(port, load, seconds), ["ignore", "pipe", "inherit"])
  if (child.stdout === null) throw new BenchmarkProblem("wrk has no output")
  const ended = Promise.all([text(child.stdout), waitingShare(child.pid, seconds), once(child, "exit")])
  const outcome = await within((seconds + 10) * 1000, ended)
  if (outcome === undefined) {
    await endChild(child)
    throw new BenchmarkProblem(`wrk did not end ${seconds + 10} s after it was started for ${seconds} s`)
  }
  return parseResult(outcome[0], load, outcome[1])
}
