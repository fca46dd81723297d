import { readdir, readFile } from "node:fs/promises"

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

/** Of all threads that a process has now; those that have ended took their figures with them. */
export const schedulingOfThreads = async (processId: number | undefined): Promise<Scheduling> => {
  const tasks = `/proc/${processId}/task`
  const threads = await readdir(tasks).catch(() => [])
  const asked = threads.map((thread) => scheduling(`${tasks}/${thread}`).catch(() => undefined))
  const answers = (await Promise.all(asked)).filter((thread) => thread !== undefined)
  return {
    ranMicroseconds: answers.reduce((sum, { ranMicroseconds }) => sum + ranMicroseconds, 0),
    waitedMicroseconds: answers.reduce((sum, { waitedMicroseconds }) => sum + waitedMicroseconds, 0)
  }
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
