import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { getHeapStatistics } from "node:v8"
import * as Memory from "../../src/run/Memory.ts"

/** MiB that V8 has from the system, whether it uses them or keeps them. */
const heapSize = (): number => getHeapStatistics().total_heap_size / 1_048_576

/** Leaves some 80 MiB behind that nobody uses any more. */
const makeGarbage = (): void => {
  let last: object = {}
  for (let count = 0; count < 1_000_000; count++) last = { previous: count % 100_000 === 0 ? {} : last, count }
  assert.isObject(last)
}

/** Has the event loop never wait, however late the machine wakes this process; until what is returned is called. */
const keepBusy = (): (() => void) => {
  let next: NodeJS.Immediate
  const work = (): void => {
    next = setImmediate(work)
  }
  work()
  return () => clearImmediate(next)
}

describe("memory that only the start has needed", () => {
  it("is given back to the system", () => {
    makeGarbage()
    const before = heapSize()
    Memory.release()
    assert.isBelow(heapSize(), before - 10)
  })

  it.live("is given back when the process is idle, and not while it is busy", () =>
    Effect.gen(function* () {
      const stop = keepBusy()
      yield* Effect.addFinalizer(() => Effect.sync(stop))
      const releasing = yield* Effect.forkChild(Memory.releaseWhenIdle)
      yield* Effect.sleep("500 millis")
      assert.isUndefined(releasing.pollUnsafe())
      stop()
      yield* Fiber.join(releasing)
    })
  )
})
