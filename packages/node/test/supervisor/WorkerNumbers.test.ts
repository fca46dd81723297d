import { assert, describe, it } from "@effect/vitest"
import { after, needsProcessors, of, write, type WorkerNumbers } from "../../src/supervisor/WorkerNumbers.ts"

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

const three = (minimum: number, workers: number, maximum: number): WorkerNumbers => ({ minimum, workers, maximum })

describe("the numbers of workers of a successor", () => {
  const asked = three(1, 2, 4)
  const said = (now: WorkerNumbers) => write({ now, asked })

  it("are those of its predecessor, whose options ask for the same", () => {
    assert.deepStrictEqual(after(asked, said(three(1, 4, 4))), three(1, 4, 4))
    // Somebody has added two.
    assert.deepStrictEqual(after(asked, said(three(3, 6, 6))), three(3, 6, 6))
    const fixed = three(2, 2, 2)
    assert.deepStrictEqual(after(fixed, write({ now: three(3, 3, 3), asked: fixed })), three(3, 3, 3))
  })

  it("are those that its options ask for, when these are others, with as many at first as there are", () => {
    assert.deepStrictEqual(after(three(2, 2, 8), said(three(1, 4, 4))), three(2, 4, 8))
    assert.deepStrictEqual(after(three(2, 2, 3), said(three(1, 4, 4))), three(2, 3, 3))
    assert.deepStrictEqual(after(three(2, 2, 8), said(three(1, 1, 4))), three(2, 2, 8))
    assert.deepStrictEqual(after(three(5, 5, 5), said(three(1, 4, 4))), three(5, 5, 5))
  })

  it("are those that its options ask for, when a predecessor says nothing that makes sense", () => {
    const nonsense = [
      "",
      "3",
      "1,2,4",
      "1,2,4/1,2",
      "0,0,0/1,2,4",
      "4,2,1/1,2,4",
      "1,9e3,4/1,2,4",
      "1,2,999999/1,2,4",
      "1,2,4/1,2,4/"
    ]
    for (const text of [undefined, ...nonsense]) assert.deepStrictEqual(after(asked, text), asked)
  })
})
