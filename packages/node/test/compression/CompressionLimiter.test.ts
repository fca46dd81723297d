import { assert, describe, it } from "@effect/vitest"
import { CompressionLimiter, type LimitedWork } from "../../src/compression/CompressionLimiter.ts"

/** Work that tells when it begins. */
const work = (name: string, length: number, started: Array<string>): LimitedWork => ({
  length,
  start: () => {
    started.push(name)
    return true
  }
})

const small = 1024
const large = 65_536
const huge = 16 * 1_048_576

/** Adds so many pieces of work, numbered from 0. */
const addAll = (limiter: CompressionLimiter, count: number, length: number, started: Array<string>): void => {
  for (let index = 0; index < count; index++) limiter.add(work(String(index), length, started))
}

describe("CompressionLimiter", () => {
  for (const [name, length, limit] of [
    ["empty", 0, 16],
    ["small", small, 16],
    ["middling", 20_000, 5],
    ["large", large, 2],
    ["huge", huge, 2]
  ] as const) {
    it(`lets ${limit} ${name} pieces of work be under way, and the next begin when one has ended`, () => {
      const limiter = new CompressionLimiter()
      const started: Array<string> = []
      addAll(limiter, 50, length, started)
      for (let ended = 0; ended <= 50; ended++) {
        const expected = Math.min(50, limit + ended)
        assert.deepStrictEqual(
          started,
          Array.from({ length: expected }, (_, index) => String(index))
        )
        limiter.release(length)
      }
    })
  }

  it("lets nothing overtake a large one that waits", () => {
    const limiter = new CompressionLimiter()
    const started: Array<string> = []
    for (const [name, length] of [
      ["large 1", large],
      ["small 1", small],
      ["large 2", large],
      ["small 2", small]
    ] as const) {
      limiter.add(work(name, length, started))
    }
    assert.deepStrictEqual(started, ["large 1", "small 1"])
    limiter.release(small)
    assert.deepStrictEqual(started, ["large 1", "small 1", "large 2"])
    limiter.release(large)
    assert.deepStrictEqual(started, ["large 1", "small 1", "large 2", "small 2"])
  })

  it("passes over work that has nothing to do any more, however much of it there is", () => {
    const limiter = new CompressionLimiter()
    const started: Array<string> = []
    addAll(limiter, 2, large, started)
    for (let index = 0; index < 50_000; index++) limiter.add({ length: large, start: () => false })
    limiter.add(work("last", large, started))
    assert.deepStrictEqual(started, ["0", "1"])
    limiter.release(large)
    assert.deepStrictEqual(started, ["0", "1", "last"])
  })
})
