import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Rereading from "../../src/run/Rereading.ts"

/** A reading that ends when somebody says so. */
const controlled = () => {
  const ends: Array<{ readonly succeed: () => void; readonly fail: (error: Error) => void }> = []
  const events: Array<string> = []
  const rereading = Rereading.make(
    () => {
      events.push("reads")
      return new Promise<void>((succeed, fail) => ends.push({ succeed, fail }))
    },
    () => void events.push("done"),
    (error) => void events.push(String(error))
  )
  return { ends, events, rereading }
}

/** Lets everything happen that has been set off. */
const settle = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

describe("Rereading", () => {
  it.effect("reads once more for all who have asked while a reading was under way", () =>
    Effect.gen(function* () {
      const { ends, events, rereading } = controlled()
      rereading.ask()
      yield* settle
      for (let time = 0; time < 5; time++) rereading.ask()
      yield* settle
      assert.deepStrictEqual(events, ["reads"])
      ends[0]?.succeed()
      yield* settle
      assert.deepStrictEqual(events, ["reads", "done", "reads"])
      ends[1]?.succeed()
      yield* settle
      assert.deepStrictEqual(events, ["reads", "done", "reads", "done"])
      rereading.ask()
      yield* settle
      assert.deepStrictEqual(events.slice(4), ["reads"])
    })
  )

  it.effect("goes on after a reading that has failed", () =>
    Effect.gen(function* () {
      const { ends, events, rereading } = controlled()
      rereading.ask()
      yield* settle
      ends[0]?.fail(new Error("no memory"))
      yield* settle
      assert.deepStrictEqual(events, ["reads", "Error: no memory", "done"])
      rereading.ask()
      yield* settle
      ends[1]?.succeed()
      yield* settle
      assert.deepStrictEqual(events.slice(3), ["reads", "done"])
    })
  )

  it.effect("goes on after a reading that has thrown instead of failing", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const rereading = Rereading.make(
        () => {
          throw new Error("at once")
        },
        () => void events.push("done"),
        (error) => void events.push(String(error))
      )
      rereading.ask()
      yield* settle
      assert.deepStrictEqual(events, ["Error: at once", "done"])
    })
  )
})
