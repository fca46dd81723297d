import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { endChild, hasEnded, serverCore, spawnPinned } from "../harness/children.ts"
import { freePort } from "../harness/freePort.ts"
import { BenchmarkProblem } from "../harness/problem.ts"
import type { RunningServer, StartOptions, Usage } from "../harness/runningServer.ts"
import { schedulingOfThreads } from "../harness/scheduling.ts"
import { contentTypes, root } from "./documents.ts"

const startLimitMilliseconds = 5000

/** It would not notice that the benchmark has ended, so the kernel ends it then. */
const commandFor = (port: number, { certificate }: StartOptions): ReadonlyArray<string> => [
  ...["setpriv", "--pdeathsig", "KILL", "nghttpd"],
  ...["--address", "127.0.0.1"],
  ...["--htdocs", root],
  ...["--mime-types-file", contentTypes],
  ...(certificate === undefined ? ["--no-tls", String(port)] : [String(port), certificate.key, certificate.cert])
]

const accepts = async (port: number): Promise<boolean> => {
  const socket = connect({ port, host: "127.0.0.1" })
  try {
    await once(socket, "connect")
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** What servers of ours tell themselves. */
const usageOf = async (processId: number | undefined): Promise<Usage> => {
  const status = await readFile(`/proc/${processId}/status`, "utf8")
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024
  const { ranMicroseconds, waitedMicroseconds } = await schedulingOfThreads(processId)
  return {
    residentBytes: bytes("VmRSS"),
    peakResidentBytes: bytes("VmHWM"),
    heapAndExternalBytes: 0,
    processorMicroseconds: ranMicroseconds,
    // It has one thread, which waits for nothing else of its own.
    waitedForOthersMicroseconds: waitedMicroseconds
  }
}

export const startNghttpd = async (options: StartOptions): Promise<RunningServer> => {
  const port = await freePort()
  const child = spawnPinned(serverCore, commandFor(port, options), ["ignore", "ignore", "inherit"])
  const limit = performance.now() + startLimitMilliseconds
  while (!(await accepts(port))) {
    if (hasEnded(child)) throw new BenchmarkProblem("nghttpd ended when it was started")
    if (performance.now() > limit) {
      await endChild(child)
      throw new BenchmarkProblem(`nghttpd accepts nothing within ${startLimitMilliseconds / 1000} s`)
    }
    await sleep(20)
  }
  return { port, usage: () => usageOf(child.pid), stop: () => endChild(child) }
}
