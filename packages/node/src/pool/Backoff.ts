/** How long a slot of the pool waits for its next worker when others have died quickly. All times are in milliseconds. */

/** A worker that dies sooner after it was ready, or before, has died quickly. */
const settledAfter = 10_000

const shortest = 500

const longest = 30_000

/** How long a slot waits after its worker was told to stop: whoever has told all processes is about to stop the pool. */
export const afterStop = 200

/** Whether a worker has served long enough for its slot to be in order. */
export const isSettled = (readyAt: number | undefined, now: number): boolean =>
  readyAt !== undefined && now - readyAt >= settledAfter

/** How long a slot waits for its next worker after so many quick deaths in a row: not at all after the first one. */
export const delay = (quickDeaths: number): number =>
  quickDeaths <= 1 ? 0 : Math.min(longest, shortest * 2 ** (quickDeaths - 2))
