/**
 * For how long a request may have waited before the process got round to reading it, loaded for the option `maxQueueTime`
 * alone. Nobody knows when bytes have come that the system holds; but all that is found in one turn of the event loop has
 * come since the turn before has begun, unless the loop was idle between the two.
 */
import { performance } from "node:perf_hooks"

/** Idle milliseconds between two turns from which on nothing was waiting when the second one began. */
const idleEnough = 0.05

/** What is asked of the runtime. */
export interface Loop {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  /** Milliseconds for which the loop has waited for something to do. */
  readonly idle: () => number
  /** Calls back when the turn is over. */
  readonly atEnd: (callback: () => void) => void
}

const ownLoop: Loop = {
  now: () => performance.now(),
  idle: () => performance.eventLoopUtilization().idle,
  atEnd: setImmediate
}

/** Answers, when a request is read, the most milliseconds for which it can have waited. */
export const make = (loop: Loop = ownLoop): (() => number) => {
  let isBegun = false
  let begun: number | undefined = undefined
  let idle = 0
  let oldest = 0
  const end = (): void => {
    isBegun = false
  }
  return () => {
    const now = loop.now()
    if (isBegun) return now - oldest
    isBegun = true
    loop.atEnd(end)
    const idleNow = loop.idle()
    oldest = begun === undefined || idleNow - idle > idleEnough ? now : begun
    idle = idleNow
    begun = now
    return now - oldest
  }
}
