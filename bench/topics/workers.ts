/**
 * A topic over two workers, against one process with as many WebSockets: publishes so many messages a second, and tells how
 * late subscribers had them, whether each had every message once and in order, and how much memory the processes grew by.
 * All processes share the machine's cores.
 *
 *     node bench/topics/workers.ts --connections 4000 --bytes 200 --rate 100 --seconds 20 --rounds 2
 */
import type { ChildProcess } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname } from "node:path"
import { parseArgs } from "node:util"
import { endChild, endChildrenOnExit, spawnPinned } from "../harness/children.ts"
import { freePort } from "../harness/freePort.ts"
import { installationFolder, prepareInstallations } from "../harness/installations.ts"
import { commandFor } from "../harness/programs.ts"
import { writeServerFiles } from "../harness/serverFiles.ts"
import { medianOf, pairedRatios } from "../harness/statistics.ts"
import { usageOf } from "../harness/usage.ts"
import { PublisherControl, Subscribers } from "./session.ts"

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "4000" },
    bytes: { type: "string", default: "200" },
    rate: { type: "string", default: "100" },
    seconds: { type: "string", default: "20" },
    rounds: { type: "string", default: "2" },
    workers: { type: "string", default: "2" }
  }
})

const connections = Number(values.connections)
const bytes = Number(values.bytes)
const rate = Number(values.rate)
const seconds = Number(values.seconds)
const warmUpSeconds = 5
const startLimitMilliseconds = 20_000
const cores = "0,1"

/** The process and those below it. */
const processesOf = (id: number): ReadonlyArray<number> => {
  const children = readFileSync(`/proc/${id}/task/${id}/children`, "latin1").split(" ").filter(Boolean)
  return [id, ...children.flatMap((child) => processesOf(Number(child)))]
}

const mebibytesOf = async (id: number): Promise<number> => {
  let bytes = 0
  for (const one of processesOf(id)) bytes += (await usageOf(one)).residentBytes
  return bytes / 1_048_576
}

const whenListening = async (port: number): Promise<PublisherControl> => {
  for (const until = performance.now() + startLimitMilliseconds; ;) {
    const control = new PublisherControl(port)
    try {
      await control.ask("count")
      return control
    } catch (error) {
      if (performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

interface Sample {
  readonly p99: number
  readonly mebibytesBefore: number
  readonly mebibytesAfter: number
}

const start = (port: number, workers: number): ChildProcess => {
  const [command = "", ...args] = commandFor("topics", port, {})
  const path = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`
  const flags = workers > 1 ? ["--workers", String(workers)] : []
  // The application comes last.
  const line = ["taskset", "-c", cores, "setpriv", "--pdeathsig", "KILL", command, ...flags, ...args]
  return spawnPinned(0, line, ["ignore", "inherit", "inherit"], {
    cwd: installationFolder("current"),
    env: { ...process.env, PATH: path, NODE_ENV: "production", BENCH_PORT: String(port) }
  })
}

const measure = async (workers: number): Promise<Sample> => {
  const port = await freePort()
  const server = start(port, workers)
  const id = server.pid ?? 0
  const name = workers === 1 ? "one process" : `${workers} workers`
  const control = await whenListening(port)
  const subscribers = await Subscribers.open(port, connections, bytes, cores)
  try {
    const publish = (duration: number) =>
      subscribers.getAll(name, "latencies", (first) => control.keepPace(bytes, first, rate, duration))
    await publish(warmUpSeconds)
    const mebibytesBefore = await mebibytesOf(id)
    const { connections: count } = await control.ask<{ connections: number }>("count")
    const { published, seen } = await publish(seconds)
    const mebibytesAfter = await mebibytesOf(id)
    const { longest, p50, p99 } = seen
    console.log(
      [
        `${name}: ${count} of ${connections} here,`,
        `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, longest ${longest.toFixed(1)} ms,`,
        `published in ${published.seconds.toFixed(1)} s, longest turn ${published.longestTurn.toFixed(1)} ms,`,
        `the publisher's process ${((100 * published.processorSeconds) / published.seconds).toFixed(0)} % of a core,`,
        `the subscribers' ${((100 * seen.processorSeconds) / published.seconds).toFixed(0)} %,`,
        `memory ${mebibytesBefore.toFixed(0)} → ${mebibytesAfter.toFixed(0)} MiB`
      ].join(" ")
    )
    return { p99, mebibytesBefore, mebibytesAfter }
  } finally {
    control.end()
    await subscribers.end()
    await endChild(server)
  }
}

prepareInstallations(new Set(["current"]), undefined)
await writeServerFiles("current")
endChildrenOnExit()

const one: Array<Sample> = []
const several: Array<Sample> = []
for (let round = 0; round < Number(values.rounds); round++) {
  const both = [
    async () => void one.push(await measure(1)),
    async () => void several.push(await measure(Number(values.workers)))
  ]
  for (const run of round % 2 === 0 ? both : both.toReversed()) await run()
}
const ratios = pairedRatios(
  several.map(({ p99 }) => p99),
  one.map(({ p99 }) => p99)
)
const range = `${ratios.minimum.toFixed(2)} to ${ratios.maximum.toFixed(2)}`
console.log(`p99 of ${values.workers} workers / of one process: ${ratios.median.toFixed(2)} (${range})`)
const growth = several.map(({ mebibytesAfter, mebibytesBefore }) => mebibytesAfter - mebibytesBefore)
console.log(`memory of the workers grew by ${medianOf(growth).toFixed(1)} MiB in ${seconds} s`)
process.exit(0)
