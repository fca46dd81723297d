import { once } from "node:events"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { endChild, loadCore, spawnPinned, within } from "./children.ts"
import { BenchmarkProblem } from "./problem.ts"
import { schedulingOfThreads } from "./scheduling.ts"

export interface LoadResult {
  /** Answered requests, echoed messages, or answered connections. */
  readonly count: number
  /** How long the load lasted. */
  readonly seconds: number
  readonly mebibytesPerSecond: number
  readonly medianLatencyMicroseconds: number | undefined
  readonly tailLatencyMicroseconds: number | undefined
  /** The share of its core that the generator used; close to 1 it may have been the limit rather than the server. */
  readonly generatorBusy: number
  /** The share of the time that the generator was ready to run while its core ran something else. */
  readonly generatorWaiting: number
  readonly problems: ReadonlyArray<string>
}

/** To open connections, and to wait for the last answers. */
const extraSeconds = 15

/** Runs a load generator on its core for as long as it was told to, and returns what it printed and what was observed. */
export const runGenerator = async <Observed>(
  command: ReadonlyArray<string>,
  seconds: number,
  observe: (processId: number | undefined) => Promise<Observed>
): Promise<{ readonly output: string; readonly observed: Observed }> => {
  const [name] = command
  const child = spawnPinned(loadCore, command, ["ignore", "pipe", "inherit"])
  if (child.stdout === null) throw new BenchmarkProblem(`${name} has no output`)
  const ended = Promise.all([text(child.stdout), observe(child.pid), once(child, "exit")])
  const outcome = await within((seconds + extraSeconds) * 1000, ended)
  if (outcome === undefined) {
    await endChild(child)
    throw new BenchmarkProblem(`${name} did not end ${extraSeconds} s after the ${seconds} s that it was started for`)
  }
  return { output: outcome[0], observed: outcome[1] }
}

export interface CoreShares {
  readonly busy: number
  readonly waiting: number
}

/** Of a generator that does not tell itself. Asked shortly before it ends, since its threads take their figures with them. */
export const coreShares = async (processId: number | undefined, seconds: number): Promise<CoreShares> => {
  const elapsedMilliseconds = seconds * 1000 - 200
  await sleep(elapsedMilliseconds)
  const { ranMicroseconds, waitedMicroseconds } = await schedulingOfThreads(processId)
  const elapsedMicroseconds = elapsedMilliseconds * 1000
  return { busy: ranMicroseconds / elapsedMicroseconds, waiting: waitedMicroseconds / elapsedMicroseconds }
}
