import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import type { CandidateName } from "../candidates.ts"
import { endChild, loadCore, spawnPinned, within } from "../harness/children.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import { withServer } from "../harness/serverProcess.ts"
import type { FigureSample } from "../figures/result.ts"
import type { HonestReport } from "./honest.ts"

const slowReaders = 500
/** Of the honest client alone, so that what answers it is compiled. */
const warmUpMilliseconds = 700
/** From when all have asked; the server has filled what the kernel takes of all answers by then. */
const burstMilliseconds = 3500
const replyLimitMilliseconds = 30_000

const start = (script: string, port: number, ...rest: ReadonlyArray<string>): ChildProcess => {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const command = [process.execPath, path, "--port", String(port), ...rest]
  return spawnPinned(loadCore, command, ["ignore", "ignore", "inherit", "ipc"])
}

const nextMessage = async <Message>(child: ChildProcess): Promise<Message> => {
  const messages = await within(replyLimitMilliseconds, once(child, "message"))
  if (messages === undefined) throw new BenchmarkProblem("a client of the slow readers' row did not answer in 30 s")
  // What the two scripts send stands in them.
  return messages[0] as Message
}

const askAmongSlowReaders = async (port: number): Promise<HonestReport> => {
  const honest = start("./honest.ts", port)
  await nextMessage(honest)
  await sleep(warmUpMilliseconds)
  const crowd = start("./crowd.ts", port, "--clients", String(slowReaders))
  try {
    await nextMessage(crowd)
    await sleep(burstMilliseconds)
    const report = nextMessage<HonestReport>(honest)
    honest.send("stop")
    return await report
  } finally {
    await endChild(crowd)
    await endChild(honest)
  }
}

export const sampleLongestWait = (candidate: CandidateName): Promise<FigureSample> =>
  withServer(candidate, {}, async (server) => {
    const before = await server.usage()
    const startedAt = performance.now()
    const { longestMilliseconds, problem, requests } = await askAmongSlowReaders(server.port)
    const elapsedMicroseconds = (performance.now() - startedAt) * 1000
    const after = await server.usage()
    const waited = after.waitedForOthersMicroseconds - before.waitedForOthersMicroseconds
    const problems = [...(problem === undefined ? [] : [problem]), ...(requests === 0 ? ["no answers at all"] : [])]
    return {
      values: [longestMilliseconds, after.peakResidentBytes / 1_048_576],
      coreLostToOthers: Math.max(0, waited / elapsedMicroseconds),
      problems
    }
  })
