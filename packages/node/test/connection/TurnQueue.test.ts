import { assert, describe, it } from "@effect/vitest"
import { TurnQueue } from "../../src/connection/TurnQueue.ts"

describe("TurnQueue", () => {
  it("runs what was added once, in order, before the event loop goes on", async () => {
    const events: Array<string> = []
    const turns = new TurnQueue(() => {}, undefined)
    const task = (name: string) => ({ endTurn: () => void events.push(name) })
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
    turns.add({
      endTurn: () => {
        events.push("first")
        turns.add({ endTurn: () => void events.push("added") })
      }
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepStrictEqual(events, ["first", "added"])
    turns.add({ endTurn: () => void events.push("later") })
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepStrictEqual(events, ["first", "added", "later"])
  })
})
