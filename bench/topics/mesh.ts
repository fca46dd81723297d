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
import { type ChildProcess, spawn } from "node:child_process"
import { copyFileSync, readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { installationFolder, prepareInstallations } from "../harness/installations.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import { medianOf } from "../harness/statistics.ts"
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

const residentOf = ({ pid }: ChildProcess): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024

/** Seconds of processor time, of all threads; Linux counts in hundredths. */
const processorOf = ({ pid }: ChildProcess): number => {
  const [, rest = ""] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? []
  const fields = rest.split(" ")
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)

const measure = async (program: string, place: string): Promise<void> => {
  const start = (role: string, core: number): ChildProcess =>
    spawn("taskset", ["-c", String(core), process.execPath, program, role, place], {
      stdio: ["ignore", "pipe", "inherit"]
    })
  const subscriber = start("subscribe", 0)
  const publisher = start("publish", 1)
  try {
    const all: Array<Second> = []
    let publisherAtFirst = 0
    let processorAtFirst = [0, 0]
    const processors = () => [publisher, subscriber].map(processorOf)
    if (subscriber.stdout === null) throw new BenchmarkProblem("the subscriber cannot be read")
    for await (const line of createInterface({ input: subscriber.stdout })) {
      all.push(JSON.parse(line) as Second)
      if (all.length === warmUp) {
        publisherAtFirst = residentOf(publisher)
        processorAtFirst = processors()
      }
      if (all.length === warmUp + seconds) break
    }
    const counted = all.slice(warmUp)
    const [first, last] = [counted[0], counted.at(-1)]
    if (first === undefined || last === undefined) throw new BenchmarkProblem("a process has ended")
    const rates = counted.map(({ count }) => count)
    const rate = medianOf(rates)
    const used = processors().map((seconds, index) => seconds - (processorAtFirst[index] ?? 0))
    const perProcessor = rates.reduce((sum, one) => sum + one, 0) / Math.max(...used)
    process.stdout.write(
      [
        `${Math.round(rate)} messages of ${last.bytes} bytes a second (${Math.min(...rates)} to ${Math.max(...rates)}), ${last.missing} gaps`,
        `for each second that the busier process had a processor: ${Math.round(perProcessor)}`,
        ...(goal > 0 ? [`goal: ${goal}, which is ${rate >= goal && last.missing === 0 ? "held" : "missed"}`] : []),
        `memory of the publisher: ${mebibytes(publisherAtFirst)} to ${mebibytes(residentOf(publisher))} MiB`,
        `memory of the subscriber: ${mebibytes(first.resident)} to ${mebibytes(last.resident)} MiB`,
        ""
      ].join("\n")
    )
    if (rate < goal || last.missing > 0) process.exitCode = 1
  } finally {
    publisher.kill("SIGKILL")
    subscriber.kill("SIGKILL")
  }
}

if (availableParallelism() < 2) throw new BenchmarkProblem("two processes need two cores")
prepareInstallations(new Set(["current"]), undefined)
const program = join(installationFolder("current"), "topics-mesh.mjs")
copyFileSync(join(import.meta.dirname, "meshProgram.mjs"), program)
const folder = makeName()
try {
  await measure(program, redis ?? folder)
} finally {
  remove(folder)
}
