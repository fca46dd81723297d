import { assert, describe, it } from "@effect/vitest"
import { AbuseBudget } from "../../src/protocol/AbuseBudget.ts"

interface TestBudget {
  readonly budget: AbuseBudget
  /** Lets milliseconds pass. */
  readonly pass: (milliseconds: number) => void
  /** How often the clock was looked at. */
  readonly looks: () => number
}

const make = (resetBurst: number, resetsPerSecond: number): TestBudget => {
  let now = 5_000_000
  let looks = 0
  const clock = (): number => {
    looks++
    return now
  }
  const budget = new AbuseBudget({ resetBurst, resetsPerSecond }, clock)
  const pass = (milliseconds: number): void => {
    now += milliseconds
  }
  return { budget, pass, looks: () => looks }
}

/** How often it can be taken, at most 5000 times. */
const count = (take: () => boolean): number => {
  for (let taken = 0; taken < 5000; taken++) if (!take()) return taken
  return Number.POSITIVE_INFINITY
}

describe("AbuseBudget", () => {
  it("allows a burst of resets", () => {
    const { budget } = make(7, 2)
    assert.strictEqual(
      count(() => budget.reset()),
      7
    )
    assert.isFalse(budget.reset())
  })

  it("allows as many resets more as time has passed for", () => {
    const { budget, pass } = make(7, 2)
    count(() => budget.reset())
    pass(499)
    assert.isFalse(budget.reset())
    pass(1)
    assert.isTrue(budget.reset())
    assert.isFalse(budget.reset())
    pass(1500)
    assert.strictEqual(
      count(() => budget.reset()),
      3
    )
  })

  it("loses nothing by looking often", () => {
    const { budget, pass } = make(3, 4)
    count(() => budget.reset())
    let taken = 0
    for (let millisecond = 0; millisecond < 10_000; millisecond++) {
      pass(1)
      if (budget.reset()) taken++
    }
    assert.strictEqual(taken, 40)
  })

  it("gathers no more than the burst", () => {
    const { budget, pass } = make(7, 2)
    for (let round = 0; round < 3; round++) {
      assert.strictEqual(
        count(() => budget.reset()),
        7
      )
      pass(3_600_000)
    }
  })

  it("also counts the time before it was empty for the first time", () => {
    const { budget, pass } = make(7, 2)
    pass(2000)
    assert.strictEqual(
      count(() => budget.reset()),
      7 + 4
    )
  })

  it("never refills without a rate, and allows nothing without a burst", () => {
    const { budget, pass } = make(1, 0)
    assert.deepStrictEqual([budget.reset(), budget.reset()], [true, false])
    pass(3_600_000)
    assert.isFalse(budget.reset())
    assert.isFalse(make(0, 5).budget.reset())
  })

  it("allows 1000 frames without content, and 100 each second", () => {
    const { budget, pass } = make(1, 1)
    assert.strictEqual(
      count(() => budget.control()),
      1000
    )
    pass(1000)
    assert.strictEqual(
      count(() => budget.control()),
      100
    )
  })

  it("counts resets and frames without content apart", () => {
    const { budget } = make(2, 1)
    count(() => budget.control())
    assert.isTrue(budget.reset())
    count(() => budget.reset())
    budget.earn(1)
    assert.deepStrictEqual([budget.control(), budget.reset()], [true, false])
  })

  it("earns frames without content beyond those that it has anyway", () => {
    const { budget } = make(1, 1)
    const controls = () => count(() => budget.control())
    budget.earn(10)
    assert.strictEqual(controls(), 1010)
    budget.earn(10)
    assert.strictEqual(controls(), 10)
    budget.earn(500)
    assert.strictEqual(controls(), 500)
  })

  it("looks at the clock only when it is made and when it is empty", () => {
    const { budget, looks } = make(10, 1)
    assert.strictEqual(looks(), 1)
    for (let taken = 0; taken < 10; taken++) budget.reset()
    for (let taken = 0; taken < 1000; taken++) budget.control()
    assert.strictEqual(looks(), 1)
    budget.reset()
    assert.strictEqual(looks(), 2)
    budget.control()
    assert.strictEqual(looks(), 3)
  })
})
