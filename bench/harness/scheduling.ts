import { readFile } from "node:fs/promises"

export interface Scheduling {
  readonly ranMicroseconds: number
  /** Ready to run, but the core ran another thread. */
  readonly waitedMicroseconds: number
}

/** Of one thread, given its directory under /proc; that of a process stands for its main thread. */
export const scheduling = async (directory: string): Promise<Scheduling> => {
  const [ran = 0, waited = 0] = (await readFile(`${directory}/schedstat`, "latin1")).split(" ").map(Number)
  return { ranMicroseconds: ran / 1000, waitedMicroseconds: waited / 1000 }
}

export interface OwnScheduling {
  readonly processorMicroseconds: number
  /** How long the main thread was ready to run while its core ran something other than this process; may be below 0. */
  readonly waitedForOthersMicroseconds: number
}

export const ownScheduling = async (): Promise<OwnScheduling> => {
  const processor = process.cpuUsage()
  const processorMicroseconds = processor.user + processor.system
  const mainThread = await scheduling("/proc/self")
  const ownThreadsMicroseconds = processorMicroseconds - mainThread.ranMicroseconds
  return {
    processorMicroseconds,
    waitedForOthersMicroseconds: mainThread.waitedMicroseconds - ownThreadsMicroseconds
  }
}
