import { once } from "node:events"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { CandidateName } from "../candidates.ts"
import { endChild, hasEnded } from "../harness/children.ts"
import { freePort } from "../harness/freePort.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import { spawnServer } from "../harness/serverProcess.ts"
import { medianOf } from "../harness/statistics.ts"
import { usageOf } from "../harness/usage.ts"
import type { FigureSample } from "../figures/result.ts"
import { greeting } from "../servers/support/contract.ts"

const startsPerSample = 5
const limitMilliseconds = 10_000
const pollMilliseconds = 1
const settleMilliseconds = 500

const request = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

/** False as long as nothing listens there. */
const isAnswered = async (port: number): Promise<boolean> => {
  const socket = connect({ port, host: "127.0.0.1" })
  try {
    await once(socket, "connect")
    socket.write(request)
    let answer = ""
    for await (const bytes of socket as AsyncIterable<Buffer>) {
      answer += bytes.toString("latin1")
      if (answer.endsWith(greeting)) return true
    }
    return false
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

interface Start {
  readonly milliseconds: number
  readonly mebibytesAtRest: number
  readonly coreLostToOthers: number
}

const startOnce = async (candidate: CandidateName): Promise<Start> => {
  const port = await freePort()
  const startedAt = performance.now()
  const child = spawnServer(candidate, port, { saysHelloOnly: true })
  try {
    while (!(await isAnswered(port))) {
      if (hasEnded(child)) throw new BenchmarkProblem(`${candidate} ended when it was started`)
      if (performance.now() - startedAt > limitMilliseconds) throw new BenchmarkProblem(`${candidate} answers nothing`)
      await sleep(pollMilliseconds)
    }
    const milliseconds = performance.now() - startedAt
    const { waitedForOthersMicroseconds } = await usageOf(child.pid)
    await sleep(settleMilliseconds)
    const { residentBytes } = await usageOf(child.pid)
    return {
      milliseconds,
      mebibytesAtRest: residentBytes / 1_048_576,
      coreLostToOthers: Math.max(0, waitedForOthersMicroseconds / 1000 / milliseconds)
    }
  } finally {
    await endChild(child)
  }
}

/** Several starts one after another; the first one of a whole run is left out, since it fills caches. */
export const sampleStart = async (candidate: CandidateName): Promise<FigureSample> => {
  const starts: Array<Start> = []
  for (let count = 0; count <= startsPerSample; count++) starts.push(await startOnce(candidate))
  const counted = starts.slice(1)
  return {
    values: [
      medianOf(counted.map((start) => start.milliseconds)),
      medianOf(counted.map((start) => start.mebibytesAtRest))
    ],
    coreLostToOthers: medianOf(counted.map((start) => start.coreLostToOthers)),
    problems: []
  }
}
