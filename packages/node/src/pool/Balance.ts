/** The numbers by which workers that accept on one socket come to about as many connections each. */

/**
 * Of the supervisor, which tells workers how many connections each of them has on average (`ConnectionShares`): it does
 * so again when the average has changed by this part of it, and by 1 at least.
 */
export const toldTolerance = 0.1

/** Milliseconds at least between two messages about it to the same worker. */
export const tellPause = 250

/** Of a worker (`AcceptShare`): how much more than the average it may hold before it waits, this part and a few besides. */
export const heldTolerance = 0.25
export const heldSlack = 4

/**
 * Milliseconds that it waits after it has accepted: long enough for another process to get a processor, and less than
 * anybody would notice.
 */
export const acceptPause = 2

/**
 * Milliseconds that it may wait in a row, and the part of the time in the long run. A burst gets by with the former; the
 * latter limits what is lost while the average is out of date, or nobody else is there to accept.
 */
export const longestWait = 200
export const waitedPart = 0.05
