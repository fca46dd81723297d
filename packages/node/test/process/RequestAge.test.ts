import { assert, describe, it } from "@effect/vitest"
import { make } from "../../src/process/RequestAge.ts"

/** A loop whose turns end, and whose time passes, when the test says so. */
const setUp = () => {
  const time = { now: 1000, idle: 500 }
  let callback = (): void => {}
  let watched = 0
  const age = make({
    now: () => time.now,
    idle: () => time.idle,
    atEnd: (atEnd) => {
      watched++
      callback = atEnd
    }
  })
  const endTurn = (idle = 0): void => {
    callback()
    time.now += idle
    time.idle += idle
  }
  const compute = (millis: number): void => {
    time.now += millis
  }
  return { age, compute, endTurn, watched: () => watched }
}

describe("how long a request may have waited", () => {
  it("is nothing for the first one, and for one that the loop has been idle before", () => {
    const { age, compute, endTurn } = setUp()
    assert.strictEqual(age(), 0)
    compute(30)
    endTurn(10)
    assert.strictEqual(age(), 0)
  })

  it("is the time since the turn has begun, for those of the same turn, which are watched once", () => {
    const { age, compute, watched } = setUp()
    age()
    compute(30)
    assert.strictEqual(age(), 30)
    compute(10)
    assert.strictEqual(age(), 40)
    assert.strictEqual(watched(), 1)
  })

  it("is the time since the turn before has begun, when the loop was busy ever since", () => {
    const { age, compute, endTurn } = setUp()
    age()
    compute(30)
    endTurn(0.01)
    compute(5)
    assert.closeTo(age(), 35.01, 1e-9)
    compute(10)
    assert.closeTo(age(), 45.01, 1e-9)
    endTurn()
    assert.closeTo(age(), 10, 1e-9)
  })
})
