/**
 * Times that servers promise, on a machine that may have other work: a time in which this process was kept from running is
 * one in which the servers beside it were as well, and does not count.
 */

/** Milliseconds between two looks; one that comes later than twice that was kept by something. */
const pause = 5

let stalled = 0
let last = performance.now()

setInterval(() => {
  const now = performance.now()
  stalled += Math.max(0, now - last - 2 * pause)
  last = now
}, pause).unref()

/** Begins to measure; answers how to ask for the milliseconds until then. */
export const stopwatch = (): (() => number) => {
  const begun = performance.now()
  const before = stalled
  return () => {
    const now = performance.now()
    return now - begun - (stalled - before) - Math.max(0, now - last - 2 * pause)
  }
}
