/**
 * How many messages of 200 bytes a second get from one worker to another, with the packages as users install them: two
 * processes, each on a core of its own, without a supervisor, which has no part in it.
 *
 *     node bench/topics/mesh.ts [seconds] [redis://127.0.0.1:6379]
 *
 * With the URL of a Redis server the messages go by that, for which there is no goal.
 *
 * Each message is a value that is encoded, published, sent, read, decoded and taken from a queue. None may be missing, and
 * the memory of both processes is to stay as it was after the first seconds.
 */
import { copyFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { endChild, endChildrenOnExit, loadCore, serverCore, spawnPinned } from "../harness/children.ts"
import { installationFolder, prepareInstallations } from "../harness/installations.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import { medianOf } from "../harness/statistics.ts"
import { usageOf } from "../harness/usage.ts"
import { makeName, remove } from "@pagi/node/process/PoolFolder"

const goalOfWorkers = 100_000

/** Seconds that do not count. */
const warmUp = 3

interface Second {
  readonly count: number
  readonly missing: number
  readonly bytes: number
  readonly resident: number
}

const seconds = Number(process.argv[2] ?? 15)
const redis = process.argv[3]
const goal = redis === undefined ? goalOfWorkers : 0

const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)

const measure = async (program: string, place: string): Promise<void> => {
  const start = (role: string, core: number) =>
    spawnPinned(core, [process.execPath, program, role, place], ["ignore", "pipe", "inherit"])
  const subscriber = start("subscribe", serverCore)
  const publisher = start("publish", loadCore)
  const usage = () => Promise.all([usageOf(publisher.pid), usageOf(subscriber.pid)])
  try {
    const all: Array<Second> = []
    let before = await usage()
    if (subscriber.stdout === null) throw new BenchmarkProblem("the subscriber cannot be read")
    for await (const line of createInterface({ input: subscriber.stdout })) {
      all.push(JSON.parse(line) as Second)
      if (all.length === warmUp) before = await usage()
      if (all.length === warmUp + seconds) break
    }
    const counted = all.slice(warmUp)
    const [first, last] = [counted[0], counted.at(-1)]
    if (first === undefined || last === undefined) throw new BenchmarkProblem("a process has ended")
    const after = await usage()
    const rates = counted.map(({ count }) => count)
    const rate = medianOf(rates)
    const microseconds = after.map(
      (one, index) => one.processorMicroseconds - (before[index]?.processorMicroseconds ?? 0)
    )
    const perProcessor = (rates.reduce((sum, one) => sum + one, 0) / Math.max(...microseconds)) * 1e6
    process.stdout.write(
      [
        `${Math.round(rate)} messages of ${last.bytes} bytes a second (${Math.min(...rates)} to ${Math.max(...rates)}), ${last.missing} gaps`,
        `for each second that the busier process had a processor: ${Math.round(perProcessor)}`,
        ...(goal > 0 ? [`goal: ${goal}, which is ${rate >= goal && last.missing === 0 ? "held" : "missed"}`] : []),
        `memory of the publisher: ${mebibytes(before[0].residentBytes)} to ${mebibytes(after[0].residentBytes)} MiB`,
        `memory of the subscriber: ${mebibytes(first.resident)} to ${mebibytes(last.resident)} MiB`,
        ""
      ].join("\n")
    )
    if (rate < goal || last.missing > 0) process.exitCode = 1
  } finally {
    await endChild(publisher)
    await endChild(subscriber)
  }
}

if (availableParallelism() < 2) throw new BenchmarkProblem("two processes need two cores")
prepareInstallations(new Set(["current"]), undefined)
endChildrenOnExit()
const program = join(installationFolder("current"), "topics-mesh.mjs")
copyFileSync(join(import.meta.dirname, "meshProgram.mjs"), program)
const folder = makeName()
try {
  await measure(program, redis ?? folder)
} finally {
  remove(folder)
}
