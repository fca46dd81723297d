import { readFile } from "node:fs/promises"
import type { Usage } from "./runningServer.ts"
import { scheduling, schedulingOfThreads } from "./scheduling.ts"

/** What the kernel tells of a process. Memory is what it has resident, whoever asked for it. */
export const usageOf = async (processId: number | undefined): Promise<Usage> => {
  const directory = `/proc/${processId}`
  const status = await readFile(`${directory}/status`, "utf8")
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024
  const all = await schedulingOfThreads(processId)
  const main = await scheduling(directory)
  const ownThreadsMicroseconds = all.ranMicroseconds - main.ranMicroseconds
  return {
    residentBytes: bytes("VmRSS"),
    peakResidentBytes: bytes("VmHWM"),
    processorMicroseconds: all.ranMicroseconds,
    waitedForOthersMicroseconds: main.waitedMicroseconds - ownThreadsMicroseconds
  }
}
