import { assert } from "@effect/vitest"

/**
 * Milliseconds of the processor's time, to which a machine that stops, or that others use, adds nothing. Less than what
 * quadratic work takes, and ten times as much as linear work does.
 */
const limit = 5000

/**
 * Checks that work on a large input does not take the time that it would if it grew with the square of the input. The
 * size is chosen by whoever calls, for quadratic work to take ten seconds and more. Times for two sizes cannot be compared: a
 * larger input is one that the garbage collector and the system's memory have a part in, too.
 */
export const assertNotQuadratic = (work: () => void): void => {
  const before = process.cpuUsage()
  work()
  const { system, user } = process.cpuUsage(before)
  assert.isAtMost((system + user) / 1000, limit, "milliseconds that it took")
}
