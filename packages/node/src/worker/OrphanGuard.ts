/**
 * Ends a worker whose parent has gone and that does not end by itself. Nobody else would: the parent is who kills workers
 * that hang. A worker whose event loop is blocked cannot see that the parent has gone, so a thread watches.
 */
import { Worker } from "node:worker_threads"
import { unreadyLeaveTimeout } from "./LeaveTimeout.ts"

export interface OrphanGuard {
  /** Sets how many milliseconds the worker has to end once the parent has gone; infinitely many are no limit. */
  readonly allow: (milliseconds: number) => void
}

/** Milliseconds between two looks at the parent. */
const interval = 1000

/** As text, so that it needs no file of its own beside the bundled program. */
const program = `
  const { parentPort, workerData } = require("node:worker_threads")
  const { interval, parent } = workerData
  let { allowance } = workerData
  let orphanedAt
  parentPort.on("message", (milliseconds) => { allowance = milliseconds })
  setInterval(() => {
    if (process.ppid === parent) return
    orphanedAt ??= performance.now()
    if (performance.now() - orphanedAt >= allowance) process.kill(process.pid, "SIGKILL")
  }, interval)
`

/**
 * Watches the parent of this process, as long as it lives. To be started while the parent is there, unless its number was
 * remembered before.
 */
export const start = (allowance: number = unreadyLeaveTimeout, parent: number = process.ppid): OrphanGuard => {
  const thread = new Worker(program, {
    eval: true,
    execArgv: [],
    env: {},
    workerData: { allowance, interval, parent },
    // It needs next to nothing, and every worker has one.
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 }
  })
  thread.unref()
  // Without the thread the worker serves as well as with it.
  thread.on("error", () => {})
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- That is about windows of a browser.
  return { allow: (milliseconds) => thread.postMessage(milliseconds) }
}
