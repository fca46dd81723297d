import { assert } from "@effect/vitest"

/** Milliseconds. Less than what quadratic work takes, and ten times as much as linear work does. */
const limit = 5000

/**
 * Checks that work on a large input does not take the time that it would if it grew with the square of the input. The
 * size is chosen by whoever calls, for quadratic work to take ten seconds and more. Times for two sizes cannot be compared: a
 * larger input is one that the garbage collector and the system's memory have a part in, too.
 */
export const assertNotQuadratic = (work: () => void): void => {
  const start = performance.now()
  work()
  assert.isAtMost(performance.now() - start, limit, "milliseconds that it took")
}
