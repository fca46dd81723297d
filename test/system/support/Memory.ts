/** What the system says about another process; on Linux only. */
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs"
import { standstill, until } from "./Until.ts"

export const mebibyte = 1_048_576

/** Whether there is anything to measure with. That a test has to do without it is said aloud. */
export const isMeasurable = existsSync("/proc/self/clear_refs")
if (!isMeasurable) console.warn("NOT TESTED on this system: it has no /proc")

const statusOf = (pid: number, field: string): number => {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))
  return Number(match?.[1]) * 1024
}

/** Bytes of memory that a process occupies now. */
export const resident = (pid: number): Effect.Effect<number> => Effect.sync(() => statusOf(pid, "VmRSS"))

/**
 * Bytes of it that are code of programs which the system maps 2 MiB at a time, as it has them in memory in such pieces: that
 * is much of a program of which little is used, and depends on when and how its file was written.
 */
export const mappedInLargePieces = (pid: number): Effect.Effect<number> =>
  Effect.sync(() => {
    const [, size = "0"] = /^FilePmdMapped:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? []
    return Number(size) * 1024
  })

/** The most bytes that a process has occupied since `forgetPeak`. */
export const peak = (pid: number): Effect.Effect<number> => Effect.sync(() => statusOf(pid, "VmHWM"))

/** proc(5): 5 in `clear_refs` resets the peak to the present value. */
export const forgetPeak = (pid: number): Effect.Effect<void> =>
  Effect.sync(() => writeFileSync(`/proc/${pid}/clear_refs`, "5"))

const targetOf = (pid: number, descriptor: string): string => {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`)
  } catch {
    // It has been closed meanwhile.
    return "pipe:"
  }
}

/** Sockets and files that a process has open; of what the event loops of its threads need, nobody can say when it comes. */
export const descriptors = (pid: number): Effect.Effect<number> =>
  Effect.sync(
    () =>
      readdirSync(`/proc/${pid}/fd`).filter((descriptor) => !/^(?:pipe|anon_inode):/.test(targetOf(pid, descriptor)))
        .length
  )

const hasThread = (pid: number, name: string): Effect.Effect<boolean> =>
  Effect.sync(() => readdirSync(`/proc/${pid}/task`).some((task) => threadName(pid, task) === name))

const threadName = (pid: number, task: string): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/task/${task}/comm`, "utf8").trim()
  } catch {
    // It has ended meanwhile.
    return undefined
  }
}

/**
 * The same of a server that has had a connection and has none now. With the first one it starts its guard against a
 * blocked event loop, a thread that reads files.
 */
export const idleDescriptors = (pid: number): Effect.Effect<number> =>
  Effect.andThen(
    until("the guard is there", hasThread(pid, "WorkerThread")),
    standstill("the number of descriptors", descriptors(pid), 20)
  )

export const inMebibytes = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MiB`

/** Says what was measured, for whoever runs the tests. */
export const tell = (message: string): Effect.Effect<void> => Effect.sync(() => console.info(message))
