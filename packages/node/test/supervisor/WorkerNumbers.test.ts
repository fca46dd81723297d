import { assert, describe, it } from "@effect/vitest"
import { needsProcessors, of } from "../../src/supervisor/WorkerNumbers.ts"

/** At least, at first and at most, with four processors. */
const numbers = (workers: number | "auto", minWorkers = 0, maxWorkers: number | "auto" = 0) => {
  const { maximum, minimum, workers: first } = of({ workers, minWorkers, maxWorkers }, 4)
  return [minimum, first, maximum]
}

describe("the numbers of workers", () => {
  it("are one where no bound is given", () => {
    assert.deepStrictEqual(numbers(3), [3, 3, 3])
    assert.deepStrictEqual(numbers(0), [1, 1, 1])
    assert.deepStrictEqual(numbers("auto"), [4, 4, 4])
  })

  it("have the bounds that are given", () => {
    assert.deepStrictEqual(numbers(2, 1), [1, 2, 2])
    assert.deepStrictEqual(numbers(2, 0, 6), [2, 2, 6])
    assert.deepStrictEqual(numbers(2, 1, 6), [1, 2, 6])
    assert.deepStrictEqual(numbers("auto", 1, 6), [1, 4, 6])
    assert.deepStrictEqual(numbers(1, 0, "auto"), [1, 1, 4])
  })

  it("let auto give way to the others", () => {
    assert.deepStrictEqual(numbers("auto", 0, 2), [2, 2, 2])
    assert.deepStrictEqual(numbers("auto", 1, 2), [1, 2, 2])
    assert.deepStrictEqual(numbers("auto", 8), [8, 8, 8])
    assert.deepStrictEqual(numbers(6, 0, "auto"), [6, 6, 6])
    assert.deepStrictEqual(numbers("auto", 8, "auto"), [8, 8, 8])
  })

  it("need to know of the processors only where auto says so", () => {
    assert.isFalse(needsProcessors({ workers: 3, minWorkers: 1, maxWorkers: 5 }))
    assert.isTrue(needsProcessors({ workers: "auto", minWorkers: 0, maxWorkers: 0 }))
    assert.isTrue(needsProcessors({ workers: 1, minWorkers: 0, maxWorkers: "auto" }))
  })
})
