/**
 * The processes of a test, found by a mark in their environment: the parent that a hot restart leaves is not one that the
 * test has started, nor a child of any.
 */
import { readdirSync, readFileSync } from "node:fs"

/** The variable with the mark; it begins with the process of the tests, see `fixtures/endWithTests.ts`. */
export const variable = "SUPERVISOR_TEST"

let count = 0

export const newMark = (): string => `${process.pid}-${++count}`

export interface Found {
  readonly pid: number
  readonly parent: number
  readonly isWorker: boolean
}

/** What a process has found in its environment, each a name and a value. */
export const environmentOf = (pid: number): ReadonlyArray<string> =>
  readFileSync(`/proc/${pid}/environ`, "latin1").split("\0")

const find = (pid: number, mark: string): Found | undefined => {
  try {
    // A process that has ended and is still listed has no environment any more.
    const environment = environmentOf(pid)
    if (!environment.includes(`${variable}=${mark}`)) return undefined
    // pid (name) state parent; the name may contain anything.
    const [, parent] = /^.*\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? []
    return { pid, parent: Number(parent), isWorker: environment.some((entry) => entry.startsWith("PAGI_WORKER=")) }
  } catch {
    return undefined // It has ended meanwhile.
  }
}

/** All processes with a mark that run now. */
export const processesOf = (mark: string): ReadonlyArray<Found> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => find(Number(name), mark))
    .filter((found) => found !== undefined)

/** A parent with its workers. */
export interface Family {
  readonly parent: number
  readonly workers: ReadonlyArray<number>
}

export const familiesOf = (mark: string): ReadonlyArray<Family> => {
  const all = processesOf(mark)
  return all
    .filter(({ isWorker }) => !isWorker)
    .map(({ pid }) => ({
      parent: pid,
      workers: all.filter(({ isWorker, parent }) => isWorker && parent === pid).map((worker) => worker.pid)
    }))
    .filter(({ workers }) => workers.length > 0)
}

/** Sends a signal to a process that may have ended. */
export const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

/** Seconds of CPU that a process has used; the system's own count is in hundredths of a second, this one is exact. */
export const cpuOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ", 1)[0]))
    .reduce((sum, nanoseconds) => sum + nanoseconds / 1e9, 0)
