import { assert } from "@effect/vitest"

/** How much larger the larger input is. Work that is quadratic takes 64 times as long for it. */
const factor = 8

/** How much longer work that is linear may take: caches and the garbage collector have their part in it. */
const tolerance = 4

const attempts = 4

/**
 * Checks that work grows as its input does, for a size whose work takes a millisecond or so. The shortest of several
 * runs is compared, so that only a machine that is busy all the time could make a difference, and then for both sizes.
 */
export const assertLinear = (size: number, work: (size: number) => void): void => {
  work(size)
  const ratio = () => shortest(() => work(factor * size)) / shortest(() => work(size))
  for (let attempt = 1; attempt < attempts; attempt++) if (ratio() <= factor * tolerance) return
  assert.isAtMost(ratio(), factor * tolerance, `${factor} times the input took so many times as long`)
}

const shortest = (run: () => void): number => {
  let least = Number.POSITIVE_INFINITY
  for (let count = 0; count < 3; count++) {
    const start = performance.now()
    run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}
