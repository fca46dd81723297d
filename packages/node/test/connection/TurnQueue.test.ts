import { assert, describe, it } from "@effect/vitest"
import { TurnQueue, type TurnTask } from "../../src/connection/TurnQueue.ts"

/** A task that does this when it is its turn. */
const doing = (endTurn: () => void): TurnTask => ({ isQueued: false, nextTask: undefined, endTurn })

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve))

const busy = (milliseconds: number): void => {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

describe("TurnQueue", () => {
  it("runs what was added once, in order, before the event loop goes on", async () => {
    const events: Array<string> = []
    const turns = new TurnQueue(() => {}, undefined)
    const task = (name: string) => doing(() => void events.push(name))
    const nextTurn = new Promise((resolve) => setImmediate(resolve)).then(() => events.push("next turn"))
    turns.add(task("first"))
    turns.add(task("second"))
    assert.deepStrictEqual(events, [])
    await nextTurn
    assert.deepStrictEqual(events, ["first", "second", "next turn"])
  })

  it("takes tasks that are added while it runs", async () => {
    const events: Array<string> = []
    const turns = new TurnQueue(() => {}, undefined)
    turns.add(
      doing(() => {
        events.push("first")
        turns.add(doing(() => void events.push("added")))
      })
    )
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepStrictEqual(events, ["first", "added"])
    turns.add(doing(() => void events.push("later")))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepStrictEqual(events, ["first", "added", "later"])
  })

  it("lets the event loop look at everything else when the tasks take long, in their order", async () => {
    const done: Array<number> = []
    const turns = new TurnQueue(() => {}, undefined)
    for (let number = 0; number < 640; number++) {
      turns.add(
        doing(() => {
          done.push(number)
          busy(0.1)
        })
      )
    }
    await immediate()
    const first = done.length
    assert.isAtLeast(first, 128)
    assert.isBelow(first, 640)
    // What comes meanwhile is behind the others.
    turns.add(doing(() => void done.push(640)))
    while (done.length < 641) await immediate()
    assert.deepStrictEqual(
      done,
      Array.from({ length: 641 }, (_, number) => number)
    )
  })

  it("runs a task once that is added twice, and again when it is added by itself", async () => {
    const events: Array<string> = []
    const turns = new TurnQueue(() => {}, undefined)
    let again = 1
    const task = doing(() => {
      events.push("run")
      if (again-- > 0) turns.add(task)
    })
    turns.add(task)
    turns.add(task)
    await immediate()
    assert.deepStrictEqual(events, ["run", "run"])
    assert.isFalse(task.isQueued)
  })
})
